//! Operators that move no numbers, or only rearrange them.

use super::binary::{broadcast, broadcast_shape};
use super::call::{Call, Outputs, axes};
use super::value::{Result, Tensor, Value};
use bn_tool::onnx::element::DataType;
use ndarray::{ArrayD, Axis, IxDyn};

/// The same numbers, row by row, in another shape.
pub fn reshaped(tensor: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let numbers: Vec<f64> = tensor.iter().copied().collect();
    ArrayD::from_shape_vec(IxDyn(shape), numbers).map_err(|_| format!("{:?} cannot become {shape:?}", tensor.shape()))
}

/// Reshape: 0 copies the input's length (unless `allowzero`, opset 14), −1 is what remains.
/// Before opset 5 the shape is an attribute.
pub fn reshape(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let wanted = call.list("shape", 1, 5).ok_or("there is no shape")?;
    let copy = !call.flag("allowzero");
    let length = |(axis, wanted): (usize, &i64)| match *wanted {
        0 if copy => x.shape().get(axis).copied().ok_or_else(|| format!("there is no axis {axis} to copy")),
        -1 => Ok(1),
        wanted => usize::try_from(wanted).map_err(|_| format!("the length {wanted}")),
    };
    let mut shape: Vec<usize> = wanted.iter().enumerate().map(length).collect::<Result<_>>()?;
    if let Some(rest) = wanted.iter().position(|wanted| *wanted == -1) {
        let known: usize = shape.iter().product();
        shape[rest] = x.len().checked_div(known).ok_or("−1 beside a length of zero")?;
    }
    call.one(reshaped(x, &shape)?)
}

/// Flatten: two axes, cut at `axis` (1 by default, may equal the rank).
pub fn flatten(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let axis = call.int("axis", 1);
    let cut = usize::try_from(if axis < 0 { axis + x.ndim() as i64 } else { axis }).unwrap_or(usize::MAX);
    let (before, after) = x.shape().split_at_checked(cut).ok_or("axis is out of range")?;
    call.one(reshaped(x, &[before.iter().product(), after.iter().product()])?)
}

/// Transpose: axis `i` of the output is axis `perm[i]` of the input; reversed by default.
pub fn transpose(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let Some(perm) = call.ints("perm") else { return call.one(x.t().to_owned()) };
    let order = axes(&perm, x.ndim())?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    match sorted.iter().copied().eq(0..x.ndim()) {
        true => call.one(x.view().permuted_axes(IxDyn(&order)).to_owned()),
        false => Err(format!("perm={perm:?} of rank {}", x.ndim())),
    }
}

/// Squeeze: removes the given axes, or all of length 1 (axes are an input from opset 13 on).
pub fn squeeze(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let unit = || (0..x.ndim()).filter(|axis| x.shape()[*axis] == 1).collect();
    let drop: Vec<usize> = call.list("axes", 1, 13).map_or(Ok(unit()), |list| axes(&list, x.ndim()))?;
    if let Some(axis) = drop.iter().find(|axis| x.shape()[**axis] != 1) {
        return Err(format!("axis {axis} is not of length 1"));
    }
    let shape: Vec<usize> = (0..x.ndim()).filter(|axis| !drop.contains(axis)).map(|axis| x.shape()[axis]).collect();
    call.one(reshaped(x, &shape)?)
}

/// Unsqueeze: the axes are those of the output (an input from opset 13 on).
pub fn unsqueeze(call: &Call) -> Outputs {
    let mut x = call.data(0)?.clone();
    let list = call.list("axes", 1, 13).ok_or("there are no axes")?;
    let mut new = axes(&list, x.ndim() + list.len())?;
    new.sort_unstable();
    for axis in new {
        x = x.insert_axis(Axis(axis));
    }
    call.one(x)
}

/// Expand-8: broadcasts input and shape against each other.
pub fn expand(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let wanted: Vec<usize> = call.input(1)?.ints().iter().map(|length| *length as usize).collect();
    call.one(broadcast(x, &broadcast_shape(x.shape(), &wanted)?)?)
}

/// Shape-1, 15 (`start`, `end`): the lengths as int64.
pub fn shape(call: &Call) -> Outputs {
    let lengths = call.data(0)?.shape();
    let rank = lengths.len() as i64;
    let bound = |name: &str, default: i64| {
        let at = call.int(name, default);
        (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize
    };
    let (start, end) = (bound("start", 0), bound("end", rank));
    let part: Vec<f64> = lengths.get(start..end).unwrap_or(&[]).iter().map(|length| *length as f64).collect();
    Ok(vec![Value::from_vec(&[part.len()], part, DataType::Int64)?])
}
