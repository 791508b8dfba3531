//! Saving: a path or standard output, binary or text, whole or not at all.

mod error;
mod prepare;

use super::atomic::{AtomicFile, follow};
use super::check::check;
use super::external::{self, Pending, Storage, StoredFile};
use super::schema::ModelProto;
use super::text::{self, PrintError, PrintOptions};
use super::wire::{EncodeError, Encoder, Message};
pub use error::SaveError;
use prepare::{Prepared, inlined, prepare};
use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How to save a model.
#[derive(Clone, Debug)]
pub struct SaveOptions {
    /// Where the elements of tensors go.
    pub storage: Storage,
    /// The largest binary file, in bytes. Protobuf's limit is 2,147,483,647: readers in C++ and
    /// Python refuse larger ones.
    pub largest: u64,
}

impl Default for SaveOptions {
    fn default() -> Self {
        SaveOptions { storage: Storage::Keep, largest: i32::MAX as u64 }
    }
}

/// What was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The number of bytes of the model in binary form, data files not counted.
    pub bytes: u64,
    /// The data files that it reads.
    pub data: Vec<StoredFile>,
    /// Whether weights were moved to a data file because one file could not hold them all.
    pub moved: bool,
    /// Data files that the model read before and reads no more.
    pub replaced: Vec<PathBuf>,
}

/// Saves a model to a file, or to standard output for `-`; as text if the name ends in
/// `.onnxtxt`. A regular file appears whole or not at all, and after its data files, which
/// never replace others.
///
/// # Errors
/// When the model is not [valid](check()), the target cannot be written, the weights cannot be
/// read, or a scaled weight does not fit its type; an existing file is then unchanged.
pub fn save(model: &ModelProto, path: &Path) -> Result<Saved, SaveError> {
    save_with(model, path, &SaveOptions::default())
}

/// As [`save`], with a choice of where the elements of tensors go.
///
/// # Errors
/// As [`save`], and when the model is too large for what was chosen, or its data files have
/// nowhere to go.
pub fn save_with(model: &ModelProto, path: &Path, options: &SaveOptions) -> Result<Saved, SaveError> {
    let failed = |source| SaveError::Io { path: path.into(), source };
    check(model).map_err(|source| SaveError::Check { path: path.into(), source })?;
    let old = external::data_files(model);
    if file_id(path).is_some_and(|id| old.contains_key(&id)) {
        return Err(SaveError::OwnData { path: path.into() });
    }
    let prepared = prepare(model, path, options)?;
    if path == Path::new("-") {
        let mut stdout = io::stdout().lock();
        if stdout.is_terminal() {
            return Err(SaveError::Terminal);
        }
        return stream(&prepared, &mut stdout, path);
    }
    // A device or a pipe cannot be replaced: it is written to.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        let mut file = OpenOptions::new().write(true).open(path).map_err(failed)?;
        return stream(&prepared, &mut file, path);
    }
    if path.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let saved = replace(prepared, path, options.largest)?;
    let read: Vec<_> = saved.data.iter().filter_map(|file| file_id(&file.path)).collect();
    let replaced = old.into_iter().filter(|(id, _)| !read.contains(id)).map(|(_, path)| path).collect();
    Ok(Saved { replaced, ..saved })
}

/// Device and inode of a file that is there.
fn file_id(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Writes a regular file and its data files.
fn replace(prepared: Prepared, path: &Path, largest: u64) -> Result<Saved, SaveError> {
    let failed = |source| SaveError::Io { path: path.into(), source };
    if prepared.plan.is_some() && follow(path).parent() != path.parent() {
        return Err(SaveError::Linked { path: path.into(), target: follow(path) });
    }
    // Before the data files: if this fails, it does so at once.
    let mut file = AtomicFile::create(path).map_err(failed)?;
    let Prepared { mut model, plan, moved, size } = prepared;
    let pending = match &plan {
        Some(plan) => external::write(model.to_mut(), plan, path)?,
        None => Pending::default(),
    };
    if !is_text(path) {
        // Not all that is large can be moved.
        let size = size.unwrap_or_else(|| model.fields_len());
        if size > largest {
            return Err(SaveError::TooLarge { path: path.into(), size });
        }
        file.reserve(size).map_err(failed)?;
    }
    let bytes = encode(&model, &mut file, path)?;
    let data = pending.commit(path.exists())?;
    file.commit().map_err(failed)?;
    Ok(Saved { bytes, data, moved, replaced: Vec::new() })
}

/// What went into a pipe cannot be taken back: all is computed once before the first byte.
fn stream(prepared: &Prepared, out: &mut dyn Write, path: &Path) -> Result<Saved, SaveError> {
    if prepared.plan.is_some() {
        return Err(SaveError::NoFolder { path: path.into() });
    }
    encode(&prepared.model, &mut io::sink(), path)?;
    let bytes = encode(&prepared.model, out, path)?;
    Ok(Saved { bytes, ..Saved::default() })
}

/// Whether a name asks for text.
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
    encode(&inlined(model), &mut io::sink(), Path::new("-"))
}

/// The binary form of a model, all external data taken in; `None` if it has more than `largest` bytes.
///
/// # Errors
/// As [`check_saves`].
pub fn to_bytes(model: &ModelProto, largest: u64) -> Result<Option<Vec<u8>>, SaveError> {
    check(model).map_err(|source| SaveError::Check { path: "-".into(), source })?;
    let model = inlined(model);
    let size = model.fields_len();
    if size > largest {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(size as usize);
    encode(&model, &mut bytes, Path::new("-"))?;
    Ok(Some(bytes))
}

fn encode(model: &ModelProto, mut out: &mut dyn Write, path: &Path) -> Result<u64, SaveError> {
    if is_text(path) {
        let mut out = BufWriter::new(out);
        let printed = text::print(model, &PrintOptions { weights: true }, &mut out);
        let flushed = printed.and_then(|()| out.flush().map_err(PrintError::from));
        return flushed.map(|()| model.fields_len()).map_err(|source| SaveError::Print { path: path.into(), source });
    }
    let mut encoder = Encoder::new(&mut out);
    let encoded = model.encode_fields(&mut encoder).and_then(|()| encoder.finish());
    let flushed = encoded.and_then(|bytes| out.flush().map(|()| bytes).map_err(EncodeError::Write));
    flushed.map_err(|source| SaveError::Encode { path: path.into(), source })
}
