//! MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool.

use super::call::{Call, Outputs};
use super::value::{Result, Tensor};
use super::window::Window;
use ndarray::{ArrayD, Axis, Dimension, IxDyn, indices};

/// MaxPool-1…22; padding never wins. The indices are not implemented.
pub fn max(call: &Call) -> Outputs {
    let y = pooled(call, |values, _| values.iter().copied().fold(f64::NEG_INFINITY, larger))?;
    call.one(y)
}

/// AveragePool-1…22: over the elements, or with `count_include_pad` also over the padding.
pub fn average(call: &Call) -> Outputs {
    let include = call.flag("count_include_pad");
    let y =
        pooled(call, |values, padded| values.iter().sum::<f64>() / if include { padded } else { values.len() } as f64)?;
    call.one(y)
}

/// Reduces each window, given its elements and their number with padding.
fn pooled(call: &Call, reduce: impl Fn(&[f64], usize) -> f64) -> Result<Tensor> {
    let x = call.data(0)?;
    let kernel: Vec<usize> =
        call.ints("kernel_shape").ok_or("there is no kernel_shape")?.iter().map(|k| *k as usize).collect();
    if x.ndim() != kernel.len() + 2 {
        return Err(format!("a kernel {kernel:?} for {:?}", x.shape()));
    }
    let window = Window::new(call, &x.shape()[2..], &kernel)?;
    let shape = [&x.shape()[..2], &window.output[..]].concat();
    Ok(ArrayD::from_shape_fn(IxDyn(&shape), |at| {
        let (outer, output) = at.slice().split_at(2);
        let taps: Vec<IxDyn> = indices(IxDyn(&kernel)).into_iter().collect();
        let sources = taps.iter().filter_map(|tap| window.source(output, tap.slice()));
        let values: Vec<f64> = sources.map(|source| x[&[outer, &source].concat()[..]]).collect();
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
