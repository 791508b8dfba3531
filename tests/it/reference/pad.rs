//! Pad-1 (`paddings`), 2 (`pads`), 11 and later (inputs); negative pads crop.

use super::call::{Call, Outputs, axes};
use super::value::{Result, Value, bounded};
use ndarray::{ArrayD, Dimension, IxDyn};

/// Adds `pads = [begin…, end…]` elements around the axes (all, or those of the fourth input,
/// opset 18): `value`, or what `mode` finds in the (cropped) input.
pub fn pad(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let mode = call.string("mode", "constant");
    let value = match call.opset {
        ..11 => call.float("value", 0.0),
        _ => call.optional(2).map_or(Ok(0.0), Value::single)?,
    };
    let value = if call.magnitude.is_some() { value.abs() } else { value };
    let (begin, end) = amounts(call, x.ndim())?;
    let length = |axis: usize| usize::try_from(x.shape()[axis] as i64 + begin[axis] + end[axis]);
    let shape: Vec<usize> =
        (0..x.ndim()).map(length).collect::<std::result::Result<_, _>>().map_err(|_| "crops all")?;
    let from = |axis: usize, at: usize| source(&mode, x.shape()[axis] as i64, begin[axis], end[axis], at as i64);
    for (axis, length) in shape.iter().enumerate() {
        (0..*length).try_for_each(|at| from(axis, at).map(drop))?;
    }
    call.one(ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| {
        let from: Option<Vec<usize>> =
            at.slice().iter().enumerate().map(|(axis, at)| from(axis, *at).expect("it was tried")).collect();
        from.map_or(value, |from| x[&from[..]])
    }))
}

/// Where an element comes from on one axis; `None` is the constant. What is cropped is not there
/// to be repeated.
fn source(mode: &str, length: i64, begin: i64, end: i64, at: i64) -> Result<Option<usize>> {
    let (low, high) = ((-begin).max(0), length - (-end).max(0));
    let (at, length) = (at - begin - low, high - low);
    if (0..length).contains(&at) {
        return Ok(Some((at + low) as usize));
    }
    let found = match mode {
        "constant" => return Ok(None),
        _ if length <= 0 => return Err("nothing to repeat".into()),
        "edge" => at.clamp(0, length - 1),
        "wrap" => at.rem_euclid(length),
        "reflect" if length == 1 => 0,
        "reflect" => (length - 1) - ((length - 1) - at.rem_euclid(2 * (length - 1))).abs(),
        other => return Err(format!("mode={other}")),
    };
    Ok(Some((found + low) as usize))
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
