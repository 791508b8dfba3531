//! `bn-tool stats`: statistics in files, one file per command.

mod merge;
mod show;

use super::Status;
use super::error::Failure;
use clap::{Args, Subcommand};

/// Merge and show files of statistics: means and variances that were measured on parts of the data.
///
/// They are safetensors files that other tools can read. Their header says what they are statistics of:
/// model, method, pass, data. What does not belong together is not merged.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Merge(merge::Options),
    Show(show::Options),
}

impl Options {
    pub(super) fn run(&self) -> Result<Status, Failure> {
        match &self.command {
            Command::Merge(options) => options.run(),
            Command::Show(options) => options.run(),
        }
    }
}
