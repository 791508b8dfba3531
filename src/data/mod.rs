//! Data to run models on: one sample at a time, whatever the format.

mod bind;
pub mod npy;

use crate::engine::Array;
use bstr::BString;
use std::io;
use std::path::PathBuf;

pub use bind::{DataSource, open};

/// Samples for the inputs of one model.
pub trait Dataset: Sync {
    /// How many samples there are; at least one.
    fn samples(&self) -> usize;

    /// The shape of each input, in the order of the model's required inputs: the same for all samples.
    fn shapes(&self) -> Vec<Vec<usize>>;

    /// The inputs of one sample.
    ///
    /// # Errors
    /// When they cannot be read, or there is no such sample.
    fn sample(&self, index: usize) -> Result<Vec<Array>, DataError>;
}

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
}
