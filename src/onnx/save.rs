//! Saving: a path or standard output, binary or text, whole or not at all.

use super::TensorError;
use super::atomic::AtomicFile;
use super::check::{CheckError, check};
use super::load::name;
use super::payload::{Overflow, PayloadError};
use super::schema::ModelProto;
use super::text::{self, PrintError, PrintOptions};
use super::wire::{EncodeError, Encoder, Message};
use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Protobuf's limit: readers in C++ and Python refuse larger files.
const LARGEST: u64 = i32::MAX as u64;

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
        "cannot write {}: the model would have {size} bytes, and protobuf files end at 2,147,483,647; \
         external data is not supported yet",
        name(path, "standard output")
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The size that it would have, in bytes.
        size: u64,
    },
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
            SaveError::Encode { source: EncodeError::Payload(PayloadError::Overflow(overflow)), .. } => Some(overflow),
            SaveError::Print {
                source: PrintError::Tensor(TensorError::Payload(PayloadError::Overflow(overflow))),
                ..
            } => Some(overflow),
            _ => None,
        }
    }
}

/// Saves a model to a file, or to standard output for `-`; as text if the name ends in
/// `.onnxtxt`. A regular file appears whole or not at all. Returns the number of bytes of a
/// binary model.
///
/// # Errors
/// When the model is not [valid](check()), the target cannot be written, the weights cannot be
/// read, or a scaled weight does not fit its type; an existing file is then unchanged.
pub fn save(model: &ModelProto, path: &Path) -> Result<u64, SaveError> {
    let failed = |source| SaveError::Io { path: path.into(), source };
    check(model).map_err(|source| SaveError::Check { path: path.into(), source })?;
    let size = model.fields_len();
    if size > LARGEST {
        return Err(SaveError::TooLarge { path: path.into(), size });
    }
    if path == Path::new("-") {
        let mut stdout = io::stdout().lock();
        if stdout.is_terminal() {
            return Err(SaveError::Terminal);
        }
        return stream(model, &mut stdout, path);
    }
    // A device or a pipe cannot be replaced: it is written to.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        let mut file = OpenOptions::new().write(true).open(path).map_err(failed)?;
        return stream(model, &mut file, path);
    }
    if path.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let mut file = AtomicFile::create(path).map_err(failed)?;
    if !is_text(path) {
        file.reserve(size).map_err(failed)?;
    }
    let written = encode(model, &mut file, path)?;
    file.commit().map_err(failed)?;
    Ok(written)
}

/// What went into a pipe cannot be taken back: all is computed once before the first byte.
fn stream(model: &ModelProto, out: &mut dyn Write, path: &Path) -> Result<u64, SaveError> {
    encode(model, &mut io::sink(), Path::new("-"))?;
    encode(model, out, path)
}

/// Whether [`save`] writes ONNX text to this path.
pub fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "onnxtxt")
}

/// Computes every byte that [`save`] would write, and drops it: finds what cannot be read or
/// does not fit its type.
///
/// # Errors
/// When the model is not valid, the weights cannot be read, or a scaled weight does not fit its
/// type.
pub fn check_saves(model: &ModelProto) -> Result<u64, SaveError> {
    check(model).map_err(|source| SaveError::Check { path: "-".into(), source })?;
    encode(model, &mut io::sink(), Path::new("-"))
}

fn encode(model: &ModelProto, out: &mut dyn Write, path: &Path) -> Result<u64, SaveError> {
    if is_text(path) {
        let mut out = BufWriter::new(out);
        let printed = text::print(model, &PrintOptions { weights: true }, &mut out);
        let flushed = printed.and_then(|()| out.flush().map_err(PrintError::from));
        return flushed.map(|()| model.fields_len()).map_err(|source| SaveError::Print { path: path.into(), source });
    }
    let mut encoder = Encoder::new(out);
    model
        .encode_fields(&mut encoder)
        .and_then(|()| encoder.finish())
        .map_err(|source| SaveError::Encode { path: path.into(), source })
}
