//! ReduceMean, ReduceSum, ReduceMax and ReduceMin.

use super::call::{Call, Outputs, axes};
use super::value::Tensor;
use super::variadic::maximum;
use ndarray::Axis;

/// Over `axes`, an attribute before opset 13 (ReduceSum) or 18 (the others) and an input from
/// then on; all axes when absent, unless `noop_with_empty_axes`.
pub fn reduce(call: &Call) -> Outputs {
    let mut y = call.data(0)?.clone();
    let given = call.list("axes", 1, if call.op() == "ReduceSum" { 13 } else { 18 });
    let mut over = match given.filter(|given| !given.is_empty()) {
        Some(given) => axes(&given, y.ndim())?,
        None if call.flag("noop_with_empty_axes") => Vec::new(),
        None => (0..y.ndim()).collect(),
    };
    over.sort_unstable();
    let keep = call.int("keepdims", 1) != 0;
    for axis in over.into_iter().rev().map(Axis) {
        let reduced = along(call, &y, axis);
        y = if keep { reduced.insert_axis(axis) } else { reduced };
    }
    call.one(y)
}

/// One axis; of magnitudes, the sum bounds the largest and the smallest.
fn along(call: &Call, y: &Tensor, axis: Axis) -> Tensor {
    match call.op().as_str() {
        "ReduceMean" => y.sum_axis(axis) / y.len_of(axis) as f64,
        "ReduceMax" | "ReduceMin" if call.magnitude.is_some() => y.sum_axis(axis),
        "ReduceMin" => y.fold_axis(axis, f64::INFINITY, |a, b| -maximum(-*a, -*b)),
        "ReduceMax" => y.fold_axis(axis, f64::NEG_INFINITY, |a, b| maximum(*a, *b)),
        _ => y.sum_axis(axis),
    }
}
