//! `bn-tool stats merge`

use crate::cli::arguments::{Format, not_negative};
use crate::cli::error::Failure;
use crate::cli::{Status, write_report};
use crate::report::{MergeSummary, human, json};
use crate::stats::{Collection, MergeError, file};
use clap::Args;
use std::path::{Path, PathBuf};

/// Merge statistics of parts of the data.
///
/// The parts are to be of one model, one pass and one method, with the same statistics in place; no part
/// of the data may be in two of them. Statistics of different data can be merged, if it was prepared in
/// the same way. In whatever order they are named, the result is the same to the bit.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool stats merge part*.safetensors -o merged.safetensors
  bn-tool stats merge part*.safetensors -o pass1.safetensors --tolerance 1e-3   # exit status 1
  bn-tool stats merge day1.safetensors day2.safetensors -o both.safetensors --format json

Exit status:
  0  done
  1  with --tolerance: the residual is larger, or there is none yet (the file is written
     all the same)
  2  error: nothing is written")]
pub struct Options {
    /// Files of statistics.
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,

    /// Write the merged statistics here.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// Exit with 1 if the residual, the largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) between what was measured and
    /// what was in place, is above X.
    #[arg(long, value_name = "X", value_parser = not_negative)]
    tolerance: Option<f64>,

    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    /// Print nothing but errors.
    #[arg(short, long)]
    quiet: bool,
}

impl Options {
    pub(super) fn run(&self) -> Result<Status, Failure> {
        if self.output == Path::new("-") {
            return Err(Failure::Usage("statistics are written to a file: `-o merged.safetensors`".into()));
        }
        let parts = self.parts.iter().map(|path| file::read(path)).collect::<Result<Vec<_>, _>>()?;
        let merged = Collection::merge(parts).map_err(|error| self.named(error))?;
        file::write(&merged, &self.output)?;
        let output = self.output.display().to_string();
        let summary = MergeSummary::new(&merged, self.parts.len(), self.tolerance, output);
        match self.format {
            Format::Json => write_report(&json::to_text(&summary), false)?,
            Format::Human if self.quiet => {}
            Format::Human => write_report(&human::merged(&summary), false)?,
        }
        Ok(if summary.converged == Some(false) { Status::Differs } else { Status::Done })
    }

    /// The error, with the files that it is about.
    fn named(&self, error: MergeError) -> Failure {
        let name = |place: usize| self.parts.get(place).map(|path| path.display().to_string()).unwrap_or_default();
        match error {
            MergeError::Conflict { first, second, conflict } => {
                Failure::Merge { first: name(first), second: name(second), conflict }
            }
            MergeError::Empty => Failure::Usage(error.to_string()),
        }
    }
}
