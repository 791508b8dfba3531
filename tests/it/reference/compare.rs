//! Comparisons, and Where.

use super::binary::{broadcast, broadcast_shape, combine};
use super::call::{Call, Outputs};
use super::value::Value;
use bn_tool::onnx::element::DataType;
use ndarray::Zip;

/// Equal-7, Greater-7, Less-7, …: booleans are 0 and 1.
pub fn compare(call: &Call) -> Outputs {
    let f: fn(f64, f64) -> bool = match call.op().as_str() {
        "Equal" => |a, b| a == b,
        "Greater" => |a, b| a > b,
        "GreaterOrEqual" => |a, b| a >= b,
        "Less" => |a, b| a < b,
        "LessOrEqual" => |a, b| a <= b,
        "And" => |a, b| a != 0.0 && b != 0.0,
        _ => |a, b| a != 0.0 || b != 0.0,
    };
    let data = combine(call.data(0)?, call.data(1)?, |a, b| f64::from(u8::from(f(a, b))))?;
    Ok(vec![Value::new(data, DataType::Bool)])
}

/// Where-9: `condition ? X : Y`, all three broadcast.
pub fn choose(call: &Call) -> Outputs {
    let (condition, x, y) = (call.data(0)?, call.data(1)?, call.data(2)?);
    let shape = broadcast_shape(&broadcast_shape(condition.shape(), x.shape())?, y.shape())?;
    let (condition, x, y) = (broadcast(condition, &shape)?, broadcast(x, &shape)?, broadcast(y, &shape)?);
    let data = Zip::from(&condition).and(&x).and(&y).map_collect(|c, x, y| if *c != 0.0 { *x } else { *y });
    Ok(vec![Value::new(data, call.input(1)?.kind)])
}
