//! ReduceMean and ReduceSum.

use super::call::{Call, Outputs, axes};
use ndarray::Axis;

/// Over `axes`, an attribute before opset 13 (ReduceSum) or 18 (ReduceMean) and an input from
/// then on; all axes when absent, unless `noop_with_empty_axes`.
pub fn reduce(call: &Call) -> Outputs {
    let mean = call.op() == "ReduceMean";
    let mut y = call.data(0)?.clone();
    let given = call.list("axes", 1, if mean { 18 } else { 13 }).filter(|given| !given.is_empty());
    let mut over = match given {
        Some(given) => axes(&given, y.ndim())?,
        None if call.flag("noop_with_empty_axes") => Vec::new(),
        None => (0..y.ndim()).collect(),
    };
    over.sort_unstable();
    let keep = call.int("keepdims", 1) != 0;
    for axis in over.into_iter().rev().map(Axis) {
        let sum = y.sum_axis(axis);
        let reduced = if mean { sum / y.len_of(axis) as f64 } else { sum };
        y = if keep { reduced.insert_axis(axis) } else { reduced };
    }
    call.one(y)
}
