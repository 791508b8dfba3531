//! `bn-tool stats`: statistics in files, one file per command.

mod collect;
mod merge;
mod show;

use super::Status;
use super::contain::Risk;
use super::error::Failure;
use clap::{Args, Subcommand};

/// Measure on parts of the data, on many machines: collect, merge and show files of statistics.
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
    Collect(Box<collect::Options>),
    Merge(merge::Options),
    Show(show::Options),
}

impl Options {
    /// What it risks, if it runs a model.
    pub(super) fn risk(&self) -> Option<Risk> {
        match &self.command {
            Command::Collect(options) => Some(options.risk()),
            Command::Merge(_) | Command::Show(_) => None,
        }
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        match &self.command {
            Command::Collect(options) => options.run(),
            Command::Merge(options) => options.run(),
            Command::Show(options) => options.run(),
        }
    }
}
