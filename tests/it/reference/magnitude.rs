//! Evaluation without cancellation, for error bounds.
//!
//! A magnitude M is a polynomial in the magnitudes of constants and inputs without a negative
//! coefficient, and bounds the value. If a constant c errs by e, an output errs by no more than
//! `M(|c| + e) − M(|c|)`; and since M is convex, `(M(|c| + t·e) − M(|c|)) / t` for t ≥ 1 is a bound
//! as well, which cancels less.

use super::call::Outputs;
use super::value::Value;
use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::schema::{GraphProto, ModelProto, NodeProto, TensorProto};
use std::collections::BTreeSet;

/// Constants and inputs by their magnitude, no differences.
#[derive(Clone, Copy)]
pub struct Magnitude<'a> {
    /// Constants that are not rounded.
    pub exact: &'a Constants,
    /// How often an error of one rounding is added to the others.
    pub times: f64,
}

/// All constants of a model: name, type, shape, and the bits of the elements.
#[derive(Default)]
pub struct Constants(BTreeSet<(String, i32, Vec<usize>, Vec<u64>)>);

impl Constants {
    pub fn of(model: &ModelProto) -> Self {
        let mut constants = Constants::default();
        model.graph.iter().for_each(|graph| constants.add_graph(graph));
        model.functions.iter().for_each(|function| constants.add_nodes(&function.node));
        constants
    }

    /// Those of these names, and those that have many digits.
    pub fn retain(mut self, names: &BTreeSet<String>) -> Self {
        let is_short = |code: i32| [DataType::Float16, DataType::Bfloat16].iter().any(|short| short.code() == code);
        self.0.retain(|(name, code, ..)| names.contains(name) || !is_short(*code));
        self
    }

    fn add_graph(&mut self, graph: &GraphProto) {
        for tensor in &graph.initializer {
            self.add(&tensor.name.as_ref().map_or(String::new(), ToString::to_string), tensor);
        }
        self.add_nodes(&graph.node);
    }

    fn add_nodes(&mut self, nodes: &[NodeProto]) {
        for node in nodes {
            let tensors = node.attribute.iter().filter_map(|attribute| attribute.t.as_deref());
            let name = node.output.first().map_or(String::new(), ToString::to_string);
            tensors.for_each(|tensor| self.add(&name, tensor));
            node.subgraphs().for_each(|graph| self.add_graph(graph));
        }
    }

    fn add(&mut self, name: &str, tensor: &TensorProto) {
        // What cannot be read is reported where it is used.
        let _ = Value::from_tensor(tensor).map(|value| self.0.insert(key(name, &value)));
    }

    fn contains(&self, name: &str, value: &Value) -> bool {
        self.0.contains(&key(name, value))
    }
}

fn key(name: &str, value: &Value) -> (String, i32, Vec<usize>, Vec<u64>) {
    (name.to_owned(), value.kind.code(), value.data.shape().to_vec(), value.data.iter().map(|x| x.to_bits()).collect())
}

/// Operators that neither subtract nor curve, or whose implementation knows of magnitudes: an
/// error of their input comes out no larger than its magnitude does. Div is one of them if it
/// divides by a constant, and what takes maxima adds up instead: `|max aᵢ − max bᵢ| ≤ Σ |aᵢ − bᵢ|`.
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

impl Magnitude<'_> {
    pub fn of_input(self, value: &Value) -> Value {
        match value.kind.float() {
            Some(_) => Value::new(value.data.mapv(f64::abs), value.kind),
            None => value.clone(),
        }
    }

    /// One rounding errs by at most `u/(1−u) · (|c| + smallest normal)`.
    pub fn of_constant(self, name: &str, value: &Value) -> Value {
        let Some(element) = value.kind.float().filter(|_| !self.exact.contains(name, value)) else {
            return self.of_input(value);
        };
        let error = self.times * element.unit_roundoff() / (1.0 - element.unit_roundoff());
        let floor = smallest_normal(element);
        Value::new(value.data.mapv(|x| x.abs() + error * (x.abs() + floor)), value.kind)
    }

    pub fn of_outputs(self, node: &NodeProto, outputs: Vec<Value>) -> Outputs {
        let name = || node.output.first().map_or(String::new(), ToString::to_string);
        match node.standard_op().to_string().as_str() {
            "Constant" => Ok(outputs.iter().map(|value| self.of_constant(&name(), value)).collect()),
            "ConstantOfShape" => Ok(outputs.iter().map(|value| self.of_input(value)).collect()),
            operator if MONOTONE.contains(&operator) => Ok(outputs),
            _ => Err("it makes no sense to ask for its magnitude".into()),
        }
    }
}

fn smallest_normal(element: FloatType) -> f64 {
    f64::powi(
        2.0,
        match element {
            FloatType::F16 => -14,
            FloatType::Bf16 | FloatType::F32 => -126,
            FloatType::F64 => -1022,
        },
    )
}
