//! `bn-tool verify`

use super::arguments::{Format, ReportArguments};
use super::contain::Risk;
use super::data::DataArguments;
use super::error::Failure;
use super::verification::{VerifyArguments, failing_case_of};
use super::{Status, write_report};
use crate::onnx::load;
use crate::report::{VerifySummary, human, json};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Run two models on the same inputs and compare their outputs.
///
/// "Same" is judged twice: each element within a tolerance, and, where the original can be run
/// in float64, the result no further from the exact outputs than rounding its weights explains.
/// Without --data, the inputs are random values that the original takes.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool verify model.onnx folded.onnx
  bn-tool verify model.onnx folded.onnx -v      # all that was measured
  bn-tool verify a.onnx b.onnx --samples 32 --dim N=8
  bn-tool verify a.onnx b.onnx --data images.npy --rtol 1e-2 --format json
  bn-tool verify model.onnx pruned.onnx         # exit status 1: they differ
  bn-tool verify model.onnx pruned.onnx --data pruned.failing.npz --locate  # exit status 1: where?

Environment:
  BN_TOOL_MEMORY_LIMIT  how many megabytes running the models may take; default: what is available

Exit status:
  0  the outputs are the same
  1  they differ
  2  error, or they cannot be compared")]
pub struct Options {
    /// The original: .onnx, ONNX text, or `-` for standard input.
    original: PathBuf,

    /// The model to compare with it.
    result: PathBuf,

    #[command(flatten)]
    verify: VerifyArguments,

    #[command(flatten)]
    data: DataArguments,

    #[command(flatten)]
    report: ReportArguments,
}

impl Options {
    pub(super) fn risk(&self) -> Risk {
        Risk { models: vec![self.original.clone(), self.result.clone()], way_out: "" }
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        let start = Instant::now();
        if self.original == Path::new("-") && self.result == Path::new("-") {
            return Err(Failure::Usage("only one of the two models can come from standard input".into()));
        }
        let options = self.verify.options(Some(&self.data))?;
        let (original, result) = (load(&self.original)?, load(&self.result)?);
        let case = failing_case_of(&self.result);
        let verification = self.verify.compare([&original, &result], &options, Some(case), self.report.quiet)?;
        let summary = VerifySummary {
            original: self.original.display().to_string(),
            result: self.result.display().to_string(),
            verification: &verification,
        };
        match self.report.format {
            Format::Json => write_report(&json::to_text(&summary), false)?,
            Format::Human if self.report.quiet && verification.same => {}
            Format::Human => write_report(&human::verify(&summary, self.report.verbose, start.elapsed()), false)?,
        }
        Ok(if verification.same { Status::Done } else { Status::Differs })
    }
}
