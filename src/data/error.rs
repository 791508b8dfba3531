//! Why there is no data.

use bstr::BString;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no data. Each message names the file.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not what its format says.
    #[error("`{}` is no array that can be read: {what}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// What must be unpacked or reordered before it can be read cannot be written.
    #[error("`{}` cannot be unpacked in `{}`: {source} (TMPDIR names another folder)", path.display(), folder.display())]
    Unpack {
        /// The file.
        path: PathBuf,
        /// Where temporary files go.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The array does not fit the input.
    #[error("`{}` does not fit the input `{input}`: {what}", path.display())]
    Misfit {
        /// The file.
        path: PathBuf,
        /// The input.
        input: BString,
        /// Why not.
        what: String,
    },
    /// Inputs without data, or data without an input.
    #[error("{what}; the inputs of the model are: {inputs}")]
    Inputs {
        /// What is wrong.
        what: String,
        /// The names of the inputs.
        inputs: String,
    },
    /// What is asked for cannot be done with this data.
    #[error("{what}")]
    Options {
        /// What, and what to do instead.
        what: String,
    },
}

impl DataError {
    /// The file is not what its format says.
    pub(super) fn format(path: &Path, what: impl Into<String>) -> DataError {
        DataError::Format { path: path.into(), what: what.into() }
    }

    /// The file cannot be read.
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> DataError {
        move |source| DataError::Io { path: path.into(), source }
    }

    /// What is unpacked cannot be written.
    pub(super) fn unpack(path: &Path, source: io::Error) -> DataError {
        DataError::Unpack { path: path.into(), folder: std::env::temp_dir(), source }
    }

    /// What is asked for cannot be done.
    pub(super) fn options(what: impl Into<String>) -> DataError {
        DataError::Options { what: what.into() }
    }
}
