//! Printing a model.

mod attribute;
pub mod fragment;
mod function;
mod graph;
mod model;
mod tensor;
mod types;
mod writer;

use crate::onnx::TensorError;
use crate::onnx::schema::ModelProto;
use std::io;
use writer::Writer;

/// How to print a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrintOptions {
    /// Print all elements of all tensors, so that the text can be parsed to the same bits.
    /// Otherwise tensors of more than 16 elements are shortened to their number and a hash.
    pub weights: bool,
}

/// Why a model cannot be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The output cannot be written.
    #[error("cannot write the text: {0}")]
    Io(#[from] io::Error),
    /// The values of a tensor cannot be had (only when all weights are printed).
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

/// Prints a model in the ONNX textual syntax: one node per line, but for subgraphs and for
/// strings that contain line breaks.
///
/// # Errors
/// When the output cannot be written, or all weights are wanted and the data of a tensor is
/// malformed or cannot be read.
pub fn print(model: &ModelProto, options: &PrintOptions, out: &mut dyn io::Write) -> Result<(), PrintError> {
    let mut writer = Writer::new(out, *options);
    writer.model(model)?;
    Ok(writer.finish()?)
}
