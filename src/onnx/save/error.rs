//! Why a model cannot be saved.

use crate::onnx::TensorError;
use crate::onnx::check::CheckError;
use crate::onnx::external::WriteError;
use crate::onnx::load::name;
use crate::onnx::payload::{Overflow, PayloadError};
use crate::onnx::text::PrintError;
use crate::onnx::wire::EncodeError;
use std::io;
use std::path::PathBuf;

/// Why a model cannot be saved. Each message names the file.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The file cannot be written.
    #[error("cannot write {}: {source}", name(path, "standard output"))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The weights cannot be read, or the output not be written.
    #[error("cannot write {}: {source}", name(path, "standard output"))]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: EncodeError,
    },
    /// The model cannot be printed as text.
    #[error("cannot write {}: {source}", name(path, "standard output"))]
    Print {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: PrintError,
    },
    /// The model is not a valid one.
    #[error("refusing to write {}: the result is not a valid model: {source}", name(path, "standard output"))]
    Check {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckError,
    },
    /// Binary output would go to a terminal.
    #[error("refusing to write a binary model to a terminal; redirect it, or name a file with `-o FILE`")]
    Terminal,
    /// The model is too large for one protobuf file.
    #[error(
        "cannot write {}: the model would have {size} bytes, and protobuf files end at 2,147,483,647 bytes; \
         its weights have to be external data beside a file (`-o FILE`, without `--inline`)",
        name(path, "standard output")
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The size that it would have, in bytes.
        size: u64,
    },
    /// The target has no folder for data files.
    #[error(
        "the model has external data, which cannot go to {}; take it into the model (`--inline`) \
         or name a file (`-o FILE`)",
        name(path, "standard output")
    )]
    NoFolder {
        /// The pipe or device.
        path: PathBuf,
    },
    /// The model's weights are in the target.
    #[error("cannot write `{}`: the model reads its weights from it; name another file", path.display())]
    OwnData {
        /// The data file.
        path: PathBuf,
    },
    /// The target is a link to another folder, and data files can be in one of the two only.
    #[error("cannot write `{}`: it is a link to `{}`; external data goes beside a file, name that", path.display(), target.display())]
    Linked {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// The data file is to have the name of the model, or to be in another folder.
    #[error("external data goes to a file beside the model: `{name}` must be another file name, without folders")]
    DataName {
        /// The name that was asked for.
        name: String,
    },
    /// A data file cannot be written.
    #[error(transparent)]
    Data(#[from] WriteError),
}

impl SaveError {
    /// Whether nobody reads the pipe any more that the model was written to.
    pub fn is_broken_pipe(&self) -> bool {
        let error = match self {
            SaveError::Io { source, .. } => source,
            SaveError::Encode { source: EncodeError::Write(error), .. } => error,
            SaveError::Print { source: PrintError::Io(error), .. } => error,
            _ => return false,
        };
        error.kind() == io::ErrorKind::BrokenPipe
    }

    /// The overflow of a scaled weight, if that is what went wrong.
    pub fn overflow(&self) -> Option<&Overflow> {
        match self {
            SaveError::Encode { source: EncodeError::Payload(PayloadError::Overflow(overflow)), .. }
            | SaveError::Data(WriteError { source: EncodeError::Payload(PayloadError::Overflow(overflow)), .. }) => {
                Some(overflow)
            }
            SaveError::Print {
                source: PrintError::Tensor(TensorError::Payload(PayloadError::Overflow(overflow))),
                ..
            } => Some(overflow),
            _ => None,
        }
    }
}
