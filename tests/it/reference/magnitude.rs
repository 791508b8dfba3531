//! Evaluation without cancellation, for error bounds.

use super::call::Outputs;
use super::value::{Tensor, Value};

/// Constants and inputs by their magnitude, no differences.
#[derive(Clone, Copy)]
pub struct Magnitude {
    /// Added to every floating-point constant.
    pub floor: f64,
}

/// Operators that neither subtract nor curve, or whose implementation knows of magnitudes: an
/// error of their input comes out no larger than its magnitude does. Div is one of them if it
/// divides by a constant, and so is what takes maxima: `|max aᵢ − max bᵢ| ≤ max |aᵢ − bᵢ|`.
const MONOTONE: [&str; 66] = [
    "Abs",
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "ConvTranspose",
    "DepthToSpace",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "Einsum",
    "Elu",
    "Erf",
    "Expand",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "MatMul",
    "Max",
    "MaxPool",
    "Mean",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "RMSNormalization",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Selu",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Sub",
    "Sum",
    "Tanh",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Upsample",
    "Where",
];

impl Magnitude {
    pub fn of_input(self, value: &Value) -> Value {
        match value.kind.float() {
            Some(_) => Value::new(value.data.mapv(f64::abs), value.kind),
            None => value.clone(),
        }
    }

    pub fn of_constant(self, value: &Value) -> Value {
        match value.kind.float() {
            Some(_) => Value::new(value.data.mapv(|x| x.abs() + self.floor), value.kind),
            None => value.clone(),
        }
    }

    pub fn of_outputs(self, operator: &str, outputs: Vec<Value>) -> Outputs {
        match operator {
            "Constant" | "ConstantOfShape" => Ok(outputs.iter().map(|value| self.of_constant(value)).collect()),
            _ if MONOTONE.contains(&operator) => Ok(outputs),
            _ => Err("it makes no sense to ask for its magnitude".into()),
        }
    }

    /// A constant that divides must not have grown.
    pub fn without_floor(self, constant: &Tensor) -> Tensor {
        constant.mapv(|x| x - self.floor)
    }
}
