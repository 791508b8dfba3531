//! Slice-1 (attributes), 10, 11, 13 (inputs, steps).

use super::call::{Call, Outputs, axes};
use super::value::bounded;
use ndarray::{ArrayD, Dimension, IxDyn};

/// Takes `starts..ends` in `steps` of the given axes; out-of-range bounds are clamped.
pub fn slice(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let list = |name: &str, index: usize| call.list(name, index, 10);
    let (starts, ends) = (list("starts", 1).ok_or("no starts")?, list("ends", 2).ok_or("no ends")?);
    let on = list("axes", 3).unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.input_ints(4).unwrap_or_else(|| vec![1; starts.len()]);
    let mut picked: Vec<Vec<usize>> = x.shape().iter().map(|length| (0..*length).collect()).collect();
    for (entry, axis) in axes(&on, x.ndim())?.into_iter().enumerate() {
        picked[axis] = positions(x.shape()[axis] as i64, starts[entry], ends[entry], steps[entry]);
    }
    let shape: Vec<usize> = picked.iter().map(Vec::len).collect();
    let from = |at: IxDyn| picked.iter().zip(at.slice()).map(|(axis, at)| axis[*at]).collect::<Vec<_>>();
    call.one(ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| x[&from(at)[..]]))
}

/// The positions on one axis. Backwards, bounds clamp to `[0, n−1]` and `[−1, n−1]`.
fn positions(length: i64, start: i64, end: i64, step: i64) -> Vec<usize> {
    let wrap = |at: i64| if at < 0 { at.saturating_add(length) } else { at };
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let (mut at, end) = (wrap(start).clamp(low.max(0), high.max(0)), wrap(end).clamp(low, high));
    let mut positions = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        positions.push(at as usize);
        at += step;
    }
    positions
}
