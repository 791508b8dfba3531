//! What commands that transform a model do with the result: compare, write, tell where.

use super::arguments::{Format, OutputArguments, ReportArguments};
use super::contain::Risk;
use super::data::DataArguments;
use super::error::Failure;
use super::verification::{VerifyArguments, failing_case_of};
use super::warning::{warn_if_rewritten, warn_of_losses};
use super::{interrupt, write_report};
use crate::diff::{DiffOptions, HumanOptions, ModelDiff, diff};
use crate::onnx::external::Storage;
use crate::onnx::schema::ModelProto;
use crate::onnx::{SaveOptions, Saved, Source, check_saves, is_text, save_with};
use crate::report::{DataSummary, FileSummary, MissingOperator, UnverifiedSummary, json};
use crate::verify::{Verification, VerifyError, VerifyOptions};
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Which model is transformed, where the result goes, and how it is told.
#[derive(Args)]
pub struct FileArguments {
    /// The model: .onnx, ONNX text, or `-` for standard input.
    pub model: PathBuf,

    #[command(flatten)]
    output: OutputArguments,

    /// Of each that is left as it is, say why, and what to do about it.
    #[arg(long)]
    pub explain: bool,

    /// Exit with 1 if there is anything to do, see below. Nothing is written, and nothing is compared.
    #[arg(long, conflicts_with_all = ["output", "in_place"])]
    pub check: bool,

    /// Show what differs between the model and the result, as `bn-tool diff` does.
    #[arg(long)]
    pub diff: bool,

    #[command(flatten)]
    pub report: ReportArguments,
}

/// What commands take that are to leave the function of a model as it is.
#[derive(Args)]
pub struct ResultArguments {
    #[command(flatten)]
    pub file: FileArguments,

    /// Write the result without running both models.
    #[arg(long)]
    no_verify: bool,

    #[command(flatten)]
    pub verify: VerifyArguments,
}

impl ResultArguments {
    /// What a command risks that runs the models; `measures` says whether it does so anyway.
    pub fn risk(&self, measures: bool) -> Option<Risk> {
        let way_out = "; nothing was written (--no-verify writes it without a comparison)";
        let runs = !self.file.check && (!self.no_verify || measures);
        runs.then(|| Risk { models: vec![self.file.model.clone()], way_out })
    }

    /// Whether the result is compared with the model.
    pub fn verifies(&self) -> bool {
        !(self.no_verify || self.file.check)
    }

    /// Opens and loads the model; the result is compared on this data, if there is any.
    pub fn begin(&self, data: Option<&DataArguments>) -> Result<(Delivery<'_>, ModelProto), Failure> {
        let options = self.verify.options(data)?;
        self.file.begin(Some(Comparing { arguments: &self.verify, options }))
    }
}

impl FileArguments {
    /// Opens and loads the model. `verify` says how the result will be compared, if it may be.
    pub fn begin<'a>(&'a self, verify: Option<Comparing<'a>>) -> Result<(Delivery<'a>, ModelProto), Failure> {
        let start = Instant::now();
        let target = self.output.target(&self.model)?;
        if target.is_some() {
            interrupt::leave_nothing_behind();
        }
        let source = Source::open(&self.model)?;
        let model = source.model()?;
        if target.is_some() {
            warn_if_rewritten(&source, &model)?;
        }
        Ok((Delivery { source, target, arguments: self, verify, start }, model))
    }
}

/// Where a result goes, and how it is compared before.
pub struct Delivery<'a> {
    /// The model that is transformed.
    pub source: Source,
    /// The file to write, if any.
    target: Option<PathBuf>,
    /// How it is written and told.
    arguments: &'a FileArguments,
    /// How it is compared, if it may be.
    verify: Option<Comparing<'a>>,
    start: Instant,
}

/// How a result is compared with the model.
pub struct Comparing<'a> {
    arguments: &'a VerifyArguments,
    options: VerifyOptions,
}

/// A result, and what to compare it with.
pub struct Outcome<'a> {
    /// The result.
    pub model: &'a ModelProto,
    /// Whether it differs from the file.
    pub changed: bool,
    /// The model that it is to be the same as, unless nobody wants to know.
    pub original: Option<&'a ModelProto>,
    /// Whether it is written only if it is the same.
    pub preserves: bool,
    /// The model as it was loaded, if the difference is to be shown.
    pub before: Option<&'a ModelProto>,
}

/// What became of a result.
pub struct Attempt {
    /// What the comparison found.
    pub verification: Option<Verification>,
    /// What was written.
    pub saved: Option<Saved>,
    /// What differs.
    pub diff: Option<ModelDiff>,
}

impl Attempt {
    /// Whether the outputs are the same, as far as is known.
    pub fn is_same(&self) -> bool {
        self.verification.as_ref().is_none_or(|verification| verification.same)
    }
}

impl Delivery<'_> {
    /// Compares the result, and writes it if it may be.
    pub fn deliver(&self, outcome: &Outcome) -> Result<Attempt, Failure> {
        let models = outcome.original.map(|original| [original, outcome.model]);
        let verification =
            models.zip(self.verify.as_ref()).map(|(models, how)| self.compare(models, how)).transpose()?;
        let mut attempt = Attempt { verification, saved: None, diff: None };
        let options = SaveOptions { storage: self.arguments.output.storage(), ..SaveOptions::default() };
        // What did not change is already there.
        let is_there = |target: &&Path| {
            !outcome.changed && options.storage == Storage::Keep && is_same_file(target, &self.arguments.model)
        };
        let may_be = attempt.is_same() || !outcome.preserves;
        let wanted = self.target.as_deref().filter(|target| may_be && !is_there(target));
        if wanted.is_some_and(is_text) {
            warn_of_losses(outcome.model);
        }
        attempt.saved = wanted.map(|target| save_with(outcome.model, target, &options)).transpose()?;
        if self.target.is_none() && attempt.verification.is_none() && outcome.changed {
            // Nothing will read the weights: see now whether they all fit.
            check_saves(outcome.model)?;
        }
        let difference = |before| diff(before, outcome.model, &DiffOptions::default());
        attempt.diff = outcome.before.map(difference).transpose()?;
        Ok(attempt)
    }

    fn compare(&self, models: [&ModelProto; 2], how: &Comparing) -> Result<Verification, Failure> {
        let case = self.target.as_deref().map(failing_case_of);
        let verification = how.arguments.compare(models, &how.options, case, self.arguments.report.quiet);
        match verification {
            Err(error) if error.is_of_models() => Err(self.unverified(error)),
            other => Ok(other?),
        }
    }

    /// Says in JSON, too, why there is no verdict.
    fn unverified(&self, error: VerifyError) -> Failure {
        let model = self.arguments.model.display().to_string();
        let summary = UnverifiedSummary {
            model,
            written: None,
            unverified: error.to_string(),
            unsupported: error.unsupported().iter().map(MissingOperator::from).collect(),
        };
        let is_json = self.arguments.report.format == Format::Json;
        let told = if is_json { write_report(&json::to_text(&summary), self.is_piped()) } else { Ok(()) };
        told.err().unwrap_or(Failure::Unverified(error))
    }

    /// Whether the result goes to standard output, so that reports do not.
    fn is_piped(&self) -> bool {
        self.target.as_deref() == Some(Path::new("-"))
    }

    /// Which model it was, and where the result is.
    pub fn summary(&self, attempt: &mut Attempt) -> FileSummary {
        let saved = attempt.saved.as_ref();
        FileSummary {
            model: self.arguments.model.display().to_string(),
            wanted: self.target.is_some(),
            in_place: self.target.as_ref().is_some_and(|target| is_same_file(target, &self.arguments.model)),
            written: self.target.as_ref().filter(|_| saved.is_some()).map(|target| target.display().to_string()),
            data: saved.map(DataSummary::from),
            diff: attempt.diff.take(),
        }
    }

    /// Writes a report: as JSON, or what `human` says, and the difference.
    pub fn print<S: Serialize>(
        &self,
        summary: &S,
        diff: Option<&ModelDiff>,
        failed: bool,
        human: impl FnOnce(&S, bool, Duration) -> String,
    ) -> Result<(), Failure> {
        let report = &self.arguments.report;
        let to_stderr = self.is_piped();
        if report.format == Format::Json {
            return write_report(&json::to_text(summary), to_stderr);
        }
        if !report.quiet || failed {
            write_report(&human(summary, report.verbose, self.start.elapsed()), to_stderr || report.quiet)?;
        }
        // Colours are taken out again where they do not belong.
        let options = HumanOptions { verbose: report.verbose, color: true, ..HumanOptions::default() };
        diff.map_or(Ok(()), |diff| write_report(&crate::diff::human(diff, &options), to_stderr))
    }
}

/// Whether two paths lead to one file.
fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
