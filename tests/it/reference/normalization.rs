//! InstanceNormalization-1, 6, 22, LayerNormalization-17, GroupNormalization-18, 21 and
//! RMSNormalization-23.

use super::binary::broadcast;
use super::bounded;
use super::call::{Call, Outputs, axis};
use super::shape::reshaped;
use super::value::{Result, Tensor, Value};
use ndarray::{ArrayD, Axis, IxDyn};

/// Rows of x − mean, the mean of each, and one over its standard deviation.
struct Normal {
    y: Tensor,
    mean: Tensor,
    inverse: Tensor,
}

/// `(x − mean) / sqrt(variance + epsilon)` for each of `outer` rows, in the shape of x. The
/// variance is that of the population; `centre` says whether the mean is taken off.
fn normalize(call: &Call, x: &Tensor, outer: usize, centre: bool) -> Result<Normal> {
    let epsilon = call.float("epsilon", 1e-5);
    let rows = reshaped(x, &[outer, x.len().checked_div(outer).ok_or("nothing to normalise")?])?;
    let average = |rows: &Tensor| rows.mean_axis(Axis(1)).ok_or("nothing to average");
    let mean = average(&rows)?.insert_axis(Axis(1)) * if centre { 1.0 } else { 0.0 };
    let centred = &rows - &mean;
    let variance = average(&(&centred * &centred))?.insert_axis(Axis(1));
    let inverse = variance.mapv(|variance| 1.0 / (variance + epsilon).sqrt());
    let y = if call.magnitude.is_some() { bounded::normalized(&rows, epsilon)? } else { centred * &inverse };
    Ok(Normal { y: reshaped(&y, x.shape())?, mean, inverse })
}

/// One number per channel (axis 1), in a shape that broadcasts.
fn per_channel(parameter: &Tensor, x: &Tensor) -> Result<Tensor> {
    let shape: Vec<usize> = (0..x.ndim()).map(|axis| if axis == 1 { x.shape()[1] } else { 1 }).collect();
    reshaped(parameter, &shape)
}

/// `scale[c] · x̂ + B[c]`, moments per image and channel.
pub fn instance(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let y = normalize(call, x, x.shape()[..2].iter().product(), true)?.y;
    call.one(y * &per_channel(call.data(1)?, x)? + &per_channel(call.data(2)?, x)?)
}

/// Moments per image and group of channels. Scale and bias are one per group before opset 21,
/// and one per channel from then on.
pub fn group(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let groups = call.int("num_groups", 1) as usize;
    let y = normalize(call, x, x.shape()[0] * groups, true)?.y;
    let repeat = x.shape()[1] / groups;
    let parameter = |index: usize| -> Result<Tensor> {
        let given = call.data(index)?;
        let times = if call.opset < 21 { repeat } else { 1 };
        let numbers: Vec<f64> = given.iter().flat_map(|x| vec![*x; times]).collect();
        let numbers = ArrayD::from_shape_vec(IxDyn(&[numbers.len()]), numbers).map_err(|error| error.to_string())?;
        per_channel(&numbers, x)
    };
    call.one(y * &parameter(1)? + &parameter(2)?)
}

/// Moments over all axes from `axis` (−1) on; Scale and B broadcast. Outputs Y, Mean, InvStdDev.
pub fn layer(call: &Call) -> Outputs {
    let x = call.input(0)?;
    let (normal, statistics) = from_axis(call, &x.data, true)?;
    let mut y = normal.y * &broadcast(call.data(1)?, x.data.shape())?;
    if let Some(shift) = call.optional(2) {
        y += &broadcast(&shift.data, x.data.shape())?;
    }
    let (mean, inverse) = (reshaped(&normal.mean, &statistics)?, reshaped(&normal.inverse, &statistics)?);
    Ok([y, mean, inverse].map(|data| Value::new(data, x.kind)).into())
}

/// `scale · x / sqrt(mean x² + epsilon)` over all axes from `axis` (−1) on.
pub fn root_mean_square(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let (normal, _) = from_axis(call, x, false)?;
    call.one(normal.y * &broadcast(call.data(1)?, x.shape())?)
}

/// Over all axes from `axis` on, and the shape of the statistics.
fn from_axis(call: &Call, x: &Tensor, centre: bool) -> Result<(Normal, Vec<usize>)> {
    let cut = axis(call.int("axis", -1), x.ndim())?;
    let statistics = (0..x.ndim()).map(|axis| if axis < cut { x.shape()[axis] } else { 1 }).collect();
    Ok((normalize(call, x, x.shape()[..cut].iter().product(), centre)?, statistics))
}
