//! Data to run models on: one batch at a time, whatever the format, in constant memory.
//!
//! `open.rs` tells formats apart; each reader is a file (`npy.rs`, `npz.rs`, `idx.rs`, …) that gives
//! a `Dense` array (`dense.rs`), several of which are one in `chain.rs`, or images. `bind.rs` gives an
//! array to an input of the model, `prepare/` makes of it what the input takes, and `cut.rs` cuts
//! runs of the model's batch size. Everything that is read is hostile: sizes are checked before
//! memory is taken, and what is wrong is a [`DataError`] that names the file.

mod bind;
mod chain;
mod cut;
mod dense;
mod error;
mod folder;
mod fortran;
mod idx;
mod image;
mod labels;
mod listing;
mod manifest;
mod npy;
mod npz;
mod onnx_tensor;
mod open;
mod options;
mod prepare;
mod raw;
mod safetensors;
mod save;
mod shuffle;
mod source;
#[cfg(test)]
mod testing;
mod unpack;

use crate::engine::Array;

pub use cut::open;
pub use error::DataError;
pub use image::{Channels, Interpolation, Resize};
pub use labels::labels;
pub use manifest::{FileManifest, InputManifest, Manifest};
pub use options::{DataOptions, ImageOptions, Layout, Preset};
pub use save::{Series, save_npz};
pub use source::DataSource;

/// One run of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The inputs, in the order of the model's required inputs.
    pub inputs: Vec<Array>,
    /// How many positions of the first axis are data; the rest repeat the last of them.
    pub rows: usize,
}

/// Samples for the inputs of one model, cut into runs.
pub trait Dataset: Sync {
    /// How many samples there are; at least one.
    fn samples(&self) -> usize;

    /// How many positions of the first axis one run takes: 1, or the length that the model fixes.
    fn batch_size(&self) -> usize;

    /// How many runs there are.
    fn runs(&self) -> usize {
        self.samples().div_ceil(self.batch_size())
    }

    /// The shape of each input, in the order of the model's required inputs: the same for all runs.
    fn shapes(&self) -> Vec<Vec<usize>>;

    /// The inputs of one run.
    ///
    /// # Errors
    /// When they cannot be read, or there is no such run.
    fn run(&self, index: usize) -> Result<Run, DataError>;

    /// Where a sample is in the source, from 0: to find its label.
    fn source_row(&self, sample: usize) -> usize;

    /// What the data is, and what is done to it. All shards of a dataset have the same.
    fn manifest(&self) -> &Manifest;
}
