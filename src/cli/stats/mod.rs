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
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  bn-tool stats collect model.onnx --data images/ --shard 1/2 -o part1.safetensors
  bn-tool stats collect model.onnx --data images/ --shard 2/2 -o part2.safetensors
  bn-tool stats merge part*.safetensors -o pass1.safetensors
  bn-tool stats show pass1.safetensors
  bn-tool recalibrate model.onnx --stats pass1.safetensors -o recalibrated.onnx

Exit status:
  0  done
  1  merge --tolerance: another pass is needed
  2  error: nothing is written"
)]
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
