//! What a folder, or a list of files, holds.

use super::bind::Wanted;
use super::chain::Chain;
use super::dense::Samples;
use super::image::Images;
use super::listing::{Kind, entries, listed, recursive};
use super::options::DataOptions;
use super::{DataError, open};
use std::path::{Path, PathBuf};

/// The samples in a folder: arrays, ONNX test data, raw files, or images, also those in folders inside.
///
/// # Errors
/// When it holds none of these, or several, or something in it cannot be read.
pub fn folder(path: &Path, wanted: &Wanted, options: &DataOptions) -> Result<Box<dyn Samples>, DataError> {
    let (files, folders) = entries(path)?;
    if let Some(sets) = test_data(path, &files, folders) {
        let inputs = sets.iter().map(|set| test_input(set, wanted)).collect::<Result<_, _>>()?;
        return chain(path, inputs, &Wanted { alone: true, ..wanted.clone() }, options);
    }
    let of = |kind: Kind| files.iter().filter(move |file| Kind::of(file) == Some(kind));
    let kinds = [Kind::Array, Kind::Tensor, Kind::Raw, Kind::Image];
    let there: Vec<Kind> = kinds.into_iter().filter(|kind| of(*kind).next().is_some()).collect();
    match there[..] {
        [] | [Kind::Image] => {
            let images = recursive(path, Kind::Image)?;
            if images.is_empty() {
                return Err(DataError::format(path, "it holds no .npy, .npz, .safetensors, .pb, .bin or image files"));
            }
            wanted.alone(path)?;
            Ok(Box::new(Images::new(path, images, wanted, &options.images)?))
        }
        [kind] => chain(path, of(kind).cloned().collect(), wanted, options),
        _ => Err(DataError::format(path, "it holds data of several kinds; name a file, or list files in a .txt file")),
    }
}

/// The samples in the files of a list, which are all of one kind.
///
/// # Errors
/// When it cannot be read, or one of the files cannot.
pub fn list(path: &Path, wanted: &Wanted, options: &DataOptions) -> Result<Box<dyn Samples>, DataError> {
    let files = listed(path)?;
    let images = files.iter().filter(|file| Kind::of(file) == Some(Kind::Image)).count();
    if images == 0 {
        return chain(path, files, wanted, options);
    }
    if images < files.len() {
        return Err(DataError::format(path, "it lists images and other files"));
    }
    wanted.alone(path)?;
    Ok(Box::new(Images::new(path, files, wanted, &options.images)?))
}

fn chain(
    path: &Path,
    files: Vec<PathBuf>,
    wanted: &Wanted,
    options: &DataOptions,
) -> Result<Box<dyn Samples>, DataError> {
    let (wanted, options) = (wanted.clone(), options.clone());
    let opener = Box::new(move |file: &Path| open::dense(file, &wanted, &options));
    Ok(Box::new(Chain::new(path, files, opener)?))
}

/// The folders of ONNX test data: this one, or those inside of it, `test_data_set_0` and so on.
fn test_data(path: &Path, files: &[PathBuf], mut folders: Vec<PathBuf>) -> Option<Vec<PathBuf>> {
    if files.iter().any(|file| is_input(file)) {
        return Some(vec![path.into()]);
    }
    folders.retain(|folder| file_name(folder).starts_with("test_data_set"));
    Some(folders).filter(|folders| !folders.is_empty())
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn is_input(path: &Path) -> bool {
    file_name(path).starts_with("input_") && Kind::of(path) == Some(Kind::Tensor)
}

/// The file for an input in a folder of ONNX test data: `input_N.pb` is for the N-th one, unless its
/// tensor has the name of another, and another file that of this one.
fn test_input(set: &Path, wanted: &Wanted) -> Result<PathBuf, DataError> {
    let numbered = set.join(format!("input_{}.pb", wanted.index));
    let name = |path: &Path| open::tensor_name(path).map(|name| (name == wanted.name, name.is_empty()));
    let there = numbered.is_file();
    if there && name(&numbered)? != (false, false) {
        return Ok(numbered);
    }
    for other in entries(set)?.0.into_iter().filter(|file| is_input(file)) {
        if name(&other)?.0 {
            return Ok(other);
        }
    }
    let missing = || DataError::format(set, format!("it has no input_{}.pb for `{}`", wanted.index, wanted.name));
    there.then_some(numbered).ok_or_else(missing)
}
