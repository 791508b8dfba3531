//! Pad-1 (`paddings`), 2 (`pads`), 11 and later (inputs): constant mode; negative pads crop.

use super::call::{Call, Outputs, axes};
use super::value::{Result, Value};
use ndarray::{ArrayD, Dimension, IxDyn};

/// Adds `pads = [begin…, end…]` elements of `value` around the axes (all, or those of the
/// fourth input, opset 18).
pub fn pad(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let mode = call.string("mode", "constant");
    if mode != "constant" {
        return Err(format!("mode={mode} is not implemented"));
    }
    let value = match call.opset {
        ..11 => call.float("value", 0.0),
        _ => call.optional(2).map_or(Ok(0.0), Value::single)?,
    };
    let (begin, end) = amounts(call, x.ndim())?;
    let length = |axis: usize| usize::try_from(x.shape()[axis] as i64 + begin[axis] + end[axis]);
    let shape: Vec<usize> =
        (0..x.ndim()).map(length).collect::<std::result::Result<_, _>>().map_err(|_| "crops all")?;
    call.one(ArrayD::from_shape_fn(IxDyn(&shape), |at| {
        let from: Option<Vec<usize>> =
            at.slice().iter().zip(&begin).map(|(at, begin)| usize::try_from(*at as i64 - begin).ok()).collect();
        from.and_then(|from| x.get(&from[..]).copied()).unwrap_or(value)
    }))
}

fn amounts(call: &Call, rank: usize) -> Result<(Vec<i64>, Vec<i64>)> {
    let name = if call.opset < 2 { "paddings" } else { "pads" };
    let pads = call.list(name, 1, 11).ok_or("there are no pads")?;
    let on = call.input_ints(3).unwrap_or_else(|| (0..rank as i64).collect());
    if pads.len() != 2 * on.len() {
        return Err(format!("{} pads for {} axes", pads.len(), on.len()));
    }
    let (mut begin, mut end) = (vec![0; rank], vec![0; rank]);
    for (entry, axis) in axes(&on, rank)?.into_iter().enumerate() {
        (begin[axis], end[axis]) = (pads[entry], pads[on.len() + entry]);
    }
    Ok((begin, end))
}
