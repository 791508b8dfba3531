//! `bn-tool fold`

use super::arguments::{Format, OutputArguments, ReportArguments, SelectionArguments, VerifyArguments};
use super::error::Failure;
use super::progress::Progress;
use super::{Status, warn_of_losses, write_report};
use crate::onnx::schema::ModelProto;
use crate::onnx::{check_saves, is_text, load, save};
use crate::report::{FoldSummary, human, json};
use crate::transform::fold::{FoldOptions, Folded, fold_checked};
use crate::verify::{Verification, VerifyError, verify};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Fold each BatchNormalization into the operator before it.
///
/// Conv, ConvTranspose, Gemm, MatMul and MatMul + Add with constant weights absorb it. Both
/// models are run on the same random inputs, and the result is written only if their outputs
/// are the same. For each BatchNormalization that stays, the report says why.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool fold model.onnx -o folded.onnx      fold, verify, write
  bn-tool fold model.onnx                     show what would be done
  bn-tool fold model.onnx --check             exit with 1 if there is anything to fold
  bn-tool fold - -o - < in.onnx > out.onnx    in a pipe
  bn-tool fold model.onnx --in-place --exclude '/head/*'

Exit status:
  0  done: the result is written, or would be
  1  the outputs differ or cannot be compared (nothing is written), or --check found
     something to fold
  2  error")]
pub struct Options {
    /// The model: .onnx, ONNX text, or `-` for standard input.
    model: PathBuf,

    #[command(flatten)]
    output: OutputArguments,

    #[command(flatten)]
    selection: SelectionArguments,

    /// Exit with 1 if there is anything to fold; writes nothing, verifies nothing.
    #[arg(long, conflicts_with_all = ["output", "in_place"])]
    check: bool,

    /// Write the result without running the models.
    #[arg(long)]
    no_verify: bool,

    #[command(flatten)]
    verify: VerifyArguments,

    #[command(flatten)]
    report: ReportArguments,
}

/// What became of a folded model.
struct Attempt {
    verification: Option<Verification>,
    written: bool,
}

/// Whether two paths lead to one file.
fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

impl Options {
    pub(super) fn run(&self) -> Result<Status, Failure> {
        let start = Instant::now();
        let target = self.output.target(&self.model)?;
        let model = load(&self.model)?;
        let options = FoldOptions::new(self.selection.selection()?);
        let attempt = |folded: &Folded| self.verify_and_save(&model, folded, target.as_deref());
        let (folded, Attempt { verification, written }) =
            fold_checked(&model, options, attempt, Failure::overflow).map_err(|failure| failure.about(&self.model))?;
        let same = verification.as_ref().is_none_or(|verification| verification.same);
        let summary = FoldSummary {
            model: self.model.display().to_string(),
            wanted: target.is_some(),
            written: target.as_deref().filter(|_| written).map(|target| target.display().to_string()),
            report: &folded.report,
            verification: verification.as_ref(),
        };
        self.print(&summary, start, target.as_deref() == Some(Path::new("-")))?;
        let failed = !same || self.check && folded.report.folded > 0;
        Ok(if failed { Status::Differs } else { Status::Done })
    }

    /// Verifies the result, and writes it if it is the same. What was not changed needs no
    /// verification.
    fn verify_and_save(&self, model: &ModelProto, folded: &Folded, target: Option<&Path>) -> Result<Attempt, Failure> {
        let unchanged = folded.report.folded == 0;
        let verification = match unchanged || self.no_verify || self.check {
            true => None,
            false => Some(self.verify(model, &folded.model)?),
        };
        let same = verification.as_ref().is_none_or(|verification| verification.same);
        // What did not change is already there.
        let wanted = target.filter(|target| same && !(unchanged && is_same_file(target, &self.model)));
        if let Some(target) = wanted {
            if is_text(target) {
                warn_of_losses(&folded.model);
            }
            save(&folded.model, target)?;
        } else if target.is_none() && verification.is_none() && !unchanged {
            // Nothing will read the weights: see now whether they all fit.
            check_saves(&folded.model)?;
        }
        Ok(Attempt { verification, written: wanted.is_some() })
    }

    fn verify(&self, model: &ModelProto, folded: &ModelProto) -> Result<Verification, Failure> {
        let progress = Progress::new("verifying", self.report.quiet);
        let result = verify(model, folded, &self.verify.options(), &|done, total| progress.set(done, total));
        result.map_err(|error| match error {
            VerifyError::Overflow(_) | VerifyError::UnknownDimension { .. } => error.into(),
            cannot_run => Failure::Unverified(cannot_run),
        })
    }

    fn print(&self, summary: &FoldSummary, start: Instant, to_stderr: bool) -> Result<(), Failure> {
        let failed = summary.verification.is_some_and(|verification| !verification.same);
        match self.report.format {
            Format::Json => write_report(&json::to_text(summary), to_stderr),
            Format::Human if self.report.quiet && !failed => Ok(()),
            Format::Human => {
                let text = human::fold(summary, self.report.verbose, start.elapsed());
                write_report(&text, to_stderr || self.report.quiet)
            }
        }
    }
}
