//! Parsing a model: a recursive descent, with one function for each rule of the grammar.

mod attribute;
mod cursor;
mod element;
mod error;
mod function;
mod graph;
mod model;
mod number;
mod tensor;
mod types;

use crate::onnx::schema::ModelProto;
use cursor::Cursor;
pub use error::ParseError;

/// Parses a model in the ONNX textual syntax. Values of tensors become `raw_data`.
///
/// Memory and time are proportional to the length of the text. Strings need not be UTF-8.
///
/// # Errors
/// When the text is not a model; with the position.
pub fn parse(text: impl AsRef<[u8]>) -> Result<ModelProto, ParseError> {
    Cursor::new(text.as_ref()).model()
}
