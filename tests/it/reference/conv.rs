//! Conv-1, 11, 22.

use super::call::{Call, Outputs};
use super::value::{Result, Tensor, bounded};
use super::window::Window;
use ndarray::{ArrayD, Dimension, IxDyn, indices};

/// `Y[n, c, o] = B[c] + Σ X[n, g·I + j, source(o, t)] · W[c, j, t]` with
/// X `[N, C_in, d…]`, W `[C_out, C_in/group = I, k…]`, B `[C_out]`.
pub fn conv(call: &Call) -> Outputs {
    let (x, w) = (call.data(0)?, call.data(1)?);
    let group = check(call, x, w)?;
    let bias = bias(call, w.shape()[0])?;
    let window = Window::new(call, &x.shape()[2..], &w.shape()[2..])?;
    let (rows, columns) = (w.shape()[0] / group, w.shape()[1]);
    let shape = [&[x.shape()[0], w.shape()[0]], &window.output[..]].concat();
    let y = ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| {
        let (n, c, output) = (at[0], at[1], &at.slice()[2..]);
        let mut sum = bias[c];
        for tap in indices(IxDyn(&window.kernel)) {
            let Some(source) = window.source(output, tap.slice()) else { continue };
            for j in 0..columns {
                let from = [&[n, c / rows * columns + j], &source[..]].concat();
                sum += x[&from[..]] * w[&[&[c, j], tap.slice()].concat()[..]];
            }
        }
        sum
    });
    call.one(y)
}

/// The number of groups, if the shapes agree with it.
fn check(call: &Call, x: &Tensor, w: &Tensor) -> Result<usize> {
    let group = call.int("group", 1).max(1) as usize;
    let agree = x.ndim() >= 3
        && x.ndim() == w.ndim()
        && x.shape()[1] == w.shape()[1] * group
        && w.shape()[0].is_multiple_of(group);
    let kernel: Vec<i64> = w.shape().iter().skip(2).map(|length| *length as i64).collect();
    let kernel_agrees = call.ints("kernel_shape").is_none_or(|given| given == kernel);
    match agree && kernel_agrees {
        true => Ok(group),
        false => Err(format!("X {:?} and W {:?} do not agree (group {group})", x.shape(), w.shape())),
    }
}

/// The bias, or zeros.
pub fn bias(call: &Call, channels: usize) -> Result<Vec<f64>> {
    let Some(bias) = call.optional(2) else { return Ok(vec![0.0; channels]) };
    match bias.data.shape() == [channels] {
        true => Ok(bias.data.iter().copied().collect()),
        false => Err(format!("a bias of shape {:?} for {channels} channels", bias.data.shape())),
    }
}
