//! `bn-tool print`

use super::Status;
use super::error::Failure;
use super::warning::warn_of_losses;
use crate::onnx::Source;
use crate::onnx::text::{PrintError, PrintOptions, print};
use clap::Args;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Print a model as ONNX text.
///
/// Tensors of more than 16 elements are shortened to their number and a hash; with --weights all
/// are printed, and the text can be read back to the same model, but for what a warning says.
/// Models that other commands refuse because they are malformed can be looked at.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool print model.onnx | less
  bn-tool print model.onnx --weights > model.onnxtxt   # all commands read this
  bn-tool print b.onnx > b.txt; bn-tool print a.onnx | diff - b.txt   # exit status 1: they differ

Exit status:
  0  done
  2  error")]
pub struct Options {
    /// The model: .onnx, ONNX text, or `-` for standard input.
    model: PathBuf,

    /// Print all elements of all tensors.
    #[arg(long)]
    weights: bool,
}

impl Options {
    pub(super) fn run(&self) -> Result<Status, Failure> {
        let model = Source::open(&self.model)?.decode()?;
        warn_of_losses(&model);
        let mut out = BufWriter::new(io::stdout().lock());
        let printed = print(&model, &PrintOptions { weights: self.weights }, &mut out);
        match printed.and_then(|()| out.flush().map_err(PrintError::from)) {
            Ok(()) => Ok(Status::Done),
            Err(PrintError::Io(error)) => Err(Failure::output(error)),
            Err(source) => Err(Failure::Print { path: self.model.display().to_string(), source }),
        }
    }
}
