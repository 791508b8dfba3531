//! MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool.

use super::call::{Call, Outputs};
use super::value::{Result, Tensor, Value, bounded};
use super::window::Window;
use bn_tool::onnx::element::DataType;
use ndarray::{ArrayD, Axis, Dimension, IxDyn, indices};

/// MaxPool-1…22; padding never wins. Indices (opset 8) count all elements of the input, row by
/// row, or with `storage_order=1` the spatial axes column by column.
pub fn max(call: &Call) -> Outputs {
    let largest = |values: &[f64]| match call.magnitude {
        Some(_) => values.iter().sum(),
        None => values.iter().copied().fold(f64::NEG_INFINITY, larger),
    };
    let y = pooled(call, |values, _| largest(&values.iter().map(|(_, x)| *x).collect::<Vec<_>>()))?;
    let shape = call.data(0)?.shape();
    let position = |at: &[usize]| {
        let spatial: Vec<usize> =
            if call.flag("storage_order") { (2..at.len()).rev().collect() } else { (2..at.len()).collect() };
        [0, 1].iter().chain(&spatial).fold(0, |sum, axis| sum * shape[*axis] + at[*axis]) as f64
    };
    let first = |values: &[(Vec<usize>, f64)]| {
        let largest = largest(&values.iter().map(|(_, x)| *x).collect::<Vec<_>>());
        values.iter().find(|(_, x)| *x == largest).map_or(-1.0, |(at, _)| position(at))
    };
    let indices = pooled(call, |values, _| first(values))?;
    Ok(vec![Value::new(y, call.kind()?), Value::new(indices, DataType::Int64)])
}

/// AveragePool-1…22: over the elements, or with `count_include_pad` also over the padding.
pub fn average(call: &Call) -> Outputs {
    let include = call.flag("count_include_pad");
    let y = pooled(call, |values, padded| {
        values.iter().map(|(_, x)| x).sum::<f64>() / if include { padded } else { values.len() } as f64
    })?;
    call.one(y)
}

/// Reduces each window, given its elements with their positions, and their number with padding.
fn pooled(call: &Call, reduce: impl Fn(&[(Vec<usize>, f64)], usize) -> f64) -> Result<Tensor> {
    let x = call.data(0)?;
    let kernel: Vec<usize> =
        call.ints("kernel_shape").ok_or("there is no kernel_shape")?.iter().map(|k| *k as usize).collect();
    if x.ndim() != kernel.len() + 2 {
        return Err(format!("a kernel {kernel:?} for {:?}", x.shape()));
    }
    let window = Window::new(call, &x.shape()[2..], &kernel)?;
    let shape = [&x.shape()[..2], &window.output[..]].concat();
    Ok(ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| {
        let (outer, output) = at.slice().split_at(2);
        let taps: Vec<IxDyn> = indices(IxDyn(&kernel)).into_iter().collect();
        let sources = taps.iter().filter_map(|tap| window.source(output, tap.slice()));
        let positions = sources.map(|source| [outer, &source].concat());
        let values: Vec<(Vec<usize>, f64)> = positions.map(|at| (at.clone(), x[&at[..]])).collect();
        reduce(&values, taps.iter().filter(|tap| window.is_padded(output, tap.slice())).count())
    }))
}

/// One number per image and channel; the spatial axes become 1.
pub fn global(call: &Call) -> Outputs {
    let average = call.op() == "GlobalAveragePool";
    let mut y = call.data(0)?.clone();
    for axis in (2..y.ndim()).map(Axis) {
        let reduced = match average {
            true => y.mean_axis(axis).ok_or("an empty axis")?,
            false if call.magnitude.is_some() => y.sum_axis(axis),
            false => y.fold_axis(axis, f64::NEG_INFINITY, |a, b| larger(*a, *b)),
        };
        y = reduced.insert_axis(axis);
    }
    call.one(y)
}

/// The larger one; NaN wins.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}
