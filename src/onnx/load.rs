//! Loading: a path or standard input, binary or text.

use super::check::{CheckError, check};
use super::external::first_external;
use super::schema::ModelProto;
use super::text::{self, ParseError};
use super::wire::{DecodeError, Decoder, Input};
use bstr::BString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a model cannot be loaded. Each message names the file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", name(path, "standard input"))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The path is a folder.
    #[error("cannot read {}: it is a folder; name the .onnx file inside it", name(path, "standard input"))]
    Directory {
        /// The folder.
        path: PathBuf,
    },
    /// The file is empty.
    #[error("{} is empty, not an ONNX model", name(path, "standard input"))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is not an ONNX protobuf.
    #[error("cannot load {}: {source}", name(path, "standard input"))]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: DecodeError,
    },
    /// The file is text, but not ONNX text.
    #[error("cannot load {}: {source}", name(path, "standard input"))]
    Text {
        /// The file.
        path: PathBuf,
        /// Where and why not.
        source: ParseError,
    },
    /// A tensor is stored in another file.
    #[error(
        "cannot load {}: tensor `{tensor}` is external data, which this version does not read yet; \
         store the model in one file first (Python: onnx.save(onnx.load(path), path))",
        name(path, "standard input")
    )]
    External {
        /// The file.
        path: PathBuf,
        /// The first such tensor.
        tensor: BString,
    },
    /// The file decodes, but what is in it is not a valid model.
    #[error("{} is not a valid model: {source}", name(path, "standard input"))]
    Check {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckError,
    },
    /// The file decodes, but to nothing that is a model.
    #[error("{} is not an ONNX model: it has no graph", name(path, "standard input"))]
    NoGraph {
        /// The file.
        path: PathBuf,
    },
}

/// Loads a model from a file, or from standard input for `-`; binary and text are told apart
/// by their first bytes. Large weights stay in the file.
///
/// # Errors
/// When the file cannot be read, is not an ONNX model, or not a valid one.
pub fn load(path: &Path) -> Result<ModelProto, LoadError> {
    let model = load_unchecked(path)?;
    check(&model).map_err(|source| LoadError::Check { path: path.into(), source })?;
    Ok(model)
}

/// Loads a model as [`load`] does, but does not [check](check()) it: to look at what is malformed.
///
/// # Errors
/// When the file cannot be read or is not an ONNX model.
pub fn load_unchecked(path: &Path) -> Result<ModelProto, LoadError> {
    let input = open(path)?;
    if input.is_empty() {
        return Err(LoadError::Empty { path: path.into() });
    }
    let model = read(&input, path)?;
    if model.graph.is_none() {
        return Err(LoadError::NoGraph { path: path.into() });
    }
    match first_external(&model) {
        Some(tensor) => Err(LoadError::External { path: path.into(), tensor: tensor.into() }),
        None => Ok(model),
    }
}

fn read(input: &Input, path: &Path) -> Result<ModelProto, LoadError> {
    let failed = |source| LoadError::Io { path: path.into(), source };
    let start = input.read(0, input.len().min(256)).map_err(failed)?;
    if !text::looks_like_text(&start) {
        return Decoder::decode(input).map_err(|source| LoadError::Decode { path: path.into(), source });
    }
    let text = input.read(0, input.len()).map_err(failed)?;
    text::parse(text).map_err(|source| LoadError::Text { path: path.into(), source })
}

fn open(path: &Path) -> Result<Input, LoadError> {
    let failed = |source| LoadError::Io { path: path.into(), source };
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        return Ok(Input::Memory(bytes.into()));
    }
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(LoadError::Directory { path: path.into() });
    }
    if metadata.is_file() {
        return Ok(Input::File(Arc::new(file), metadata.len()));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(Input::Memory(bytes.into()))
}

/// How to name a file to a user; `-` is `stream`.
pub(super) fn name(path: &Path, stream: &str) -> String {
    if path == Path::new("-") { stream.to_owned() } else { format!("`{}`", path.display()) }
}
