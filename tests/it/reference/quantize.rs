//! QuantizeLinear and DequantizeLinear (10, 13, 19, 21): per tensor and per axis.

use super::binary::broadcast;
use super::call::{Call, Outputs, axis};
use super::value::{Result, Tensor, Value};
use bn_tool::onnx::element::DataType;
use ndarray::{ArrayD, IxDyn, Zip};

/// `saturate(round(x / scale) + zero_point)`, halves to even.
pub fn quantize(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let given = DataType::from_code(call.int("output_dtype", 0) as i32);
    let kind = call.optional(2).map(|zero| zero.kind).or(given).unwrap_or(DataType::Uint8);
    let (low, high) = range(kind)?;
    let (scale, zero) = parameters(call, x)?;
    let quantized = |x: &f64, scale: &f64, zero: &f64| ((x / scale).round_ties_even() + zero).clamp(low, high);
    Ok(vec![Value::new(Zip::from(x).and(&scale).and(&zero).map_collect(quantized), kind)])
}

/// `(x − zero_point) · scale`, of the type of the scale.
pub fn dequantize(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let (scale, zero) = parameters(call, x)?;
    let difference: fn(f64, f64) -> f64 =
        if call.magnitude.is_some() { |x, zero| (x - zero).abs() } else { |x, zero| x - zero };
    let data = Zip::from(x).and(&scale).and(&zero).map_collect(|x, scale, zero| difference(*x, *zero) * scale);
    Ok(vec![Value::new(data, call.input(1)?.kind)])
}

/// Scale and zero point (0 by default) in the shape of the data: one element, or one per
/// index of `axis` (1 by default, opset 13).
fn parameters(call: &Call, x: &Tensor) -> Result<(Tensor, Tensor)> {
    if call.int("block_size", 0) != 0 {
        return Err("blocked quantisation is not implemented".into());
    }
    let spread = |parameter: &Tensor| -> Result<Tensor> {
        if parameter.len() == 1 {
            return Ok(ArrayD::from_elem(x.raw_dim(), *parameter.first().expect("there is one")));
        }
        let mut shape = vec![1; x.ndim()];
        shape[axis(call.int("axis", 1), x.ndim())?] = parameter.len();
        let aligned = ArrayD::from_shape_vec(IxDyn(&shape), parameter.iter().copied().collect());
        broadcast(&aligned.map_err(|error| error.to_string())?, x.shape())
    };
    let zero = call.optional(2).map_or(Ok(ArrayD::zeros(x.raw_dim())), |zero| spread(&zero.data))?;
    Ok((spread(call.data(1)?)?, zero))
}

fn range(kind: DataType) -> Result<(f64, f64)> {
    Ok(match kind {
        DataType::Uint8 => (0.0, 255.0),
        DataType::Int8 => (-128.0, 127.0),
        DataType::Uint16 => (0.0, 65535.0),
        DataType::Int16 => (-32768.0, 32767.0),
        DataType::Uint4 => (0.0, 15.0),
        DataType::Int4 => (-8.0, 7.0),
        other => return Err(format!("quantisation to {} is not implemented", other.name())),
    })
}
