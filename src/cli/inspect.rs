//! `bn-tool inspect`

use super::Status;
use super::arguments::ReportArguments;
use super::error::Failure;
use crate::onnx::{check_saves, load};
use crate::report::{InspectSummary, human};
use crate::transform::fold::{FoldOptions, fold_checked};
use crate::transform::strip_bias::{StripOptions, strip_bias};
use clap::Args;
use std::path::PathBuf;

/// List every BatchNormalization: where it is, whether it folds, and how healthy it is.
///
/// Health flags: gain N (the largest factor |γ|/sqrt(σ²+ε), if above 1000), zero γ (channels
/// that pass nothing on), invalid (NaN, infinite or negative parameters), untrained (all
/// means 0 and variances 1). A bias before it that `strip-bias` could move into its mean is named too.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool inspect model.onnx
  bn-tool inspect model.onnx --explain          # say what to do about those that do not fold
  bn-tool inspect model.onnx --color always | less -R
  bn-tool inspect model.onnx --format json | jq '.norms[] | select(.outcome == \"kept\")'

Exit status:
  0  done
  2  error")]
pub struct Options {
    /// The model: .onnx, ONNX text, or `-` for standard input.
    model: PathBuf,

    /// Of each BatchNormalization that does not fold, say why, and what to do about it.
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    report: ReportArguments,
}

impl Options {
    pub(super) fn run(&self) -> Result<Status, Failure> {
        let model = load(&self.model)?;
        let attempt = |folded: &crate::transform::fold::Folded| Ok(check_saves(&folded.model).map(|_| ())?);
        let (mut folded, ()) = fold_checked(&model, FoldOptions::default(), attempt, Failure::overflow)
            .map_err(|failure: Failure| failure.about(&self.model))?;
        if self.explain {
            folded.report.explain();
        }
        let stripped = strip_bias(&model, &StripOptions::default())?;
        let summary = InspectSummary::new(&self.model, &model, &folded.report, stripped.report);
        self.report.print(&summary, |summary, _| human::inspect(summary))?;
        Ok(Status::Done)
    }
}
