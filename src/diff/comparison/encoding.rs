//! Are two messages written the same way?

use crate::onnx::TensorError;
use crate::onnx::wire::{Message, encoding_hash};

/// Whether two messages have the same bytes on the wire.
///
/// # Errors
/// When a payload cannot be read.
pub fn same_encoding<M: Message>(a: &M, b: &M) -> Result<bool, TensorError> {
    Ok(a.fields_len() == b.fields_len() && encoding_hash(a)? == encoding_hash(b)?)
}

/// Whether two lists of messages are; what cannot be read is not the same.
pub fn same_encodings<M: Message>(a: &[M], b: &[M]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_encoding(a, b).unwrap_or(false))
}
