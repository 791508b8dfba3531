//! Activations.

use super::bounded::{self, SELU};
use super::call::{Call, Outputs};
use super::erf::erf;
use super::value::{Result, Value};

/// Functions of one number whose slope is bounded.
pub fn activation(call: &Call) -> Outputs {
    if call.magnitude.is_some() {
        return bounded::pointwise(call);
    }
    let f = function(call)?;
    call.one(call.data(0)?.mapv(f))
}

/// HardSigmoid-6 has alpha 0.2 and beta 0.5 by default; HardSwish-14 is `x · HardSigmoid(x)`
/// with alpha 1/6, beta 0.5.
fn function(call: &Call) -> Result<Box<dyn Fn(f64) -> f64>> {
    let (alpha, beta) = (|default: f32| call.float("alpha", default), call.float("beta", 0.5));
    Ok(match call.op().as_str() {
        // Not `max`, which loses NaN.
        "Relu" => Box::new(|x| if x < 0.0 { 0.0 } else { x }),
        "LeakyRelu" => negative(alpha(0.01), |x| x),
        "Elu" => negative(alpha(1.0), f64::exp_m1),
        "Selu" => {
            let (gamma, inner) = (call.float("gamma", SELU[1]), negative(alpha(SELU[0]), f64::exp_m1));
            Box::new(move |x| gamma * inner(x))
        }
        "Sigmoid" => Box::new(|x| 1.0 / (1.0 + (-x).exp())),
        "Tanh" => Box::new(f64::tanh),
        "Softplus" => Box::new(|x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        "Softsign" => Box::new(|x| x / (1.0 + x.abs())),
        "HardSigmoid" => {
            let alpha = alpha(0.2);
            Box::new(move |x| (alpha * x + beta).clamp(0.0, 1.0))
        }
        "HardSwish" => Box::new(|x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        "Erf" => Box::new(erf),
        "Celu" => {
            let alpha = alpha(1.0);
            Box::new(move |x| x.max(0.0) + (alpha * (x / alpha).exp_m1()).min(0.0))
        }
        "ThresholdedRelu" => {
            let alpha = alpha(1.0);
            Box::new(move |x| if x > alpha { x } else { 0.0 })
        }
        "Gelu" if call.string("approximate", "none") == "tanh" => {
            let root = std::f64::consts::FRAC_2_PI.sqrt();
            Box::new(move |x| 0.5 * x * (1.0 + (root * (x + 0.044715 * x.powi(3))).tanh()))
        }
        "Gelu" => Box::new(|x| 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))),
        "Swish" => {
            let alpha = alpha(1.0);
            Box::new(move |x| x / (1.0 + (-alpha * x).exp()))
        }
        "Mish" => Box::new(|x| x * (x.max(0.0) + (-x.abs()).exp().ln_1p()).tanh()),
        "Shrink" => {
            let (bias, lambda) = (call.float("bias", 0.0), call.float("lambd", 0.5));
            Box::new(move |x| {
                if x < -lambda {
                    x + bias
                } else if x > lambda {
                    x - bias
                } else {
                    0.0
                }
            })
        }
        "Sin" => Box::new(f64::sin),
        "Abs" => Box::new(f64::abs),
        other => return Err(format!("{other} is not implemented")),
    })
}

/// Another function below zero, times alpha.
fn negative(alpha: f64, f: fn(f64) -> f64) -> Box<dyn Fn(f64) -> f64> {
    Box::new(move |x| if x < 0.0 { alpha * f(x) } else { x })
}

/// Clip: bounds are attributes before opset 11, and inputs from then on. Its magnitude is that of
/// the input, and what zero becomes.
pub fn clip(call: &Call) -> Outputs {
    let bound = |index: usize, name: &str, default: f32| match call.opset {
        ..11 => Ok(call.float(name, default)),
        _ => call.optional(index).map_or(Ok(f64::from(default)), Value::single),
    };
    let (low, high) = (bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?);
    if call.magnitude.is_some() {
        let finite = |bound: f64| if bound.is_finite() { bound.abs() } else { 0.0 };
        return call.one(call.data(0)?.mapv(|m| m + finite(low) + finite(high)));
    }
    // All becomes max when the bounds cross (Clip-13).
    let clip = |x: f64| {
        if x > high || low > high {
            high
        } else if x < low {
            low
        } else {
            x
        }
    };
    call.one(call.data(0)?.mapv(clip))
}
