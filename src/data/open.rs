//! What a path leads to: told by content where there is something to tell by, else by name.

use super::bind::Wanted;
use super::dense::{Dense, Samples, Stored};
use super::image::{Images, is_image};
use super::listing::Kind;
use super::manifest::FileManifest;
use super::options::DataOptions;
use super::unpack::Packed;
use super::{DataError, folder, idx, npy, npz, onnx_tensor, prepare, raw, safetensors};
use crate::onnx::payload::{FileSlice, Payload};
use crate::onnx::stable_file::StableFile;
use bstr::BString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const GZIP: &[u8] = &[0x1f, 0x8b];

/// The samples that a path leads to, for an input.
///
/// # Errors
/// When there are none that can be read, or none for this input.
pub fn samples(path: &Path, wanted: &Wanted, options: &DataOptions) -> Result<Box<dyn Samples>, DataError> {
    if path.is_dir() {
        return folder::folder(path, wanted, options);
    }
    match Kind::of(path) {
        Some(Kind::List) => folder::list(path, wanted, options),
        None | Some(Kind::Image | Kind::Array) if is_image(&start(path)?) => {
            wanted.alone(path)?;
            Ok(Box::new(Images::new(path, vec![path.into()], wanted, &options.images)?))
        }
        _ => Ok(Box::new(dense(path, wanted, options)?)),
    }
}

/// The array in a file, for an input, with the axes of the input as far as that needs no moving of
/// elements.
///
/// # Errors
/// When there is none that can be read, or none for this input.
pub fn dense(path: &Path, wanted: &Wanted, options: &DataOptions) -> Result<Dense, DataError> {
    let (path, chosen) = member(path);
    let (file, files) = open(&path)?;
    let array = match Kind::of(&path) {
        Some(Kind::Tensor) => onnx_tensor::open(&path, files, &file)?.1,
        Some(Kind::Raw) => raw::open(&path, files, &file, wanted, options)?,
        _ => {
            return by_content(&path, files, &file, chosen.as_deref(), wanted)
                .map(|array| prepare::fit(array, wanted, &options.images));
        }
    };
    wanted.alone(&path)?;
    Ok(prepare::fit(array, wanted, &options.images))
}

/// The name of the tensor in a `.pb` file.
///
/// # Errors
/// When there is none that can be read.
pub fn tensor_name(path: &Path) -> Result<BString, DataError> {
    let (file, files) = open(path)?;
    Ok(onnx_tensor::open(path, files, &file)?.0)
}

fn by_content(
    path: &Path,
    files: FileManifest,
    file: &Arc<StableFile>,
    chosen: Option<&str>,
    wanted: &Wanted,
) -> Result<Dense, DataError> {
    let stored = Stored::Plain(Payload::File(FileSlice::new(Arc::clone(file), 0, file.len())));
    let start = stored.start(16).map_err(DataError::io(path))?;
    if npz::MAGICS.iter().any(|magic| start.starts_with(magic)) {
        return npz::open(path, files, file, chosen, wanted);
    }
    if safetensors::is_safetensors(&start, file.len()) {
        return safetensors::open(path, files, file, chosen, wanted);
    }
    if let Some(name) = chosen {
        return Err(DataError::format(path, format!("it is no archive, in which `{name}` could be")));
    }
    let is_packed = start.starts_with(GZIP);
    let stored = if is_packed { Stored::Packed(Packed::gzip(Arc::clone(file))) } else { stored };
    let array = one(path, files, stored)?;
    wanted.alone(path)?;
    Ok(array)
}

/// The array in a file that holds one.
fn one(path: &Path, files: FileManifest, stored: Stored) -> Result<Dense, DataError> {
    let damaged = |error| DataError::format(path, format!("its compressed data is damaged: {error}"));
    let start = stored.start(16).map_err(damaged)?;
    if start.starts_with(npy::MAGIC) {
        return npy::open(path, files, stored);
    }
    if idx::is_idx(&start) {
        return idx::open(path, files, stored);
    }
    let known = "it is no .npy, .npz, safetensors, ONNX tensor (.pb), IDX, raw (.bin) or image file";
    Err(DataError::format(path, known))
}

/// The archive that an array is in, and its name there: archives are like folders.
fn member(path: &Path) -> (PathBuf, Option<String>) {
    let inside = || {
        let (archive, name) = (path.parent()?, path.file_name()?.to_str()?);
        (!path.exists() && archive.is_file()).then(|| (archive.into(), Some(name.to_owned())))
    };
    inside().unwrap_or((path.into(), None))
}

/// An open regular file, and what is told of it.
fn open(path: &Path) -> Result<(Arc<StableFile>, FileManifest), DataError> {
    let failed = DataError::io(path);
    // A pipe would wait for its writer, and cannot be read twice.
    if !fs::metadata(path).map_err(&failed)?.is_file() {
        return Err(DataError::format(path, "it is no regular file"));
    }
    let file = File::open(path).and_then(StableFile::new).map_err(&failed)?;
    let files = FileManifest { path: path.display().to_string(), files: 1, bytes: file.len() };
    Ok((Arc::new(file), files))
}

/// The first bytes of a file; of what is in an archive, none.
fn start(path: &Path) -> Result<Vec<u8>, DataError> {
    let (archive, inside) = member(path);
    if inside.is_some() {
        return Ok(Vec::new());
    }
    let (file, _) = open(&archive)?;
    let mut bytes = vec![0; file.len().min(16) as usize];
    file.read_at(0, &mut bytes).map_err(DataError::io(path))?;
    Ok(bytes)
}
