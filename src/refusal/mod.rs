//! Why a BatchNormalization is left alone, or none is inserted. A refusal is a value with a stable code, built
//! where the condition is checked, and explained in one place.

mod explanation;

use crate::graph::constant::NotConstant;
use crate::graph::{Graph, NodeId};
use serde::Serialize;
use std::fmt;

pub use explanation::Explanation;

/// The stable names of all refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// It normalises by the statistics of the batch.
    TrainingMode,
    /// Its parameters are per element, not per channel.
    PerActivation,
    /// No runtime can run it. Nothing is folded around it: this is an error of the model.
    Malformed,
    /// A parameter is an input or computed at run time.
    ParameterNotConstant,
    /// The parameters have not one number per channel.
    ParameterShape,
    /// A constant that callers of the model can replace.
    Overridable,
    /// The parameters make no finite map.
    Degenerate,
    /// A scaled weight or bias does not fit its type.
    Overflow,
    /// Nothing before it can absorb it.
    NoLinearProducer,
    /// Somebody else reads the value before it.
    OtherReader,
    /// The value before it is an output of the graph.
    GraphOutput,
    /// A subgraph reads the value before it.
    SubgraphCapture,
    /// The weight of the operator before it is not constant.
    WeightNotConstant,
    /// The bias of the operator before it is not constant.
    BiasNotConstant,
    /// The weight is not of a floating-point type.
    UnsupportedType,
    /// Axis 1 is not provably the axis of the output channels.
    ChannelAxis,
    /// The integers of a quantised weight, or their scales, cannot say it.
    Quantized,
    /// Zeros that an operator adds would have to be something else.
    Padding,
    /// The numbers of channels disagree.
    ShapeMismatch,
    /// A name that would have to be written means something else there.
    NameClash,
    /// It is in a local function, and what is needed is given by each call.
    InFunction,
    /// A normalisation is there already.
    AlreadyNormalised,
    /// Nothing that reads the layer is an activation.
    NoActivation,
    /// The rank of the value, or the number of its channels, is not known.
    UnknownRank,
    /// Nothing comes into it on the data that it is measured on.
    NotReached,
    /// NaN or infinity comes into it.
    NotFinite,
    /// One number per channel comes into it: there is no variance.
    SingleValue,
    /// `--select` or `--exclude` leaves it out.
    NotSelected,
}

/// One reason, for one BatchNormalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// The node that stands in the way, if it is another one.
    pub node: Option<String>,
    /// One sentence on this very case.
    pub detail: String,
    /// What the code means, where the report is to say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// Says of something in a function that there is no one value of it.
pub(crate) fn per_call(what: &str) -> String {
    format!("{what} is given by each call of the function (see --specialize-functions)")
}

impl Refusal {
    /// A refusal for a reason of the node's own.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Refusal { code, node: None, detail: detail.into(), explanation: None }
    }

    /// A refusal because of another node.
    pub fn because_of(graph: &Graph, node: NodeId, code: Code, detail: impl Into<String>) -> Self {
        Refusal { code, node: Some(graph.label(node)), detail: detail.into(), explanation: None }
    }

    /// The same refusal, with the node that stands in the way if none is named yet.
    #[must_use]
    pub fn at(mut self, node: &str) -> Self {
        self.node.get_or_insert_with(|| node.to_owned());
        self
    }

    /// Why a node is neither folded into what is before it nor into what is `after` it. Where nothing
    /// before it could have taken it in, the latter counts.
    #[must_use]
    pub fn and(self, after: Refusal) -> Self {
        let detail = format!("{}; {}", self.detail, after.detail);
        match self.code == Code::NoLinearProducer && after.code != Code::NoLinearProducer {
            true => Refusal { detail, ..after },
            false => Refusal { detail, ..self },
        }
    }

    /// A refusal because an operand is not constant: `code` unless a caller could override it.
    /// `operand` says which one, as in "the weight of Conv `c`".
    pub fn not_constant(graph: &Graph, code: Code, operand: &str, reason: NotConstant) -> Self {
        match reason {
            NotConstant::Overridable(value) => Refusal::new(
                Code::Overridable,
                format!("{operand} is `{}`, which a caller (or training) can replace", graph.name(value)),
            ),
            NotConstant::Input(value) if graph.is_function_input(value) => {
                let input = graph.name(value);
                Refusal::new(Code::InFunction, per_call(&format!("{operand} depends on the input `{input}`, which")))
            }
            NotConstant::Input(value) => {
                Refusal::new(code, format!("{operand} depends on the graph input `{}`", graph.name(value)))
            }
            NotConstant::Computed(node) if graph.proto(node).has_attribute_of_function() => {
                let (op, name) = (graph.op_label(node), graph.label(node));
                let text = per_call(&format!("{operand} is computed by {op} `{name}`, an attribute of which"));
                Refusal::because_of(graph, node, Code::InFunction, text)
            }
            NotConstant::Computed(node) => {
                let text = format!("{operand} is computed by {} `{}`", graph.op_label(node), graph.label(node));
                Refusal::because_of(graph, node, code, text)
            }
            NotConstant::TooDeep => Refusal::new(code, format!("{operand} is computed by more than 64 nodes in a row")),
            NotConstant::Unreadable(what) => Refusal::new(code, format!("{operand} cannot be read: {what}")),
        }
    }
}

impl Code {
    /// All codes, in the order in which they are documented.
    pub const ALL: [Code; 28] = [
        Code::TrainingMode,
        Code::PerActivation,
        Code::Malformed,
        Code::ParameterNotConstant,
        Code::ParameterShape,
        Code::Overridable,
        Code::Degenerate,
        Code::Overflow,
        Code::NoLinearProducer,
        Code::OtherReader,
        Code::GraphOutput,
        Code::SubgraphCapture,
        Code::WeightNotConstant,
        Code::BiasNotConstant,
        Code::UnsupportedType,
        Code::ChannelAxis,
        Code::Quantized,
        Code::Padding,
        Code::ShapeMismatch,
        Code::NameClash,
        Code::InFunction,
        Code::AlreadyNormalised,
        Code::NoActivation,
        Code::UnknownRank,
        Code::NotReached,
        Code::NotFinite,
        Code::SingleValue,
        Code::NotSelected,
    ];

    /// The name, in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Code::TrainingMode => "training-mode",
            Code::PerActivation => "per-activation",
            Code::Malformed => "malformed",
            Code::ParameterNotConstant => "parameter-not-constant",
            Code::ParameterShape => "parameter-shape",
            Code::Overridable => "overridable",
            Code::Degenerate => "degenerate",
            Code::Overflow => "overflow",
            Code::NoLinearProducer => "no-linear-producer",
            Code::OtherReader => "other-reader",
            Code::GraphOutput => "graph-output",
            Code::SubgraphCapture => "subgraph-capture",
            Code::WeightNotConstant => "weight-not-constant",
            Code::BiasNotConstant => "bias-not-constant",
            Code::UnsupportedType => "unsupported-type",
            Code::ChannelAxis => "channel-axis",
            Code::Quantized => "quantized",
            Code::Padding => "padding",
            Code::ShapeMismatch => "shape-mismatch",
            Code::NameClash => "name-clash",
            Code::InFunction => "in-function",
            Code::AlreadyNormalised => "already-normalised",
            Code::NoActivation => "no-activation",
            Code::UnknownRank => "unknown-rank",
            Code::NotReached => "not-reached",
            Code::NotFinite => "not-finite",
            Code::SingleValue => "single-value",
            Code::NotSelected => "not-selected",
        }
    }

    /// The code of this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(self.name())
    }
}
