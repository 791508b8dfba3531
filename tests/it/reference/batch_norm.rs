//! BatchNormalization-1, 6, 7, 9, 14, 15.

use super::binary::broadcast;
use super::call::{Call, Outputs};
use super::shape::reshaped;
use super::value::{Result, Tensor, Value};
use ndarray::{ArrayD, Axis, IxDyn, Zip};

/// `Y = scale · (X − mean) / sqrt(var + epsilon) + B`, per channel (axis 1), or per activation
/// with `spatial=0` (opset < 9). Inference takes mean and var from the inputs, training from
/// the batch, and also returns the running and (opset < 14) the saved ones.
pub fn batch_norm(call: &Call) -> Outputs {
    let x = call.input(0)?;
    let spatial = call.opset >= 9 || call.int("spatial", 1) != 0;
    let parameters: Vec<&Tensor> = (1..5).map(|index| call.data(index)).collect::<Result<_>>()?;
    if call.magnitude.is_some() && trains(call) {
        return Err("it makes no sense to ask for its magnitude in training".into());
    }
    if call.magnitude.is_some() {
        // |scale| · (|X| + |mean|) / sqrt(var + epsilon) + |B|
        let (mean, variance) = (parameters[2].mapv(|mean| -mean), parameters[3]);
        return call.one(normalize(call, &x.data, parameters[0], parameters[1], &mean, variance)?);
    }
    if !trains(call) {
        let y = normalize(call, &x.data, parameters[0], parameters[1], parameters[2], parameters[3])?;
        return call.one(y);
    }
    let (mean, variance) = batch_moments(&x.data, spatial)?;
    let shape = parameters[2].shape();
    let (mean, variance) = (reshaped(&mean, shape)?, reshaped(&variance, shape)?);
    let y = normalize(call, &x.data, parameters[0], parameters[1], &mean, &variance)?;
    let momentum = call.float("momentum", 0.9);
    let running = |old: &Tensor, new: &Tensor| old * momentum + new * (1.0 - momentum);
    let outputs = [running(parameters[2], &mean), running(parameters[3], &variance), mean, variance];
    Ok([y].into_iter().chain(outputs).map(|data| Value::new(data, x.kind)).collect())
}

/// Opset 1 and 6: unless `is_test`. 7 and 9: when more than Y is asked for. 14 and 15:
/// `training_mode`.
fn trains(call: &Call) -> bool {
    match call.opset {
        ..7 => !call.flag("is_test"),
        7..14 => call.named_outputs() > 1,
        _ => call.flag("training_mode"),
    }
}

fn normalize(
    call: &Call,
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
) -> Result<Tensor> {
    let epsilon = call.float("epsilon", 1e-5);
    let spread = |parameter: &Tensor| spread(call, parameter, x);
    let kind = call.input(4)?.kind.float().filter(|_| call.rounds_spread);
    let sum = |variance: f64| kind.map_or(variance + epsilon, |kind| kind.round(variance + kind.round(epsilon)));
    let deviation = spread(&variance.mapv(|variance| sum(variance).sqrt()))?;
    let mut y = x - &spread(mean)?;
    Zip::from(&mut y).and(&deviation).for_each(|y, deviation| *y /= deviation);
    Ok(y * spread(scale)? + spread(shift)?)
}

/// A parameter in the shape of X: `[C]` along axis 1 (a rank-1 X has one channel), or, with
/// `spatial=0`, `[C, d…]` for every image.
fn spread(call: &Call, parameter: &Tensor, x: &Tensor) -> Result<Tensor> {
    if call.opset < 9 && call.int("spatial", 1) == 0 {
        return broadcast(parameter, x.shape()).and_then(|y| match parameter.shape() == &x.shape()[1..] {
            true => Ok(y),
            false => Err(format!("a parameter of shape {:?} for {:?}", parameter.shape(), x.shape())),
        });
    }
    let channels = x.shape().get(1).copied().unwrap_or(1);
    if parameter.shape() != [channels] {
        return Err(format!("a parameter of shape {:?} for {channels} channels", parameter.shape()));
    }
    let shape: Vec<usize> = (0..x.ndim()).map(|axis| if axis == 1 { channels } else { 1 }).collect();
    broadcast(&reshaped(parameter, &shape)?, x.shape())
}

/// Mean and population variance of the batch: `[C]`, or `[C, d…]` per activation.
fn batch_moments(x: &Tensor, spatial: bool) -> Result<(Tensor, Tensor)> {
    if !spatial {
        let mean = x.mean_axis(Axis(0)).ok_or("an empty batch")?;
        return Ok((mean, x.var_axis(Axis(0), 0.0)));
    }
    let channels = x.shape().get(1).copied().unwrap_or(1);
    let channel = |c: usize| -> Vec<f64> {
        if x.ndim() < 2 { x.iter().copied().collect() } else { x.index_axis(Axis(1), c).iter().copied().collect() }
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means: Vec<f64> = (0..channels).map(|c| mean(&channel(c))).collect();
    let spread = |c: usize| channel(c).iter().map(|x| (x - means[c]).powi(2)).collect::<Vec<_>>();
    let variances: Vec<f64> = (0..channels).map(|c| mean(&spread(c))).collect();
    let array = |numbers: Vec<f64>| ArrayD::from_shape_vec(IxDyn(&[channels]), numbers).expect("one per channel");
    Ok((array(means.clone()), array(variances)))
}
