//! Parts of a model as text, for messages and reports: types, values of attributes, elements.

use super::PrintError;
use super::tensor::Elements;
use super::writer::Writer;
use crate::onnx::TensorError;
use crate::onnx::schema::{AttributeProto, TensorProto, TypeProto};
use crate::onnx::text::PrintOptions;

/// A type: `float[N,3]`.
pub fn value_type(kind: &TypeProto) -> String {
    // Types have no data that could be missing.
    in_memory(|writer| writer.value_type(kind)).unwrap_or_default()
}

/// Element type and dimensions of a tensor: `float[16,3,3,3]`.
pub fn tensor_type(tensor: &TensorProto) -> String {
    in_memory(|writer| writer.dense_type(tensor)).unwrap_or_default()
}

/// The value of an attribute; tensors of more than 16 elements are a number and a hash.
///
/// # Errors
/// When a tensor cannot be read.
pub fn attribute_value(attribute: &AttributeProto) -> Result<String, TensorError> {
    tensor_error(in_memory(|writer| writer.value_of(attribute)))
}

/// All elements of a tensor: `{1, 2}`.
///
/// # Errors
/// When they do not fit the shape, or cannot be read.
pub fn elements(tensor: &TensorProto) -> Result<String, TensorError> {
    let elements = Elements::of(tensor)?;
    tensor_error(in_memory(|writer| writer.all(&elements)))
}

/// The hash by which a shortened tensor is printed: xxh3 of the little-endian bytes; of strings,
/// of each one's length (64 bits) and bytes.
///
/// # Errors
/// When they do not fit the shape, or cannot be read.
pub fn content_hash(tensor: &TensorProto) -> Result<u64, TensorError> {
    Elements::of(tensor)?.hash()
}

fn in_memory(print: impl FnOnce(&mut Writer) -> Result<(), PrintError>) -> Result<String, PrintError> {
    let mut text = Vec::new();
    let mut writer = Writer::new(&mut text, PrintOptions::default());
    print(&mut writer)?;
    writer.finish()?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Writing to memory does not fail.
fn tensor_error(printed: Result<String, PrintError>) -> Result<String, TensorError> {
    match printed {
        Ok(text) => Ok(text),
        Err(PrintError::Tensor(error)) => Err(error),
        Err(PrintError::Io(_)) => Ok(String::new()),
    }
}
