//! What commands that transform a model do with the result: compare, write, tell where.

use super::arguments::{OutputArguments, VerifyArguments};
use super::error::Failure;
use super::progress::Progress;
use super::warning::warn_of_losses;
use crate::onnx::external::Storage;
use crate::onnx::schema::ModelProto;
use crate::onnx::{SaveOptions, Saved, check_saves, is_text, save_with};
use crate::report::{DataSummary, FileSummary};
use crate::verify::{Verification, VerifyError, verify};
use std::path::Path;

/// Where a result goes, and how it is compared before.
pub struct Delivery<'a> {
    /// The model that was transformed.
    pub model: &'a Path,
    /// The file to write, if any.
    pub target: Option<&'a Path>,
    /// Where its weights go.
    pub output: &'a OutputArguments,
    /// How it is compared.
    pub verify: &'a VerifyArguments,
    /// Whether no progress is shown.
    pub quiet: bool,
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
}

/// What became of a result.
pub struct Attempt {
    /// What the comparison found.
    pub verification: Option<Verification>,
    /// What was written.
    pub saved: Option<Saved>,
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
        let verification = outcome.original.map(|original| self.compare(original, outcome.model)).transpose()?;
        let mut attempt = Attempt { verification, saved: None };
        let options = SaveOptions { storage: self.output.storage(), ..SaveOptions::default() };
        // What did not change is already there.
        let is_there =
            |target: &&Path| !outcome.changed && options.storage == Storage::Keep && is_same_file(target, self.model);
        let may_be = attempt.is_same() || !outcome.preserves;
        let wanted = self.target.filter(|target| may_be && !is_there(target));
        if wanted.is_some_and(is_text) {
            warn_of_losses(outcome.model);
        }
        attempt.saved = wanted.map(|target| save_with(outcome.model, target, &options)).transpose()?;
        if self.target.is_none() && attempt.verification.is_none() && outcome.changed {
            // Nothing will read the weights: see now whether they all fit.
            check_saves(outcome.model)?;
        }
        Ok(attempt)
    }

    fn compare(&self, original: &ModelProto, result: &ModelProto) -> Result<Verification, Failure> {
        let progress = Progress::new("verifying", self.quiet);
        let result = verify(original, result, &self.verify.options(), &|done, total| progress.set(done, total));
        result.map_err(|error| match error {
            VerifyError::Overflow(_) | VerifyError::UnknownDimension { .. } => error.into(),
            cannot_run => Failure::Unverified(cannot_run),
        })
    }

    /// Which model it was, and where the result is.
    pub fn summary(&self, attempt: &Attempt) -> FileSummary {
        let saved = attempt.saved.as_ref();
        FileSummary {
            model: self.model.display().to_string(),
            wanted: self.target.is_some(),
            in_place: self.target.is_some_and(|target| is_same_file(target, self.model)),
            written: self.target.filter(|_| saved.is_some()).map(|target| target.display().to_string()),
            data: saved.map(DataSummary::from),
        }
    }
}

/// Whether two paths lead to one file.
fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
