//! Names and keywords of the syntax.

use crate::onnx::element::DataType;

/// Names of `AttributeProto.AttributeType` with their codes.
const ATTRIBUTE_TYPES: [(&str, i32); 14] = [
    ("float", 1),
    ("int", 2),
    ("string", 3),
    ("tensor", 4),
    ("graph", 5),
    ("floats", 6),
    ("ints", 7),
    ("strings", 8),
    ("tensors", 9),
    ("graphs", 10),
    ("sparse_tensor", 11),
    ("sparse_tensors", 12),
    ("type_proto", 13),
    ("type_protos", 14),
];

/// The element type that is not set.
pub(super) const UNDEFINED: &str = "undefined";

/// The code of an attribute type.
pub(super) fn attribute_type_code(name: &[u8]) -> Option<i32> {
    ATTRIBUTE_TYPES.iter().find(|entry| entry.0.as_bytes() == name).map(|entry| entry.1)
}

/// The name of an attribute type.
pub(super) fn attribute_type_name(code: i32) -> Option<&'static str> {
    ATTRIBUTE_TYPES.iter().find(|entry| entry.1 == code).map(|entry| entry.0)
}

/// The code of an element type.
pub(super) fn element_code(name: &[u8]) -> Option<i32> {
    let name = std::str::from_utf8(name).ok()?;
    if name == UNDEFINED { Some(0) } else { DataType::from_name(name).map(DataType::code) }
}

/// The name of an element type; unknown ones are undefined.
pub(super) fn element_name(code: Option<i32>) -> &'static str {
    code.and_then(DataType::from_code).map_or(UNDEFINED, DataType::name)
}

/// Whether a word begins a type.
pub(super) fn is_type_word(word: &[u8]) -> bool {
    matches!(word, b"seq" | b"map" | b"optional" | b"sparse_tensor" | b"opaque") || element_code(word).is_some()
}

/// Whether a word is a number.
pub(super) fn is_float_word(word: &[u8]) -> bool {
    ["inf", "infinity", "nan"].iter().any(|float| word.eq_ignore_ascii_case(float.as_bytes()))
}

pub(super) fn is_identifier_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

pub(super) fn is_identifier_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a name is an identifier of the syntax.
pub(super) fn is_identifier(name: &[u8]) -> bool {
    name.first().is_some_and(|first| is_identifier_start(*first)) && name.iter().all(|byte| is_identifier_part(*byte))
}

/// Whether a name can be written without quotes wherever it may appear.
pub(super) fn is_plain(name: &[u8]) -> bool {
    is_identifier(name) && !is_type_word(name) && !is_float_word(name)
}

/// Space of the syntax, which does not depend on the locale.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
