//! Functions that curve, where magnitudes are evaluated: `|f(x)| ≤ |f(0)| + L·|x|`, and an
//! error of x comes out no larger than L times.

use super::call::{Call, Outputs};
use super::value::{Result, Tensor};
use ndarray::Axis;

/// `|f(0)| + L·m` for a function of one number.
pub fn pointwise(call: &Call) -> Outputs {
    let (zero, slope) = bounds(call)?;
    call.one(call.data(0)?.mapv(|m| zero + slope * m))
}

/// `|f(0)|`, and the largest slope.
fn bounds(call: &Call) -> Result<(f64, f64)> {
    Ok(match call.op().as_str() {
        "Relu" | "Tanh" | "Softsign" | "Abs" => (0.0, 1.0),
        "LeakyRelu" => (0.0, call.float("alpha", 0.01).abs().max(1.0)),
        "Elu" => (0.0, call.float("alpha", 1.0).abs().max(1.0)),
        "Selu" => (0.0, call.float("gamma", SELU[1]).abs() * call.float("alpha", SELU[0]).abs().max(1.0)),
        "Sigmoid" => (0.5, 0.25),
        "Softplus" => (2f64.ln(), 1.0),
        "HardSigmoid" => (call.float("beta", 0.5).clamp(0.0, 1.0), call.float("alpha", 0.2).abs()),
        "HardSwish" => (0.0, 1.5),
        "Erf" => (0.0, 1.13),
        other => return Err(format!("the slope of {other} is not bounded")),
    })
}

/// The defaults of Selu, alpha and gamma.
pub const SELU: [f32; 2] = [1.673_263_2, 1.050_701];

/// Softmax is no larger than 1, and `|∂yᵢ/∂xⱼ| ≤ ¼`.
pub fn softmax(x: &Tensor) -> Tensor {
    let sum = x.sum();
    x.mapv(|_| 1.0 + 0.25 * sum)
}

/// Of `x̂ = (x − mean) / sqrt(variance + ε)` over n numbers (`x` has one row for each group):
/// `|x̂| ≤ √n`, and an error d moves it by no more than `(d + mean d + √n · rms d) / √ε`, where
/// `√n · rms d ≤ Σ d`.
pub fn normalized(x: &Tensor, epsilon: f64) -> Result<Tensor> {
    let root = (x.len_of(Axis(1)) as f64).sqrt();
    let mean = x.mean_axis(Axis(1)).ok_or("nothing to average")?.insert_axis(Axis(1));
    let sum = x.sum_axis(Axis(1)).insert_axis(Axis(1));
    Ok((x + &mean + &sum) / epsilon.sqrt() + root)
}
