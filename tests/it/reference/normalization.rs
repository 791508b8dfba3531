//! InstanceNormalization-1, 6, 22 and LayerNormalization-17.

use super::binary::{broadcast, combine};
use super::call::{Call, Outputs, axis};
use super::shape::reshaped;
use super::value::{Result, Tensor, Value};
use ndarray::Axis;

/// Mean and (population) variance over all axes from `cut` on, which become 1.
pub fn moments(x: &Tensor, cut: usize) -> Result<(Tensor, Tensor)> {
    let outer: usize = x.shape()[..cut].iter().product();
    let rows = reshaped(x, &[outer, x.shape()[cut..].iter().product()])?;
    let mean = rows.mean_axis(Axis(1)).ok_or("nothing to average")?;
    let variance = rows.var_axis(Axis(1), 0.0);
    let shape: Vec<usize> = (0..x.ndim()).map(|axis| if axis < cut { x.shape()[axis] } else { 1 }).collect();
    Ok((reshaped(&mean, &shape)?, reshaped(&variance, &shape)?))
}

/// `scale[c] · (x − mean) / sqrt(variance + epsilon) + B[c]`, moments per image and channel.
pub fn instance(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let (mean, variance) = moments(x, 2)?;
    let epsilon = call.float("epsilon", 1e-5);
    let normal = (x - &mean) / variance.mapv(|variance| (variance + epsilon).sqrt());
    let channels: Vec<usize> = (0..x.ndim()).map(|axis| if axis == 1 { x.shape()[1] } else { 1 }).collect();
    let (scale, shift) = (reshaped(call.data(1)?, &channels)?, reshaped(call.data(2)?, &channels)?);
    call.one(normal * &scale + &shift)
}

/// Moments over all axes from `axis` (−1) on; Scale and B broadcast. Outputs Y, Mean, InvStdDev.
pub fn layer(call: &Call) -> Outputs {
    let x = call.input(0)?;
    let cut = axis(call.int("axis", -1), x.data.ndim())?;
    let (mean, variance) = moments(&x.data, cut)?;
    let epsilon = call.float("epsilon", 1e-5);
    let inverse = variance.mapv(|variance| 1.0 / (variance + epsilon).sqrt());
    let mut y = (&x.data - &mean) * &inverse;
    y = combine(&y, &broadcast(call.data(1)?, x.data.shape())?, |y, scale| y * scale)?;
    if let Some(shift) = call.optional(2) {
        y = combine(&y, &broadcast(&shift.data, x.data.shape())?, |y, shift| y + shift)?;
    }
    Ok([y, mean, inverse].map(|data| Value::new(data, x.kind)).into())
}
