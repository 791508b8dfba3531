//! Softmax.

use super::bounded;
use super::call::{Call, Outputs, axis};
use super::shape::reshaped;
use super::value::{Result, Tensor};
use ndarray::Axis;

/// Softmax-13: along `axis` (−1). Softmax-1, 11: over all axes from `axis` (1) on together.
pub fn softmax(call: &Call) -> Outputs {
    let x = call.data(0)?;
    if call.magnitude.is_some() {
        return call.one(bounded::softmax(x));
    }
    if call.opset >= 13 {
        let axis = axis(call.int("axis", -1), x.ndim())?;
        return call.one(along(x, Axis(axis))?);
    }
    let cut = axis(call.int("axis", 1), x.ndim())?;
    let matrix = [x.shape()[..cut].iter().product(), x.shape()[cut..].iter().product()];
    let y = along(&reshaped(x, &matrix)?, Axis(1))?;
    call.one(reshaped(&y, x.shape())?)
}

/// `exp(x) / Σ exp(x)`, less the maximum so that nothing overflows.
fn along(x: &Tensor, axis: Axis) -> Result<Tensor> {
    let largest = x.fold_axis(axis, f64::NEG_INFINITY, |a, b| a.max(*b)).insert_axis(axis);
    let exponentials = (x - &largest).mapv(f64::exp);
    let sums = exponentials.sum_axis(axis).insert_axis(axis);
    Ok(exponentials / sums)
}
