//! Operators of two operands, and how their shapes become one.

use super::call::{Call, Outputs};
use super::value::{Result, Tensor, bounded};
use ndarray::{ArrayD, IxDyn, Zip};

/// Multidirectional broadcasting (ONNX Broadcasting.md): right-aligned, 1 stretches.
pub fn broadcast_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let length = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let one = |axis: usize| match (length(a, axis), length(b, axis)) {
        (x, y) if x == y || y == 1 => Ok(x),
        (1, y) => Ok(y),
        _ => Err(format!("{a:?} and {b:?} do not broadcast")),
    };
    (0..rank).map(one).collect()
}

/// Stretches a tensor to a shape.
pub fn broadcast(tensor: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let view = tensor.broadcast(IxDyn(bounded(shape)));
    view.map(|view| view.to_owned()).ok_or_else(|| format!("{:?} does not broadcast to {shape:?}", tensor.shape()))
}

/// Applies a function to two tensors that broadcast.
pub fn combine(a: &Tensor, b: &Tensor, f: impl Fn(f64, f64) -> f64) -> Result<Tensor> {
    let shape = broadcast_shape(a.shape(), b.shape())?;
    let (a, b) = (broadcast(a, &shape)?, broadcast(b, &shape)?);
    Ok(Zip::from(&a).and(&b).map_collect(|a, b| f(*a, *b)))
}

/// Add, Sub, Mul, Div, Pow: opset 7 and later broadcast; 1 and 6 have attributes for it.
pub fn arithmetic(call: &Call) -> Outputs {
    let integer = call.input(0)?.is_integer();
    let f: fn(f64, f64) -> f64 = match call.op().as_str() {
        "Add" => |a, b| a + b,
        "Sub" if call.magnitude.is_some() => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" if integer => |a, b| (a / b).trunc(),
        "Div" => |a, b| a / b,
        _ => f64::powf,
    };
    let a = call.data(0)?;
    call.one(combine(a, &second(call, a)?, f)?)
}

/// The second operand, in a shape that broadcasts.
fn second(call: &Call, a: &Tensor) -> Result<Tensor> {
    let b = call.data(1)?;
    if call.opset >= 7 {
        return Ok(b.clone());
    }
    if !call.flag("broadcast") {
        let agree = a.shape() == b.shape();
        return if agree { Ok(b.clone()) } else { Err(format!("{:?} and {:?}", a.shape(), b.shape())) };
    }
    let b = match call.int("axis", -1) {
        axis if axis >= 0 => align(b, axis as usize, a.ndim())?,
        _ => b.clone(),
    };
    broadcast(&b, a.shape())
}

/// Gives B, whose first axis is axis `axis` of A, the rank of A (opset < 7).
fn align(b: &Tensor, axis: usize, rank: usize) -> Result<Tensor> {
    let after = rank.checked_sub(axis + b.ndim()).ok_or("axis leaves no room for B")?;
    let shape = [&vec![1; axis], b.shape(), &vec![1; after]].concat();
    ArrayD::from_shape_vec(IxDyn(&shape), b.iter().copied().collect()).map_err(|error| error.to_string())
}

/// PRelu: `x < 0 ? slope·x : x`. Before opset 7 the slope has one element or one per channel.
pub fn prelu(call: &Call) -> Outputs {
    let (x, slope) = (call.data(0)?, call.data(1)?);
    let slope = if call.opset < 7 && slope.len() > 1 { align(slope, 1, x.ndim())? } else { slope.clone() };
    let slope = broadcast(&slope, x.shape())?;
    if call.magnitude.is_some() {
        return call.one(combine(x, &slope, |m, slope| m * slope.max(1.0))?);
    }
    call.one(combine(x, &slope, |x, slope| if x < 0.0 { slope * x } else { x })?)
}
