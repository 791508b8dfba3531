//! What each operator makes of its inputs. <https://onnx.ai/onnx/operators>

use super::call::Call;
use super::{Axes, Fact, Length};
use super::{broadcast, declared, demand, join, layout, numbers, product, reduce, resize, slice, window};
use crate::onnx::element::DataType;
use bstr::ByteSlice;

/// Operators whose first output has the shape of their first input.
const KEEPS_SHAPE: [&str; 71] = [
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BatchNormalization",
    "Bernoulli",
    "BitwiseNot",
    "Cast",
    "CastLike",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Cosh",
    "CumSum",
    "DequantizeLinear",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "EyeLike",
    "Floor",
    "Gelu",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Hardmax",
    "Identity",
    "InstanceNormalization",
    "IsInf",
    "IsNaN",
    "LRN",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "LpNormalization",
    "MeanVarianceNormalization",
    "Mish",
    "Neg",
    "Not",
    "PRelu",
    "QuantizeLinear",
    "RMSNormalization",
    "RandomNormalLike",
    "RandomUniformLike",
    "Reciprocal",
    "Relu",
    "ReverseSequence",
    "Round",
    "Scatter",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Trilu",
];

/// Infers the outputs of a node.
pub(super) fn infer(call: &mut Call) {
    // In a function, an attribute can be one of the function's, which each call chooses.
    if call.proto.attribute.iter().any(|attribute| attribute.is_reference()) {
        return;
    }
    let op = call.graph.op(call.node).to_str().unwrap_or("");
    demand::of_inputs(call, op);
    let shapes = shapes(call, op);
    let numbers = numbers::of_first_output(call, op);
    for (slot, shape) in shapes.into_iter().enumerate() {
        let Some(value) = call.graph.output(call.node, slot) else { continue };
        let element = element(call, op, slot);
        call.facts.note(value, Fact { element, shape }, call.scope);
    }
    if let Some((value, numbers)) = call.graph.output(call.node, 0).zip(numbers) {
        numbers::note(call, value, numbers);
    }
}

/// Infers the shape of the first input from that of the output, where they are the same. Returns
/// whether that was news.
pub(super) fn infer_input(call: &mut Call) -> bool {
    let op = call.graph.op(call.node).to_str().unwrap_or("");
    let (input, output) = (call.input(0), call.graph.output(call.node, 0));
    let Some((input, output)) = input.zip(output).filter(|_| KEEPS_SHAPE.contains(&op)) else { return false };
    let shape = call.facts.axes(call.graph, output);
    if shape.is_none() || call.facts.axes(call.graph, input).is_some() {
        return false;
    }
    call.facts.note(input, Fact { element: None, shape }, call.scope);
    call.facts.axes(call.graph, input).is_some()
}

/// The shapes of the outputs; none for operators that are not known.
fn shapes(call: &mut Call, op: &str) -> Vec<Axes> {
    match op {
        "Split" => join::split(call),
        "Dropout" => vec![call.axes(0); 2],
        "MaxPool" => vec![window::pool(call); 2],
        _ => shape(call, op).into_iter().collect(),
    }
}

fn shape(call: &mut Call, op: &str) -> Option<Axes> {
    Some(match op {
        "Constant" => declared::constant(call.graph, call.node).shape,
        "Conv" | "ConvInteger" => window::conv(call, 1),
        "QLinearConv" => window::conv(call, 3),
        "ConvTranspose" => window::conv_transpose(call),
        "AveragePool" | "LpPool" => window::pool(call),
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => global_pool(call),
        "Gemm" => product::gemm(call),
        "MatMul" | "MatMulInteger" => product::matmul(call, 1),
        "QLinearMatMul" => product::matmul(call, 3),
        "Einsum" => product::einsum(call),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "BitShift" | "BitwiseAnd" | "BitwiseOr" | "BitwiseXor"
        | "And" | "Or" | "Xor" | "Equal" | "Less" | "Greater" | "LessOrEqual" | "GreaterOrEqual" => {
            broadcast::binary(call)
        }
        "Sum" | "Max" | "Min" | "Mean" | "Where" => broadcast::all(call),
        "Expand" => broadcast::expand(call),
        "Flatten" | "Reshape" | "Transpose" | "Squeeze" | "Unsqueeze" | "DepthToSpace" | "SpaceToDepth" | "Tile"
        | "Shape" | "Size" | "ConstantOfShape" => layout::shape(call, op),
        "Concat" => join::concat(call),
        "Gather" => join::gather(call),
        "Slice" => slice::shape(call),
        "Pad" => resize::pad(call),
        "Resize" | "Upsample" => resize::resize(call, op),
        "ArgMax" | "ArgMin" => reduce::arg(call),
        _ if op.starts_with("Reduce") => reduce::reduce(call, op),
        _ if KEEPS_SHAPE.contains(&op) => call.axes(0),
        _ => return None,
    })
}

fn global_pool(call: &mut Call) -> Axes {
    let axes = call.axes(0)?;
    Some(axes.iter().enumerate().map(|(axis, length)| if axis < 2 { *length } else { Length::Known(1) }).collect())
}

/// The element type of an output: mostly that of the first input.
fn element(call: &Call, op: &str, slot: usize) -> Option<DataType> {
    let input = |slot| call.facts.element(call.graph, call.input(slot)?);
    match (op, slot) {
        ("Shape" | "Size" | "ArgMax" | "ArgMin", _) | ("MaxPool", 1) => Some(DataType::Int64),
        ("IsInf" | "IsNaN" | "Equal" | "Less" | "Greater" | "LessOrEqual" | "GreaterOrEqual", _) => {
            Some(DataType::Bool)
        }
        ("Dropout", 1) => (call.opset() >= 10).then_some(DataType::Bool),
        ("Constant", _) => declared::constant(call.graph, call.node).element,
        // Version 1 names the type instead of giving its number.
        ("Cast", _) => named(call, "to"),
        ("CastLike" | "Where", _) => input(1),
        ("EyeLike" | "RandomNormalLike" | "RandomUniformLike" | "Bernoulli", _) if has(call, "dtype") => {
            named(call, "dtype")
        }
        ("QuantizeLinear" | "DequantizeLinear", _) if has(call, "output_dtype") => named(call, "output_dtype"),
        ("QuantizeLinear", _) if call.input(2).is_none() => Some(DataType::Uint8),
        ("QuantizeLinear", _) => input(2),
        ("DequantizeLinear", _) => input(1),
        ("ConstantOfShape", _) => match call.proto.attribute("value") {
            Some(value) => value.t.as_deref()?.element(),
            None => Some(DataType::Float),
        },
        ("ConvInteger" | "MatMulInteger", _) => Some(DataType::Int32),
        ("QLinearConv" | "QLinearMatMul", _) => input(7),
        _ => input(0),
    }
}

fn has(call: &Call, name: &str) -> bool {
    call.proto.int(name, 0) != 0
}

/// The type of which an attribute is the number.
fn named(call: &Call, name: &str) -> Option<DataType> {
    DataType::from_code(i32::try_from(call.proto.int(name, 0)).ok()?)
}
