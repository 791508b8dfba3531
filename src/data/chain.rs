//! Many files as one array.
//!
//! Each file is opened once to see what it is, and again when its rows are wanted: there are more files
//! than may be open at a time.

use super::DataError;
use super::dense::{Dense, Samples};
use super::manifest::FileManifest;
use crate::onnx::element::DataType;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// How many files stay open.
const OPEN: usize = 64;

/// How one of the files is opened.
pub type Opener = Box<dyn Fn(&Path) -> Result<Dense, DataError> + Send + Sync>;

/// The arrays of many files, one behind the other along the first axis.
pub struct Chain {
    files: FileManifest,
    element: DataType,
    shape: Vec<usize>,
    steps: Vec<String>,
    parts: Vec<Part>,
    opener: Opener,
    /// Those that were used last, the latest at the end.
    open: Mutex<Vec<(usize, Arc<Dense>)>>,
}

/// One of the files.
struct Part {
    path: PathBuf,
    /// The row that is its first.
    first: usize,
    /// Its length and the time of its last change.
    stamp: (u64, Option<SystemTime>),
}

impl Chain {
    /// The arrays of these files, of which there must be one; `folder` is what the user named.
    ///
    /// # Errors
    /// When one cannot be opened, or has samples of another shape or type than the first.
    pub fn new(folder: &Path, paths: Vec<PathBuf>, opener: Opener) -> Result<Chain, DataError> {
        let first = paths.first().ok_or_else(|| DataError::format(folder, "there are no files in it"))?;
        let model = opener(first)?;
        let (element, inner) = (model.element(), model.shape().get(1..).unwrap_or(&[]).to_vec());
        let (mut parts, mut rows, mut bytes) = (Vec::with_capacity(paths.len()), 0usize, 0);
        for path in &paths {
            let part = opener(path)?;
            let own = (part.element(), part.shape().get(1..).unwrap_or(&[]));
            if own != (element, &inner) {
                let what = format!(
                    "its samples are {} {:?}, those of `{}` {} {inner:?}",
                    own.0.name(),
                    own.1,
                    first.display(),
                    element.name()
                );
                return Err(DataError::format(path, what));
            }
            let stamp = stamp(path)?;
            parts.push(Part { path: path.clone(), first: rows, stamp });
            rows = rows.saturating_add(part.shape().first().copied().unwrap_or(0));
            bytes += stamp.0;
        }
        let files = FileManifest { path: folder.display().to_string(), files: paths.len(), bytes };
        let shape = std::iter::once(rows).chain(inner).collect();
        Ok(Chain { files, element, shape, steps: model.steps(), parts, opener, open: Mutex::new(Vec::new()) })
    }

    /// One of the files, open.
    fn part(&self, index: usize) -> Result<Arc<Dense>, DataError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|(other, _)| *other == index) {
            let found = open.remove(at);
            let array = Arc::clone(&found.1);
            open.push(found);
            return Ok(array);
        }
        let part = &self.parts[index];
        let array = Arc::new((self.opener)(&part.path)?);
        if stamp(&part.path)? != part.stamp {
            return Err(DataError::format(&part.path, "it was changed while it was read"));
        }
        if open.len() == OPEN {
            open.remove(0);
        }
        open.push((index, Arc::clone(&array)));
        Ok(array)
    }
}

/// The length of a file, and the time of its last change.
fn stamp(path: &Path) -> Result<(u64, Option<SystemTime>), DataError> {
    // An array of an archive changes when the archive does.
    let metadata = fs::metadata(path).or_else(|error| path.parent().map_or(Err(error), fs::metadata));
    let metadata = metadata.map_err(DataError::io(path))?;
    Ok((metadata.len(), metadata.modified().ok()))
}

impl Samples for Chain {
    fn path(&self) -> &Path {
        &self.parts[0].path
    }

    fn element(&self) -> DataType {
        self.element
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn rows(&self, first: usize, count: usize) -> Result<Vec<u8>, DataError> {
        let (mut bytes, mut at) = (Vec::new(), first);
        let end = first.saturating_add(count);
        while at < end {
            let index = self.parts.partition_point(|part| part.first <= at) - 1;
            let ends = self.parts.get(index + 1).map_or(self.shape[0], |next| next.first);
            let part = self.part(index)?;
            // Behind the last row, the last file says what is missing.
            let there = end.min(ends.max(at + 1)) - at;
            bytes.extend(part.rows(at - self.parts[index].first, there)?);
            at += there;
        }
        Ok(bytes)
    }

    fn files(&self) -> FileManifest {
        self.files.clone()
    }

    fn steps(&self) -> Vec<String> {
        self.steps.clone()
    }
}
