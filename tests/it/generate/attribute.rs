//! Attributes of the kinds that the library has no constructor for.

use bn_tool::onnx::schema::{AttributeProto, TensorProto};

/// A list of integers.
pub fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|value| *value as i64).collect::<Vec<_>>().into();
    AttributeProto { name: Some(name.into()), ints, r#type: Some(7), ..Default::default() }
}

/// A string.
pub fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto { name: Some(name.into()), s: Some(value.into()), r#type: Some(3), ..Default::default() }
}

/// A tensor.
pub fn tensor(name: &str, value: TensorProto) -> AttributeProto {
    let t = Some(Box::new(value));
    AttributeProto { name: Some(name.into()), t, r#type: Some(AttributeProto::TENSOR), ..Default::default() }
}
