//! Loading: a path or standard input, binary or text.

use super::check::{CheckError, check};
use super::external::{ResolveError, resolve};
use super::schema::ModelProto;
use super::stable_file::StableFile;
use super::text::{self, ParseError};
use super::wire::{DecodeError, Decoder, EncodeError, Input, Message, first_difference};
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
    /// A data file is missing, or not what the model says.
    #[error("cannot load {}: {source}", name(path, "standard input"))]
    External {
        /// The model.
        path: PathBuf,
        /// The tensor, and what is wrong.
        source: ResolveError,
    },
    /// The file decodes, but what is in it is not a valid model.
    #[error("{} is not a valid model: {source}", name(path, "standard input"))]
    Check {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckError,
    },
    /// The file cannot be compared with what was read of it.
    #[error("cannot read {} again: {source}", name(path, "standard input"))]
    Compare {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: EncodeError,
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
///
/// ```
/// use bn_tool::onnx::load;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = load("fixtures/digits/digits.onnx".as_ref())?;
/// assert_eq!(model.graph.map(|graph| graph.node.len()), Some(16));
/// # Ok(())
/// # }
/// ```
pub fn load(path: &Path) -> Result<ModelProto, LoadError> {
    Source::open(path)?.model()
}

/// An open file that should be a model.
pub struct Source {
    path: PathBuf,
    input: Input,
    is_text: bool,
}

impl Source {
    /// Opens a file, or reads standard input for `-`.
    ///
    /// # Errors
    /// When it cannot be read, or is empty.
    pub fn open(path: &Path) -> Result<Source, LoadError> {
        let input = open(path)?;
        if input.is_empty() {
            return Err(LoadError::Empty { path: path.into() });
        }
        let start =
            input.read(0, input.len().min(256)).map_err(|source| LoadError::Io { path: path.into(), source })?;
        Ok(Source { path: path.into(), input, is_text: text::looks_like_text(&start) })
    }

    /// How to name it to a user.
    pub fn name(&self) -> String {
        name(&self.path, "standard input")
    }

    /// The model, with the data files beside it.
    ///
    /// # Errors
    /// When it is not a [valid](check()) ONNX model, or its data files cannot be read.
    pub fn model(&self) -> Result<ModelProto, LoadError> {
        let mut model = self.decode()?;
        let folder = Some(self.path.as_path()).filter(|path| *path != Path::new("-"));
        resolve(&mut model, folder).map_err(|source| LoadError::External { path: self.path.clone(), source })?;
        check(&model).map_err(|source| LoadError::Check { path: self.path.clone(), source })?;
        Ok(model)
    }

    /// The model as the file has it: nothing is checked, and data files are not looked for.
    ///
    /// # Errors
    /// When it is not an ONNX model.
    pub fn decode(&self) -> Result<ModelProto, LoadError> {
        let path = || self.path.clone();
        let model: ModelProto = if self.is_text {
            let text = self.input.read(0, self.input.len());
            let text = text.map_err(|source| LoadError::Io { path: path(), source })?;
            text::parse(text).map_err(|source| LoadError::Text { path: path(), source })?
        } else {
            Decoder::decode(&self.input).map_err(|source| LoadError::Decode { path: path(), source })?
        };
        match model.graph {
            Some(_) => Ok(model),
            None => Err(LoadError::NoGraph { path: path() }),
        }
    }

    /// The first byte that saving the model, which is this one, would not write as it is here:
    /// fields out of order or given twice, and numbers longer than need be, come out as
    /// protobuf writers write them. Weights are recognised by where they are and not read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn first_difference(&self, model: &ModelProto) -> Result<Option<u64>, LoadError> {
        if self.is_text {
            return Ok(None);
        }
        let compared = first_difference(&self.input, |encoder| model.encode_fields(encoder));
        compared.map_err(|source| LoadError::Compare { path: self.path.clone(), source })
    }
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
        return Ok(Input::File(Arc::new(StableFile::new(file).map_err(failed)?)));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(Input::Memory(bytes.into()))
}

/// How to name a file to a user; `-` is `stream`.
pub(super) fn name(path: &Path, stream: &str) -> String {
    if path == Path::new("-") { stream.to_owned() } else { format!("`{}`", path.display()) }
}
