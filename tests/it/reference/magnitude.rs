//! Evaluation without cancellation, for error bounds.

use super::call::Outputs;
use super::value::{Tensor, Value};

/// Constants and inputs by their magnitude, no differences.
#[derive(Clone, Copy)]
pub struct Magnitude {
    /// Added to every floating-point constant.
    pub floor: f64,
}

/// Operators that neither subtract nor curve (or whose implementation knows of magnitudes):
/// an error of their input comes out no larger than its magnitude does.
const MONOTONE: [&str; 26] = [
    "Add",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Concat",
    "Constant",
    "Conv",
    "ConvTranspose",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Gemm",
    "Identity",
    "MatMul",
    "Mul",
    "Neg",
    "Relu",
    "Reshape",
    "Shape",
    "Slice",
    "Squeeze",
    "Sub",
    "Sum",
    "Transpose",
    "Unsqueeze",
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
