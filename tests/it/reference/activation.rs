//! Activations.

use super::call::{Call, Outputs};
use super::value::Value;

/// Relu, LeakyRelu (alpha 0.01), Sigmoid, Tanh, HardSigmoid-6 (alpha 0.2, beta 0.5) and
/// HardSwish-14 (`x · HardSigmoid(x)` with alpha 1/6, beta 0.5).
pub fn activation(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let beta = call.float("beta", 0.5);
    let y = match call.op().as_str() {
        // Not `max`, which loses NaN.
        "Relu" => x.mapv(|x| if x < 0.0 { 0.0 } else { x }),
        "LeakyRelu" => {
            let alpha = call.float("alpha", 0.01);
            x.mapv(|x| if x < 0.0 { alpha * x } else { x })
        }
        "Sigmoid" => x.mapv(|x| 1.0 / (1.0 + (-x).exp())),
        "Tanh" => x.mapv(f64::tanh),
        "HardSigmoid" => {
            let alpha = call.float("alpha", 0.2);
            x.mapv(|x| (alpha * x + beta).clamp(0.0, 1.0))
        }
        _ => x.mapv(|x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
    };
    call.one(y)
}

/// Clip: bounds are attributes before opset 11, and inputs from then on.
pub fn clip(call: &Call) -> Outputs {
    let bound = |index: usize, name: &str, default: f32| match call.opset {
        ..11 => Ok(call.float(name, default)),
        _ => call.optional(index).map_or(Ok(f64::from(default)), Value::single),
    };
    let (low, high) = (bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?);
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
