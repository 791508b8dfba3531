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

/// Floats to integers truncate and wrap around, anything but zero is true, and nothing is rounded to a
/// floating-point type (see the module documentation).
fn convert(value: &Value, kind: DataType) -> Outputs {
    let data = match kind {
        DataType::Bool => value.data.mapv(|x| f64::from(u8::from(x != 0.0))),
        _ if kind.float().is_some() => value.data.clone(),
        DataType::String => return Err("a cast to strings".into()),
        _ => value.data.mapv(|x| wrap(x.trunc(), kind)),
    };
    Ok(vec![Value::new(data, kind)])
}

/// An integer as two's complement of the width of its type.
fn wrap(value: f64, kind: DataType) -> f64 {
    let bits = kind.bits().unwrap_or(64);
    let unsigned = matches!(
        kind,
        DataType::Uint2 | DataType::Uint4 | DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64
    );
    if bits == 64 {
        return value;
    }
    let size = f64::powi(2.0, bits as i32);
    let low = if unsigned { 0.0 } else { -size / 2.0 };
    (value - low).rem_euclid(size) + low
}
