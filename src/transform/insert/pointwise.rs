//! Operators that compute each element of their output from the same element of their inputs.
//!
//! An activation is such a function that is not affine. Every elementwise non-linearity of the
//! standard counts (<https://onnx.ai/onnx/operators/>, opset 1 to 24), also those that networks use
//! for other things, such as Exp in front of a box regression: what matters is that the value is
//! read by nothing else. Not elementwise, and therefore none: Softmax, LogSoftmax, Hardmax, pooling,
//! normalisations.

use crate::graph::ValueId;
use crate::onnx::element::DataType;
use crate::operator::Operator;
use crate::passage::hands_on;

/// What an operator makes of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Something affine in it.
    Straight,
    /// Something else.
    Curved,
}

/// How a value of the region is used by a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A value of the region: what it is in the value that the region began with.
    Inside(Shape),
    /// One number, known before the model runs.
    Scalar,
    /// Something else.
    Other,
}

/// Functions of one number whose parameters, if any, are attributes.
const CURVES: [&str; 38] = [
    "Relu",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Celu",
    "ThresholdedRelu",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Softplus",
    "Softsign",
    "Gelu",
    "Swish",
    "Mish",
    "Erf",
    "Shrink",
    "Abs",
    "Sign",
    "Exp",
    "Log",
    "Sqrt",
    "Reciprocal",
    "Floor",
    "Ceil",
    "Round",
    "Sin",
    "Cos",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Not",
];

/// Functions of the first input whose parameters are the others: they may be anything.
const CURVES_WITH_PARAMETERS: [&str; 2] = ["Clip", "PRelu"];

/// Functions of several numbers that are affine in none.
const COMPARISONS: [&str; 10] =
    ["Max", "Min", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "And", "Or", "Where"];

/// What a node makes of the operands that are inside, of which there is at least one; `None` if it
/// is not pointwise in them, or reads anything else that is not one number.
pub fn shape(op: &Operator, operand: impl Fn(ValueId) -> Operand) -> Option<Shape> {
    let operands: Vec<Operand> = (0..op.inputs()).filter_map(|slot| op.input(slot)).map(operand).collect();
    let inside = |operand: &Operand| matches!(operand, Operand::Inside(_));
    let first_only = operands.first().is_some_and(inside) && !operands.iter().skip(1).any(inside);
    let name = op.name();
    if CURVES_WITH_PARAMETERS.contains(&name) {
        return first_only.then_some(Shape::Curved);
    }
    if hands_on(op) || name == "Neg" || name == "Cast" && casts_to_float(op) {
        return if first_only { straight(&operands) } else { None };
    }
    if operands.contains(&Operand::Other) {
        return None;
    }
    match name {
        "Add" | "Sub" | "Sum" => straight(&operands),
        "Mul" if operands.iter().filter(|operand| inside(operand)).count() == 1 => straight(&operands),
        "Div" if first_only => straight(&operands),
        "Mul" | "Div" | "Pow" => Some(Shape::Curved),
        _ if CURVES.contains(&name) && first_only => Some(Shape::Curved),
        _ if COMPARISONS.contains(&name) => Some(Shape::Curved),
        _ => None,
    }
}

/// An affine function of the operands: curved if one of them is.
fn straight(operands: &[Operand]) -> Option<Shape> {
    let curved = operands.contains(&Operand::Inside(Shape::Curved));
    Some(if curved { Shape::Curved } else { Shape::Straight })
}

fn casts_to_float(op: &Operator) -> bool {
    let to = i32::try_from(op.int("to", 0)).ok().and_then(DataType::from_code);
    to.is_some_and(|to| to.float().is_some())
}
