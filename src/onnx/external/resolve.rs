//! Finding the bytes of external tensors.

use super::location::Location;
use super::tensors::visit;
use super::{LocationError, any_external};
use crate::onnx::access::text;
use crate::onnx::external_data::{DataFile, Resolved};
use crate::onnx::open_files::with_room;
use crate::onnx::schema::{ModelProto, TensorProto};
use crate::onnx::stable_file::StableFile;
use bstr::BString;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the bytes of an external tensor cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("tensor `{tensor}` is external data, but {problem}")]
pub struct ResolveError {
    /// The name of the tensor.
    pub tensor: BString,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with external data.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The entries are not usable.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The model has no folder.
    #[error("a model from a pipe has no folder to look in; name the file instead")]
    NoFolder,
    /// The data file cannot be opened.
    #[error("`{}` cannot be read: {source}", path.display())]
    Io {
        /// The data file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A symbolic link leads elsewhere.
    #[error("`{}` leads out of the model's folder", path.display())]
    Outside {
        /// The data file.
        path: PathBuf,
    },
    /// The data file is a folder, a pipe or a device.
    #[error("`{}` is not a regular file", path.display())]
    NotRegular {
        /// The data file.
        path: PathBuf,
    },
    /// The range is not in the file.
    #[error("`{}` has {len} bytes, too few for {} at offset {offset}", path.display(), how_many(.length))]
    Range {
        /// The data file.
        path: PathBuf,
        /// The number of bytes that it has.
        len: u64,
        /// The first byte of the tensor.
        offset: u64,
        /// The number of bytes of the tensor, if it says so.
        length: Option<u64>,
    },
}

fn how_many(bytes: &Option<u64>) -> String {
    bytes.map_or("any".into(), |bytes| bytes.to_string())
}

/// Attaches the bytes of all external tensors. Data files are looked for beside the model, at
/// `path` and where that leads to if it is a symbolic link; `None` is a model without a place.
///
/// # Errors
/// When a data file is missing or too short, or lies outside the model's folder.
pub fn resolve(model: &mut ModelProto, path: Option<&Path>) -> Result<(), ResolveError> {
    if !any_external(model) {
        return Ok(());
    }
    let mut folder = Folder::new(path);
    visit(model, &mut |_, tensor| {
        if !tensor.is_external() {
            return Ok(());
        }
        let resolved = folder.find(tensor);
        let resolved = resolved.map_err(|problem| ResolveError { tensor: text(&tensor.name).into(), problem })?;
        tensor.external_data.resolved = Some(Box::new(resolved));
        Ok(())
    })
}

/// The folder of a model, and the data files in it that are open.
struct Folder {
    /// As it was named.
    path: Option<PathBuf>,
    /// Where data files may really be: there, and beside what the model is a link to.
    real: Vec<PathBuf>,
    open: HashMap<PathBuf, Arc<DataFile>>,
}

impl Folder {
    fn new(path: Option<&Path>) -> Folder {
        let beside = |path: &Path| path.parent().map(Path::to_path_buf);
        let folder = path.and_then(beside);
        let real = folder.iter().filter_map(|folder| Path::new(".").join(folder).canonicalize().ok());
        let linked = path.and_then(|path| beside(&path.canonicalize().ok()?));
        Folder { real: real.chain(linked).collect(), path: folder, open: HashMap::new() }
    }

    fn find(&mut self, tensor: &TensorProto) -> Result<Resolved, Problem> {
        let Location { path, offset, length } = Location::read(&tensor.external_data)?;
        let file = self.file(path)?;
        let len = file.file.len();
        let end = length.map_or(Some(len), |length| offset.checked_add(length));
        let Some(end) = end.filter(|end| offset <= *end && *end <= len) else {
            return Err(Problem::Range { path: file.path.clone(), len, offset, length });
        };
        Ok(Resolved { payload: file.slice(offset, end - offset), file, offset, edited: false })
    }

    fn file(&mut self, location: PathBuf) -> Result<Arc<DataFile>, Problem> {
        if let Some(file) = self.open.get(&location) {
            return Ok(file.clone());
        }
        let file = self.open_file(&location)?;
        self.open.insert(location, file.clone());
        Ok(file)
    }

    fn open_file(&self, location: &Path) -> Result<Arc<DataFile>, Problem> {
        let path = self.path.as_ref().ok_or(Problem::NoFolder)?.join(location);
        let failed = |source| Problem::Io { path: path.clone(), source };
        let real = path.canonicalize().map_err(failed)?;
        if !self.real.iter().any(|folder| real.starts_with(folder)) {
            return Err(Problem::Outside { path });
        }
        // Opening a pipe would wait for somebody to write to it.
        if !real.metadata().map_err(failed)?.is_file() {
            return Err(Problem::NotRegular { path });
        }
        let file = with_room(|| File::open(&real)).and_then(StableFile::new).map_err(failed)?;
        Ok(Arc::new(DataFile { file: Arc::new(file), path }))
    }
}
