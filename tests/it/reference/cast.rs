//! Cast and CastLike.

use super::call::{Call, Outputs};
use super::value::Value;
use bn_tool::onnx::element::DataType;

/// Cast-6…25: `to` is a type code; Cast-1: the name of a type.
pub fn cast(call: &Call) -> Outputs {
    let name = call.string("to", "").to_lowercase();
    let kind = if call.opset < 6 { DataType::from_name(&name) } else { DataType::from_code(call.int("to", 0) as i32) };
    convert(call.input(0)?, kind.ok_or("a cast to an unknown type")?)
}

/// CastLike-15: the type of the second input.
pub fn cast_like(call: &Call) -> Outputs {
    convert(call.input(0)?, call.input(1)?.kind)
}

/// Floats to integers truncate, anything but zero is true, and nothing is rounded to a
/// floating-point type (see the module documentation).
fn convert(value: &Value, kind: DataType) -> Outputs {
    let data = match kind {
        DataType::Bool => value.data.mapv(|x| f64::from(u8::from(x != 0.0))),
        _ if kind.float().is_some() => value.data.clone(),
        DataType::String => return Err("a cast to strings".into()),
        _ => value.data.mapv(f64::trunc),
    };
    Ok(vec![Value::new(data, kind)])
}
