//! Running a model in a wider floating-point type than its own.
//!
//! Every constant, type and Cast whose type is narrower is widened; weights keep their values
//! exactly. In f64 this gives what the model means, rid of the rounding of its arithmetic; in
//! f32 it runs bf16, which tract does not have, and f16, which tract accumulates in f16.

use crate::onnx::access::text;
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bytes::Bytes;

/// The type that an element type becomes when everything narrower than `floor` is widened.
pub fn widened(element: DataType, floor: Option<FloatType>) -> DataType {
    match (element.float(), floor) {
        (Some(float), Some(floor)) if float.size() < floor.size() => floor.data_type(),
        _ => element,
    }
}

/// As [`widened`], of a code of the schema.
pub fn widened_code(code: i32, floor: Option<FloatType>) -> i32 {
    DataType::from_code(code).map_or(code, |element| widened(element, floor).code())
}

/// Little-endian elements in the type that theirs becomes.
pub fn widened_bytes(element: DataType, bytes: Bytes, floor: Option<FloatType>) -> Bytes {
    match (element.float(), widened(element, floor).float()) {
        (Some(from), Some(to)) if from != to => to.encode(&from.decode(&bytes)).into(),
        _ => bytes,
    }
}

/// Attributes that name an element type.
pub fn is_type_attribute(node: &NodeProto, attribute: &str) -> bool {
    matches!(
        (&**node.standard_op(), attribute),
        (b"Cast", "to")
            | (b"EyeLike" | b"RandomNormal" | b"RandomNormalLike" | b"RandomUniform" | b"RandomUniformLike", "dtype")
            | (b"HannWindow" | b"HammingWindow" | b"BlackmanWindow" | b"MelWeightMatrix", "output_datatype")
    )
}

/// The inputs that the operator takes as f32 whatever it works on.
pub fn stays_f32(node: &NodeProto) -> &'static [usize] {
    match (&**node.standard_op(), node.input.len()) {
        // Opset 10: x, scales. From opset 11: x, roi, scales, sizes.
        (b"Resize", 2) => &[1],
        (b"Resize", _) => &[2],
        _ => &[],
    }
}

/// The floating-point type with the fewest digits among the weights and the inputs and outputs
/// of a model: what its results can be expected to agree to. `None` if it has no floats.
pub fn lowest_float(model: &ModelProto) -> Option<FloatType> {
    let mut all = Vec::new();
    model.graph.iter().for_each(|graph| collect(graph, &mut all));
    all.into_iter().max_by(|a, b| a.unit_roundoff().total_cmp(&b.unit_roundoff()))
}

fn collect(graph: &GraphProto, all: &mut Vec<FloatType>) {
    let values = graph.input.iter().chain(&graph.output).filter_map(|value| value.tensor_type()?.element());
    let initializers = graph.initializer.iter().filter_map(|tensor| tensor.element());
    all.extend(values.chain(initializers).filter_map(DataType::float));
    for node in &graph.node {
        let constants = node.attribute.iter().filter(|attribute| text(&attribute.name) == "value");
        all.extend(constants.filter_map(|attribute| attribute.t.as_ref()?.element()?.float()));
        for subgraph in node.subgraphs() {
            collect(subgraph, all);
        }
    }
}

/// The elements of a list of f32 that an attribute holds, in the type that f32 becomes.
pub fn widened_floats(values: &[f32], floor: Option<FloatType>) -> Vec<u8> {
    let to = widened(DataType::Float, floor).float().unwrap_or(FloatType::F32);
    let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
    to.encode(&values)
}
