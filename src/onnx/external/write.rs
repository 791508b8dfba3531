//! Writing data files, before the model that names them.

use super::storage::{Plan, PlannedFile};
use crate::onnx::atomic::AtomicFile;
use crate::onnx::payload::Payload;
use crate::onnx::schema::ModelProto;
use crate::onnx::wire::{EncodeError, Encoder};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why a data file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {source}", path.display())]
pub struct WriteError {
    /// The data file.
    pub path: PathBuf,
    /// Why not.
    pub source: EncodeError,
}

/// A data file of a saved model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it was there already, with the same bytes.
    pub shared: bool,
}

/// Data files that were written for a model that is not there yet: they are removed again
/// unless they are [kept](Self::keep).
#[derive(Default)]
pub struct Stored(Vec<StoredFile>);

impl Stored {
    /// The model is there.
    pub fn keep(mut self) -> Vec<StoredFile> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        for file in self.0.iter().filter(|file| !file.shared) {
            // What cannot be removed stays: the error that led here says more.
            let _ = fs::remove_file(&file.path);
        }
    }
}

/// Writes the data files of a model that will be `target`, and their names into the model.
///
/// # Errors
/// When a file cannot be written, a payload not be read or scaled, or all names are taken.
pub fn write(model: &mut ModelProto, plan: &Plan, target: &Path) -> Result<Stored, WriteError> {
    let folder = target.parent().unwrap_or(Path::new(""));
    let mut stored = Stored::default();
    let mut names = Vec::new();
    for file in &plan.files {
        let (name, shared) = place(file, folder, target)?;
        stored.0.push(StoredFile { path: folder.join(&name), shared });
        names.push(name.to_string_lossy().into_owned());
    }
    plan.apply(model, &names);
    Ok(stored)
}

/// Finds a name for a data file and writes it there, unless it is there already.
fn place(file: &PlannedFile, folder: &Path, target: &Path) -> Result<(PathBuf, bool), WriteError> {
    let mut last = folder.to_path_buf();
    for name in file.wanted.candidates(target) {
        last = folder.join(&name);
        let written = place_at(file, &last).map_err(|source| WriteError { path: last.clone(), source })?;
        if let Some(shared) = written {
            return Ok((name, shared));
        }
    }
    let taken = io::Error::new(io::ErrorKind::AlreadyExists, "it exists and has other contents; name another file");
    Err(WriteError { path: last, source: EncodeError::Write(taken) })
}

/// Whether the file was there already with the same bytes; `None` if other bytes are there.
fn place_at(file: &PlannedFile, path: &Path) -> Result<Option<bool>, EncodeError> {
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return write_new(&file.layout.pieces, file.layout.len, path).map(|()| Some(false));
    }
    let Ok(metadata) = path.metadata() else { return Ok(None) };
    let old = file.old.as_ref().filter(|(old, _)| old.file.id() == (metadata.dev(), metadata.ino()));
    let same = match old {
        Some((_, unchanged)) => *unchanged,
        None => metadata.is_file() && metadata.len() == file.layout.len && holds(path, &file.layout.pieces)?,
    };
    Ok(same.then_some(true))
}

fn write_new(pieces: &[Payload], len: u64, path: &Path) -> Result<(), EncodeError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(EncodeError::Write)?;
    }
    let mut file = AtomicFile::create_new(path).map_err(EncodeError::Write)?;
    file.reserve(len).map_err(EncodeError::Write)?;
    encode(pieces, &mut file)?;
    file.commit().map_err(EncodeError::Write)
}

fn encode(pieces: &[Payload], out: &mut impl Write) -> Result<(), EncodeError> {
    let mut encoder = Encoder::new(out);
    pieces.iter().try_for_each(|piece| encoder.payload(piece))?;
    encoder.finish().map(|_| ())
}

/// Whether a file consists of these pieces.
fn holds(path: &Path, pieces: &[Payload]) -> Result<bool, EncodeError> {
    let file = File::open(path).map_err(EncodeError::Write)?;
    let mut comparison = Comparison { file, block: Vec::new(), differs: false };
    match encode(pieces, &mut comparison) {
        Err(EncodeError::Write(_)) if comparison.differs => Ok(false),
        result => result.map(|()| true),
    }
}

/// A writer that fails at the first byte that is not in the file.
struct Comparison {
    file: File,
    block: Vec<u8>,
    differs: bool,
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.block.resize(bytes.len(), 0);
        self.differs = self.file.read_exact(&mut self.block).is_err() || self.block != bytes;
        if self.differs { Err(io::ErrorKind::InvalidData.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
