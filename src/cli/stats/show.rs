//! `bn-tool stats show`

use crate::cli::Status;
use crate::cli::arguments::ReportArguments;
use crate::cli::error::Failure;
use crate::report::{StatisticsSummary, human};
use crate::stats::file;
use crate::transform::selection::Selection;
use clap::Args;
use std::path::PathBuf;

/// Show what a file of statistics holds.
///
/// First what the statistics are of: model, method, pass, data, and how much of it was seen. Then, for
/// each BatchNormalization, how many numbers each channel saw, the least and the largest mean and
/// standard deviation of its channels, and how far they are from what was in place (the residual).
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool stats show merged.safetensors
  bn-tool stats show merged.safetensors --norm '/head/*' -v
  bn-tool stats show merged.safetensors --format json | jq .samples

Exit status:
  0  done
  2  error")]
pub struct Options {
    /// A file of statistics.
    file: PathBuf,

    /// Only BatchNormalizations whose name matches; may be repeated.
    ///
    /// A glob: `*` matches any characters, `/` too. A pattern that matches nothing is an error.
    #[arg(long, value_name = "GLOB")]
    norm: Vec<String>,

    #[command(flatten)]
    report: ReportArguments,
}

impl Options {
    pub(super) fn run(&self) -> Result<Status, Failure> {
        let selection = Selection::new(&self.norm, &[])?;
        let collection = file::read(&self.file)?;
        selection.check_all_match(collection.norms.iter().map(|norm| &norm.name))?;
        let path = self.file.display().to_string();
        let summary = StatisticsSummary::new(path, &collection, |name| selection.contains(name));
        self.report.print(&summary, human::statistics)?;
        Ok(Status::Done)
    }
}
