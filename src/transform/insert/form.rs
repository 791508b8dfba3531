//! How each version of the operator is written.
//!
//! | opset | inference | training | types |
//! |---|---|---|---|
//! | 1 | `is_test = 1`, `consumed_inputs` | `is_test = 0`, five outputs | f16, f32, f64 |
//! | 6 | `is_test = 1` | `is_test = 0`, five outputs | f16, f32, f64 |
//! | 7, 9 | one output | five outputs | f16, f32, f64 |
//! | 14 | | `training_mode = 1`, three outputs | bf16 too |
//! | 15 on | | `training_mode = 1`, three outputs | bf16 too; parameters of types of their own |
//!
//! <https://onnx.ai/onnx/operators/onnx__BatchNormalization.html>

use super::options::{InitialValues, InsertOptions};
use crate::onnx::element::FloatType;
use crate::onnx::schema::AttributeProto;

/// Whether the operator takes values of this type.
pub fn takes(element: FloatType, opset: i64) -> bool {
    element != FloatType::Bf16 || opset >= 14
}

/// The type of the parameters of a layer of this type. Statistics that were measured do not fit
/// into 16 bits well; where the operator takes others beside them, they are f32.
pub fn parameters(element: FloatType, opset: i64, values: &InitialValues) -> FloatType {
    let is_short = matches!(element, FloatType::F16 | FloatType::Bf16);
    let is_measured = !matches!(values, InitialValues::Identity);
    if is_short && is_measured && opset >= 15 { FloatType::F32 } else { element }
}

/// The attributes of a node.
pub fn attributes(opset: i64, options: &InsertOptions) -> Vec<AttributeProto> {
    let mut attributes =
        vec![AttributeProto::float("epsilon", options.epsilon), AttributeProto::float("momentum", options.momentum)];
    match opset {
        ..7 => {
            attributes.push(AttributeProto::int("is_test", (!options.training).into()));
            if opset < 6 {
                attributes.push(AttributeProto::ints("consumed_inputs", vec![0; 5]));
            }
        }
        7..14 => {}
        _ if options.training => attributes.push(AttributeProto::int("training_mode", 1)),
        _ => {}
    }
    attributes
}

/// What the outputs of a node in training mode are, after the first.
pub fn statistics(opset: i64) -> &'static [&'static str] {
    match opset {
        ..14 => &["running_mean", "running_var", "saved_mean", "saved_var"],
        _ => &["running_mean", "running_var"],
    }
}
