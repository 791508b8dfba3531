//! Writing data files, before the model that names them.

use super::storage::{Plan, PlannedFile};
use crate::onnx::atomic::{AtomicFile, follow};
use crate::onnx::open_files::with_room;
use crate::onnx::payload::Payload;
use crate::onnx::schema::ModelProto;
use crate::onnx::stable_file::StableFile;
use crate::onnx::wire::{EncodeError, Encoder, Input, first_difference};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// So many names that are taken are compared: the same model, saved again, finds its data there.
const COMPARED: usize = 3;

/// Data files that are complete but for their names.
#[derive(Default)]
pub struct Pending {
    files: Vec<(StoredFile, Option<AtomicFile>)>,
    paths: HashSet<PathBuf>,
}

impl Pending {
    /// Gives the files their names, so that a model that reads them can follow at once. With
    /// `durable` they are on the disk before.
    ///
    /// # Errors
    /// When somebody else has such a name by now, or the disk fails.
    pub fn commit(self, durable: bool) -> Result<Vec<StoredFile>, WriteError> {
        let named = self.files.into_iter().map(|(stored, file)| {
            let synced = file.as_ref().filter(|_| durable).map_or(Ok(()), AtomicFile::sync);
            let named = synced.and_then(|()| file.map_or(Ok(()), AtomicFile::commit));
            named.map_err(|source| failed(&stored.path, source)).map(|()| stored)
        });
        named.collect()
    }

    fn push(&mut self, path: PathBuf, new: Option<AtomicFile>) {
        self.paths.insert(path.clone());
        self.files.push((StoredFile { shared: new.is_none(), path }, new));
    }
}

fn failed(path: &Path, source: io::Error) -> WriteError {
    WriteError { path: path.into(), source: EncodeError::Write(source) }
}

/// Writes the data files of a model that will be `target`, and the names that they are going to
/// have into the model.
///
/// # Errors
/// When a file cannot be written, a payload not be read or scaled, or all names are taken.
pub fn write(model: &mut ModelProto, plan: &Plan, target: &Path) -> Result<Pending, WriteError> {
    let folder = target.parent().unwrap_or(Path::new(""));
    let mut pending = Pending::default();
    let mut names = Vec::new();
    for file in &plan.files {
        let name = place(file, folder, target, &mut pending)?;
        names.push(name.to_string_lossy().into_owned());
    }
    plan.apply(model, &names);
    Ok(pending)
}

/// Finds a name for a data file and writes what is to have it, unless it is there already.
fn place(file: &PlannedFile, folder: &Path, target: &Path, pending: &mut Pending) -> Result<PathBuf, WriteError> {
    let mut last = folder.to_path_buf();
    for (tried, name) in file.wanted.candidates(target).enumerate() {
        let path = folder.join(&name);
        let is_taken = pending.paths.contains(&path) || tried >= COMPARED && path.symlink_metadata().is_ok();
        if !is_taken && !is_target(&path, target) && is_inside(&path, folder) {
            let at_path = |source| WriteError { path: path.clone(), source };
            let new = match look(file, &path).map_err(at_path)? {
                Found::Nothing => Some(write_new(file, &path).map_err(at_path)?),
                Found::Same => None,
                Found::Other => continue,
            };
            pending.push(path, new);
            return Ok(name);
        }
        last = path;
    }
    Err(failed(&last, io::Error::new(io::ErrorKind::AlreadyExists, "the name is taken; choose another one")))
}

/// Whether a file at `path` would be the model that is saved as `target`, perhaps by way of a link.
fn is_target(path: &Path, target: &Path) -> bool {
    let own = place_of(path);
    own.is_some() && (own == place_of(target) || own == place_of(&follow(target)))
}

/// The folder of a path, by its real name, and the name in it.
fn place_of(path: &Path) -> Option<(PathBuf, &OsStr)> {
    Some((real_folder(path)?, path.file_name()?))
}

/// Whether a path is below the folder also when links are followed; readers ask for that. Folders
/// that are not there yet will be real ones.
fn is_inside(path: &Path, folder: &Path) -> bool {
    let inner = path.ancestors().skip(1).find_map(real);
    real(folder).is_none_or(|outer| inner.is_some_and(|inner| inner.starts_with(outer)))
}

fn real_folder(path: &Path) -> Option<PathBuf> {
    real(path.parent()?)
}

fn real(folder: &Path) -> Option<PathBuf> {
    Path::new(".").join(folder).canonicalize().ok()
}

/// What is at the place of a data file.
enum Found {
    Nothing,
    /// A file of the same bytes.
    Same,
    Other,
}

/// A link is only good where the model itself has it: readers refuse others.
fn look(file: &PlannedFile, path: &Path) -> Result<Found, EncodeError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(EncodeError::Write(error)),
    };
    let id = path.metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
    let same = match file.old.as_ref().filter(|(old, _)| Some(old.file.id()) == id) {
        Some((old, unchanged)) => *unchanged && (metadata.is_file() || place_of(&old.path) == place_of(path)),
        None => metadata.is_file() && metadata.len() == file.layout.len && holds(path, &file.layout.pieces)?,
    };
    Ok(if same { Found::Same } else { Found::Other })
}

fn write_new(planned: &PlannedFile, path: &Path) -> Result<AtomicFile, EncodeError> {
    let create = || {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let file = with_room(|| AtomicFile::create_new(path))?;
        if let Some((old, _)) = &planned.old {
            file.take_after(&old.path.metadata()?)?;
        }
        file.reserve(planned.layout.len)?;
        Ok(file)
    };
    let mut file = create().map_err(EncodeError::Write)?;
    let mut encoder = Encoder::new(&mut file);
    encode(&planned.layout.pieces, &mut encoder)?;
    encoder.finish()?;
    Ok(file)
}

fn encode(pieces: &[Payload], encoder: &mut Encoder) -> Result<(), EncodeError> {
    pieces.iter().try_for_each(|piece| encoder.payload(piece))
}

/// Whether a file consists of these pieces.
fn holds(path: &Path, pieces: &[Payload]) -> Result<bool, EncodeError> {
    // What cannot be read is not known to be the same.
    let Ok(file) = File::open(path).and_then(StableFile::new) else { return Ok(false) };
    let difference = first_difference(&Input::File(Arc::new(file)), |encoder| encode(pieces, encoder))?;
    Ok(difference.is_none())
}
