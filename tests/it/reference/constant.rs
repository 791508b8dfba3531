//! Constant in all its forms, and ConstantOfShape-9.

use super::call::{Call, Outputs};
use super::value::{Result, Value, bounded};
use bn_tool::onnx::access::text;
use bn_tool::onnx::element::DataType;
use bn_tool::onnx::schema::AttributeProto;
use ndarray::{ArrayD, IxDyn};

/// Constant-1 (`value`), 11 (`sparse_value`), 12 (`value_float(s)`, `value_int(s)`).
pub fn constant(call: &Call) -> Outputs {
    let [attribute] = &call.node.attribute[..] else { return Err("exactly one attribute is expected".into()) };
    value(attribute).map(|value| vec![value])
}

fn value(attribute: &AttributeProto) -> Result<Value> {
    let list = |data: Vec<f64>, kind| Value::from_vec(&[data.len()], data, kind);
    match text(&attribute.name).to_string().as_str() {
        "value" => Value::from_tensor(attribute.t.as_deref().ok_or("value is not a tensor")?),
        "sparse_value" => Value::from_sparse(attribute.sparse_tensor.as_deref().ok_or("sparse_value is not sparse")?),
        "value_float" => Ok(Value::scalar(attribute.f.unwrap_or_default().into(), DataType::Float)),
        "value_floats" => list(attribute.floats.iter().map(|x| f64::from(*x)).collect(), DataType::Float),
        "value_int" => Ok(Value::scalar(attribute.i.unwrap_or_default() as f64, DataType::Int64)),
        "value_ints" => list(attribute.ints.iter().map(|x| *x as f64).collect(), DataType::Int64),
        other => Err(format!("{other} is not implemented")),
    }
}

/// A shape filled with `value`, one element, 0f by default.
pub fn constant_of_shape(call: &Call) -> Outputs {
    let shape: Vec<usize> = call.input(0)?.ints().iter().map(|length| *length as usize).collect();
    let tensor = call.node.attribute("value").and_then(|attribute| attribute.t.as_deref());
    let fill = tensor.map_or(Ok(Value::scalar(0.0, DataType::Float)), Value::from_tensor)?;
    Ok(vec![Value::new(ArrayD::from_elem(IxDyn(bounded(&shape)), fill.single()?), fill.kind)])
}
