//! A reference evaluator: what an ONNX model means, in f64, written straight from the
//! operator specifications (<https://onnx.ai/onnx/operators/>) and independent of the code
//! under test and of every runtime. Clarity over speed.
//!
//! * All values are arrays of f64, whatever their type. Integers beyond 2⁵³ lose digits.
//! * Results are **not** rounded to the element type: f16 models are computed as exactly as
//!   f32 ones, and `Cast` to a floating-point type changes the type and nothing else. What an
//!   operator does with integers follows the type (`Cast` truncates, `Div` truncates).
//! * What is random (Dropout in training), or not implemented, is an error that names it.

mod activation;
mod batch_norm;
mod binary;
mod bounded;
mod call;
mod cast;
mod compare;
mod constant;
mod control_flow;
mod conv;
mod conv_transpose;
mod depth;
mod dropout;
mod einsum;
mod erf;
mod function;
mod gather;
mod graph;
mod interpolation;
mod join;
mod machine;
mod magnitude;
mod matmul;
mod normalization;
mod operators;
mod pad;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod scan;
mod shape;
mod slice;
mod softmax;
mod tests;
mod tile;
mod unary;
mod value;
mod variadic;
mod window;

pub use machine::NormInputs;
pub use magnitude::Constants;
pub use value::Value;

use bn_tool::onnx::schema::ModelProto;
use machine::Machine;
use magnitude::Magnitude;
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Evaluates a model. An input that is missing takes the initializer of the same name.
///
/// # Errors
/// When an input is missing or unknown, the model contradicts the specification, or an
/// operator is not implemented.
pub fn evaluate(
    model: &ModelProto,
    inputs: &BTreeMap<String, ArrayD<f64>>,
) -> Result<BTreeMap<String, ArrayD<f64>>, String> {
    Machine::new(model, None).run(inputs)
}

/// As [`evaluate`], but σ² + ε of a BatchNormalization is rounded to the type of σ², as runtimes do
/// it; all else is as exact as before.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_as_runtimes(
    model: &ModelProto,
    inputs: &BTreeMap<String, ArrayD<f64>>,
) -> Result<BTreeMap<String, ArrayD<f64>>, String> {
    let mut machine = Machine::new(model, None);
    machine.rounds_spread = true;
    machine.run(inputs)
}

/// What a model would compute if nothing cancelled: `Σ |w|·|x| + |b|` for every output of linear
/// operators. To constants that are not among the `exact` ones, `times` the error of one
/// rounding is added.
///
/// # Errors
/// As [`evaluate`], and for operators where this makes no sense.
pub fn magnitude(
    model: &ModelProto,
    inputs: &BTreeMap<String, ArrayD<f64>>,
    exact: &Constants,
    times: f64,
) -> Result<BTreeMap<String, ArrayD<f64>>, String> {
    Machine::new(model, Some(Magnitude { exact, times })).run(inputs)
}

/// What comes into each BatchNormalization: x, scale, bias, mean and variance, each time one is evaluated,
/// in branches and bodies as well; or, with constants that are exact, the magnitudes of all that.
///
/// # Errors
/// As [`evaluate`] and [`magnitude`].
pub fn norm_inputs(
    model: &ModelProto,
    inputs: &BTreeMap<String, ArrayD<f64>>,
    exact: Option<&Constants>,
) -> Result<NormInputs, String> {
    let machine = Machine::new(model, exact.map(|exact| Magnitude { exact, times: 0.0 }));
    machine.run(inputs)?;
    Ok(machine.norm_inputs.into_inner())
}
