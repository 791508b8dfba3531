//! The operators that absorb a map after them: `s ⊙ L(x) + t`.
//!
//! An operator says only where its output channels lie in its weight and where its bias is;
//! the algebra ([`absorb`]) is written once:
//!
//! ```text
//! s ⊙ (W·x + g·b) + t  =  (s ⊙ W)·x + (s·g·b + t)
//! ```

pub mod absorb;
mod conv;
mod conv_transpose;
mod gemm;
mod matmul;
mod matmul_add;
pub mod path;

use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId, ValueId};
use crate::onnx::element::FloatType;
use crate::onnx::schema::AttributeProto;
use crate::refusal::{Code, Refusal, per_call};
use bstr::ByteSlice;

/// A linear operator with a constant weight, and what a map after it has to change.
#[derive(Clone, Debug)]
pub struct Linear {
    /// How the operator is called in reports.
    pub operator: &'static str,
    /// The node that reads the weight.
    pub node: NodeId,
    /// The node's input that is the weight.
    pub slot: usize,
    /// The weight.
    pub weight: ValueId,
    /// The type of its elements.
    pub element: FloatType,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Where the output channels lie in the weight: `[outer, rows, channels, inner]`, see
    /// [`Scaling`](crate::onnx::element::Scaling).
    pub view: [usize; 4],
    /// Where the bias is.
    pub bias: Bias,
}

/// Attributes that decide where channels and bias lie, or what they are multiplied with.
const ATTRIBUTES: [(&str, i32); 6] = [
    ("group", AttributeProto::INT),
    ("beta", AttributeProto::FLOAT),
    ("transB", AttributeProto::INT),
    ("axis", AttributeProto::INT),
    ("broadcast", AttributeProto::INT),
    ("alpha", AttributeProto::FLOAT),
];

/// Where a linear operator has its bias.
#[derive(Clone, Debug)]
pub enum Bias {
    /// An input of a node, its last axis the channels (or one number for all).
    Operand {
        /// The node: the operator itself, or the Add after it.
        node: NodeId,
        /// Its input.
        slot: usize,
        /// The bias, unless it is omitted.
        value: Option<ValueId>,
        /// What the operator multiplies the bias with (`beta` of Gemm).
        gain: f64,
    },
    /// The operator has none: an Add has to follow.
    None,
}

impl Linear {
    /// The number of output channels.
    pub fn channels(&self) -> usize {
        self.view[0] * self.view[2]
    }
}

/// Reads the operator that a node is; `None` when it is not a linear one.
pub fn read(graph: &Graph, constants: &Constants, node: NodeId) -> Option<Result<Linear, Refusal>> {
    let context = Context { graph, constants, node };
    let read = match graph.op(node).to_str().unwrap_or("") {
        "Conv" => conv::read,
        "ConvTranspose" => conv_transpose::read,
        "Gemm" => gemm::read,
        "MatMul" => matmul::read,
        "Add" => return matmul_add::read(&context),
        _ => return None,
    };
    Some(context.check_attributes().and_then(|()| read(&context)))
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

/// A node to read, and where to look things up.
struct Context<'a> {
    graph: &'a Graph,
    constants: &'a Constants<'a>,
    node: NodeId,
}

/// A constant weight: where it is, its type and shape.
struct Weight {
    value: ValueId,
    element: FloatType,
    shape: Vec<usize>,
}

impl Context<'_> {
    fn label(&self) -> String {
        format!("{} `{}`", self.graph.op_label(self.node), self.graph.label(self.node))
    }

    fn refuse(&self, code: Code, detail: String) -> Refusal {
        Refusal::because_of(self.graph, self.node, code, detail)
    }

    fn int(&self, name: &str, default: i64) -> i64 {
        self.graph.proto(self.node).int(name, default)
    }

    /// Checks the attributes that decide where channels and bias lie.
    fn check_attributes(&self) -> Result<(), Refusal> {
        let proto = self.graph.proto(self.node);
        if let Some(name) = proto.malformed_attribute(&ATTRIBUTES) {
            let detail = format!("the attribute `{name}` of {} is not one number", self.label());
            return Err(self.refuse(Code::Malformed, detail));
        }
        match proto.attribute_of_function(&ATTRIBUTES) {
            None => Ok(()),
            Some(name) => {
                let detail = per_call(&format!("the attribute `{name}` of {}", self.label()));
                Err(self.refuse(Code::InFunction, detail))
            }
        }
    }

    /// The constant weight of this rank or more in an input.
    fn weight(&self, slot: usize, min_rank: usize) -> Result<Weight, Refusal> {
        let operand = format!("the weight of {}", self.label());
        let missing = || self.refuse(Code::Malformed, format!("{operand} is missing"));
        let value = self.graph.input(self.node, slot).ok_or_else(missing)?;
        let (element, shape) = self.constants.type_and_shape(value).map_err(|reason| {
            Refusal::not_constant(self.graph, Code::WeightNotConstant, &operand, reason)
                .at(&self.graph.label(self.node))
        })?;
        let unsupported = || self.refuse(Code::UnsupportedType, format!("{operand} is of type {}", element.name()));
        let element = element.float().ok_or_else(unsupported)?;
        if shape.len() < min_rank || shape.contains(&0) {
            return Err(self.refuse(Code::ShapeMismatch, format!("{operand} has the shape {shape:?}")));
        }
        Ok(Weight { value, element, shape })
    }

    /// The bias in an input: absent, or constant, of the type of the weight, and of a shape that
    /// `fits`; otherwise that gives the code of the refusal.
    fn bias(
        &self,
        slot: usize,
        gain: f64,
        weight: FloatType,
        fits: impl Fn(&[usize]) -> Result<(), Code>,
    ) -> Result<Bias, Refusal> {
        let value = self.graph.input(self.node, slot);
        if let Some(value) = value.filter(|_| gain != 0.0) {
            let operand = format!("the bias of {}", self.label());
            let (element, shape) = self.constants.type_and_shape(value).map_err(|reason| {
                Refusal::not_constant(self.graph, Code::BiasNotConstant, &operand, reason)
                    .at(&self.graph.label(self.node))
            })?;
            if element != weight.data_type() {
                return Err(self.refuse(Code::UnsupportedType, format!("{operand} is of type {}", element.name())));
            }
            fits(&shape).map_err(|code| self.refuse(code, format!("{operand} has the shape {shape:?}")))?;
        }
        Ok(Bias::Operand { node: self.node, slot, value, gain })
    }
}
