//! Data to run models on: one sample at a time, whatever the format.

mod bind;
pub mod npy;

use crate::engine::Array;
use bstr::BString;
use std::io;
use std::path::PathBuf;

pub use bind::{DataSource, open};

/// One run of the model.
#[derive(Debug)]
pub struct Run {
    /// Its inputs, in the order of the model's required inputs.
    pub inputs: Vec<Array>,
    /// How many positions of the first axis are data; the rest repeat the last of them.
    pub rows: usize,
}

/// Samples for the inputs of one model.
pub trait Dataset: Sync {
    /// How many samples there are; at least one.
    fn samples(&self) -> usize;

    /// How many samples one run of the model takes.
    fn batch_size(&self) -> usize;

    /// How often the model has to run for all samples.
    fn runs(&self) -> usize {
        self.samples().div_ceil(self.batch_size().max(1))
    }

    /// The shape of each input, in the order of the model's required inputs: the same for all runs.
    fn shapes(&self) -> Vec<Vec<usize>>;

    /// The inputs of one run.
    ///
    /// # Errors
    /// When they cannot be read, or there is no such run.
    fn run(&self, index: usize) -> Result<Run, DataError>;

    /// Where a sample is in the source, to find its label.
    fn source_row(&self, sample: usize) -> usize;
}

/// The class of each row of a source.
///
/// # Errors
/// When the file cannot be read, or holds something else than whole numbers.
pub fn labels(path: &std::path::Path) -> Result<Vec<i64>, DataError> {
    let array = npy::Npy::open(path)?;
    let rows = array.shape().first().copied().unwrap_or(0);
    Ok(array.rows(0, rows)?.values().into_iter().map(|label| label as i64).collect())
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
