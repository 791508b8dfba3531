//! `bn-tool strip-bias`

use super::arguments::SelectionArguments;
use super::contain::Risk;
use super::error::Failure;
use super::result::{Attempt, Delivery, Outcome, ResultArguments};
use super::warning::warn_if_rewritten;
use super::{Status, interrupt};
use crate::onnx::Source;
use crate::onnx::schema::ModelProto;
use crate::report::{StripSummary, human};
use crate::transform::strip_bias::{StripOptions, Stripped, strip_bias};
use clap::Args;
use std::path::PathBuf;
use std::time::Instant;

/// Move the bias before each BatchNormalization into its mean.
///
/// The bias of Conv, ConvTranspose or Gemm, or an Add or Sub of a constant: μ becomes μ − b, and b is
/// gone. What the model computes stays the same but for one rounding of each mean; both models are
/// run, and the result is written only if their outputs are the same. In training mode, where the mean
/// of the batch cancels the bias, only the running mean moves. For each bias that stays, the report
/// says why.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool strip-bias model.onnx -o stripped.onnx   strip, verify, write
  bn-tool strip-bias model.onnx                    show what would be done
  bn-tool strip-bias model.onnx --check            exit with 1 if there is a bias to strip
  bn-tool strip-bias model.onnx --in-place --exclude '/head/*'
  bn-tool strip-bias model.onnx --explain          say what to do about those that stay

Environment:
  BN_TOOL_MEMORY_LIMIT  how many megabytes running the models may take; default: what is available

Exit status:
  0  done: the result is written, or would be
  1  the outputs differ or cannot be compared (nothing is written), or --check found
     something to strip
  2  error")]
pub struct Options {
    /// The model: .onnx, ONNX text, or `-` for standard input.
    model: PathBuf,

    #[command(flatten)]
    selection: SelectionArguments,

    /// Say of each bias that stays why, and what to do about it.
    #[arg(long)]
    explain: bool,

    /// Exit with 1 if there is a bias to strip; writes nothing, verifies nothing.
    #[arg(long, conflicts_with_all = ["output", "in_place"])]
    check: bool,

    /// Write the result without running the models.
    #[arg(long)]
    no_verify: bool,

    #[command(flatten)]
    result: ResultArguments,
}

impl Options {
    /// What it risks, if it runs the models.
    pub(super) fn risk(&self) -> Option<Risk> {
        let way_out = "; nothing was written (--no-verify goes without)";
        (!self.no_verify && !self.check).then(|| Risk { models: vec![self.model.clone()], way_out })
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        let start = Instant::now();
        let target = self.result.output.target(&self.model)?;
        if target.is_some() {
            interrupt::leave_nothing_behind();
        }
        let source = Source::open(&self.model)?;
        let model = source.model()?;
        if target.is_some() {
            warn_if_rewritten(&source, &model)?;
        }
        let delivery = Delivery { model: &self.model, target: target.as_deref(), arguments: &self.result };
        let (mut stripped, mut attempt) =
            self.strip(&model, &delivery).map_err(|failure| failure.about(&self.model))?;
        if self.explain {
            stripped.report.explain();
        }
        let file = delivery.summary(&mut attempt);
        let summary = StripSummary { file, report: &stripped.report, verification: attempt.verification.as_ref() };
        let human = |summary: &_, verbose| human::strip_bias(summary, verbose, start.elapsed());
        delivery.print(&summary, summary.file.diff.as_ref(), !attempt.is_same(), human)?;
        let failed = !attempt.is_same() || self.check && stripped.report.changed();
        Ok(if failed { Status::Differs } else { Status::Done })
    }

    fn strip(&self, model: &ModelProto, delivery: &Delivery) -> Result<(Stripped, Attempt), Failure> {
        let stripped = strip_bias(model, &StripOptions::new(self.selection.selection()?))?;
        let changed = stripped.report.changed();
        let compares = changed && !self.no_verify && !self.check;
        let original = compares.then_some(model);
        let before = self.result.diff.then_some(model);
        let outcome = Outcome { model: &stripped.model, changed, original, preserves: true, before };
        let attempt = delivery.deliver(&outcome)?;
        Ok((stripped, attempt))
    }
}
