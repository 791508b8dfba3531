//! The operators that absorb a map: after them, `s ⊙ L(x) + t`, or before them, `L(s ⊙ x + t)`.
//!
//! An operator says only which axes of its weight are axes of its output and of its input, and where
//! its bias is; the algebra ([`weight`], [`bias`]) is written once:
//!
//! ```text
//! s ⊙ (W·x + g·b) + t  =  (s ⊙ W)·x + (s·g·b + t)
//! W·(s ⊙ x + t) + g·b  =  (W ⊙ s)·x + (g·b + W·t)
//! ```

pub mod bias;
mod conv;
mod conv_transpose;
mod einsum;
mod gemm;
mod matmul;
mod normalization;
pub mod quantized;
pub mod weight;

use crate::graph::{NodeId, ValueId};
use crate::onnx::element::FloatType;
use crate::onnx::schema::AttributeProto;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal, per_call};
use bias::{Bias, Layout};
use quantized::Quantized;
use weight::Weight;

/// A linear operator with a constant weight, or a normalisation with a constant gain, and what a map
/// has to change in it.
#[derive(Clone, Debug)]
pub struct Linear {
    /// How the operator is called in reports.
    pub operator: &'static str,
    /// The node.
    pub node: NodeId,
    /// Its weight, or gain.
    pub weight: Weight,
    /// Where the bias is.
    pub bias: Bias,
    /// The rank of its output.
    pub rank: usize,
    /// What it lets be done to its input.
    pub input: Input,
}

/// What may be done to the input of a linear operator, so that the weight can make up for it.
#[derive(Clone, Debug)]
pub struct Input {
    /// Which input of the node it is.
    pub slot: usize,
    /// What the product of input and weight is multiplied with (`alpha` of Gemm).
    pub gain: f64,
    /// Which maps.
    pub takes: Takes,
}

/// Which maps the input of an operator takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Takes {
    /// Any.
    All,
    /// Those without shift: the reason, as in "Conv `c` pads with zeros".
    Scaling(String),
    /// None: it is not linear.
    Nothing,
}

/// Attributes that decide where channels and bias lie, or what they are multiplied with.
const ATTRIBUTES: [(&str, i32); 7] = [
    ("group", AttributeProto::INT),
    ("beta", AttributeProto::FLOAT),
    ("transA", AttributeProto::INT),
    ("transB", AttributeProto::INT),
    ("axis", AttributeProto::INT),
    ("broadcast", AttributeProto::INT),
    ("alpha", AttributeProto::FLOAT),
];

/// Reads the operator that a node is; `None` when it is not a linear one.
pub fn read(op: &Operator) -> Option<Result<Linear, Refusal>> {
    let read = match op.name() {
        "Conv" => conv::read,
        "ConvTranspose" => conv_transpose::read,
        "Gemm" => gemm::read,
        "MatMul" => matmul::read,
        "Einsum" => einsum::read,
        "InstanceNormalization" => normalization::instance,
        "GroupNormalization" => normalization::group,
        "LayerNormalization" => normalization::layer,
        "RMSNormalization" => normalization::root_mean_square,
        _ => return None,
    };
    Some(check_attributes(op).and_then(|()| read(op)))
}

/// Checks the attributes that decide where channels and bias lie.
fn check_attributes(op: &Operator) -> Result<(), Refusal> {
    let proto = op.graph.proto(op.node);
    if let Some(name) = proto.malformed_attribute(&ATTRIBUTES) {
        let detail = format!("the attribute `{name}` of {} is not one number", op.label());
        return Err(op.refuse(Code::Malformed, detail));
    }
    match proto.attribute_of_function(&ATTRIBUTES) {
        None => Ok(()),
        Some(name) => Err(op.refuse(Code::InFunction, per_call(&format!("the attribute `{name}` of {}", op.label())))),
    }
}

/// A constant operand: where it is, its type and shape.
struct Operand {
    slot: usize,
    value: ValueId,
    element: FloatType,
    shape: Vec<usize>,
    quantized: Option<Quantized>,
}

impl Operand {
    /// The constant weight of this rank or more in an input.
    fn weight(op: &Operator, slot: usize, min_rank: usize) -> Result<Operand, Refusal> {
        let operand = format!("the weight of {}", op.label());
        let missing = || op.refuse(Code::Malformed, format!("{operand} is missing"));
        let value = op.input(slot).ok_or_else(missing)?;
        let quantized = Quantized::read(op, value);
        let known = match &quantized {
            Some(quantized) => Ok((quantized.element.data_type(), quantized.shape.clone())),
            None => op.constants.type_and_shape(value),
        };
        let (element, shape) = known.map_err(|reason| {
            Refusal::not_constant(op.graph, Code::WeightNotConstant, &operand, reason).at(&op.graph.label(op.node))
        })?;
        let unsupported = || op.refuse(Code::UnsupportedType, format!("{operand} is of type {}", element.name()));
        let element = element.float().ok_or_else(unsupported)?;
        if shape.len() < min_rank || shape.contains(&0) {
            return Err(op.refuse(Code::ShapeMismatch, format!("{operand} has the shape {shape:?}")));
        }
        Ok(Operand { slot, value, element, shape, quantized })
    }

    /// A weight whose axes, split into `lengths`, are these axes of the output and of the input.
    fn with_axes(self, lengths: Vec<usize>, output: Vec<weight::Role>, input: Vec<weight::Role>) -> Weight {
        let Operand { slot, value, element, shape, quantized } = self;
        Weight { slot, value, element, shape, lengths, output, input, quantized }
    }
}

/// The bias in an input: absent, or constant, of the type of the weight, and of a shape that `fits`;
/// otherwise that gives the code of the refusal.
fn read_bias(
    op: &Operator,
    slot: usize,
    gain: f64,
    element: FloatType,
    layout: Layout,
    fits: impl Fn(&[usize]) -> Result<(), Code>,
) -> Result<Bias, Refusal> {
    let value = op.input(slot);
    if let Some(value) = value.filter(|_| gain != 0.0) {
        let operand = format!("the bias of {}", op.label());
        let known = match Quantized::read(op, value) {
            Some(quantized) => Ok((quantized.element.data_type(), quantized.shape)),
            None => op.constants.type_and_shape(value),
        };
        let (stored, shape) = known.map_err(|reason| {
            Refusal::not_constant(op.graph, Code::BiasNotConstant, &operand, reason).at(&op.graph.label(op.node))
        })?;
        if stored != element.data_type() {
            return Err(op.refuse(Code::UnsupportedType, format!("{operand} is of type {}", stored.name())));
        }
        fits(&shape).map_err(|code| op.refuse(code, format!("{operand} has the shape {shape:?}")))?;
    }
    Ok(Bias::Operand { slot, value, gain, layout })
}

/// Whether a bias has one number per channel. No runtime takes another number of them; some may
/// take another rank.
fn one_per_channel(channels: usize) -> impl Fn(&[usize]) -> Result<(), Code> {
    move |shape| match shape {
        [length] if *length == channels => Ok(()),
        _ if shape.iter().product::<usize>() == channels => Err(Code::ShapeMismatch),
        _ => Err(Code::Malformed),
    }
}
