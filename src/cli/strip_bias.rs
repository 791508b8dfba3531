//! `bn-tool strip-bias`

use super::Status;
use super::arguments::SelectionArguments;
use super::contain::Risk;
use super::data::DataArguments;
use super::error::Failure;
use super::result::{Attempt, Delivery, Outcome, ResultArguments};
use crate::onnx::schema::ModelProto;
use crate::report::{StripSummary, human};
use crate::transform::strip_bias::{StripOptions, Stripped, strip_bias};
use clap::Args;

/// Move the bias before each BatchNormalization into its mean.
///
/// The bias of Conv, ConvTranspose or Gemm, or an Add or Sub of a constant: μ becomes μ − b, and b is
/// gone. What the model computes stays the same but for one rounding of each mean; both models are
/// run, and the result is written only if their outputs are the same. In training mode, where the mean
/// of the batch cancels the bias, only the running mean moves. For each bias that stays, the report
/// says why.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool strip-bias model.onnx -o stripped.onnx   # strip, verify, write
  bn-tool strip-bias model.onnx                    # show what would be done
  bn-tool strip-bias model.onnx --explain          # say what to do about those that stay
  bn-tool strip-bias model.onnx --check            # exit status 1: there is a bias to strip
  bn-tool strip-bias model.onnx --exclude '/head/*' --in-place

Environment:
  BN_TOOL_MEMORY_LIMIT  how many megabytes running the models may take; default: what is available

Exit status:
  0  done: the result is written, or would be
  1  the outputs differ or cannot be compared (nothing is written), or --check found
     something to strip
  2  error: nothing is written")]
pub struct Options {
    #[command(flatten)]
    result: ResultArguments,

    #[command(flatten)]
    selection: SelectionArguments,

    #[command(flatten)]
    data: DataArguments,
}

impl Options {
    /// What it risks, if it runs the models.
    pub(super) fn risk(&self) -> Option<Risk> {
        self.result.risk(false)
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        let (delivery, model) = self.result.begin(Some(&self.data))?;
        let (mut stripped, mut attempt) =
            self.strip(&model, &delivery).map_err(|failure| failure.about(&self.result.file.model))?;
        if self.result.file.explain {
            stripped.report.explain();
        }
        let file = delivery.summary(&mut attempt);
        let summary = StripSummary { file, report: &stripped.report, verification: attempt.verification.as_ref() };
        delivery.print(&summary, summary.file.diff.as_ref(), !attempt.is_same(), human::strip_bias)?;
        let failed = !attempt.is_same() || self.result.file.check && stripped.report.changed();
        Ok(if failed { Status::Differs } else { Status::Done })
    }

    fn strip(&self, model: &ModelProto, delivery: &Delivery) -> Result<(Stripped, Attempt), Failure> {
        let stripped = strip_bias(model, &StripOptions::new(self.selection.selection()?))?;
        let changed = stripped.report.changed();
        let compares = changed && self.result.verifies();
        let original = compares.then_some(model);
        let before = self.result.file.diff.then_some(model);
        let outcome = Outcome { model: &stripped.model, changed, original, preserves: true, before };
        let attempt = delivery.deliver(&outcome)?;
        Ok((stripped, attempt))
    }
}
