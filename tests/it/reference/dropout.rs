//! Dropout-1, 6, 7, 10, 12, 13, 22: the identity, unless it trains.

use super::call::{Call, Outputs};
use super::value::{Result, Value};
use bn_tool::onnx::element::DataType;
use ndarray::ArrayD;

/// Output and mask. Before opset 7 `is_test` decides, from opset 12 on the third input; in
/// between there is only inference.
pub fn dropout(call: &Call) -> Outputs {
    if trains(call)? && ratio(call)? != 0.0 {
        return Err("Dropout in training mode is random".into());
    }
    let x = call.input(0)?;
    let mask_kind = if call.opset < 10 { x.kind } else { DataType::Bool };
    Ok(vec![x.clone(), Value::new(ArrayD::ones(x.data.raw_dim()), mask_kind)])
}

fn trains(call: &Call) -> Result<bool> {
    match call.opset {
        ..7 => Ok(!call.flag("is_test")),
        7..12 => Ok(false),
        _ => Ok(call.optional(2).map_or(Ok(0.0), Value::single)? != 0.0),
    }
}

fn ratio(call: &Call) -> Result<f64> {
    if call.opset < 12 {
        return Ok(call.float("ratio", 0.5));
    }
    call.optional(1).map_or(Ok(0.5), Value::single)
}
