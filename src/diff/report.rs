//! What a comparison found: values that serialise to JSON.

use serde::Serialize;

/// All differences between two models, the first (`before`) and the second (`after`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelDiff {
    /// Figures of both.
    pub summary: Summary,
    /// What the models say of themselves: versions, operator sets, producer, metadata.
    pub fields: Vec<FieldChange>,
    /// Graphs, subgraphs and functions that differ, in the order of the first model.
    pub graphs: Vec<GraphDiff>,
    /// Differences that are not shown one by one.
    pub hidden: Option<Hidden>,
}

/// Figures of two models.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Operators that do not occur as often in both, by name.
    pub operators: Vec<OperatorCount>,
    /// How many nodes there are, those of subgraphs and functions included.
    pub nodes: Figure,
    /// How many elements constants have: initializers, and tensors of Constant nodes.
    pub parameters: Figure,
    /// How many bytes these take.
    pub bytes: Figure,
}

/// How often an operator occurs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperatorCount {
    /// The operator, with its domain if that is not the standard one.
    pub operator: String,
    /// How many there are.
    #[serde(flatten)]
    pub count: Figure,
}

/// A number before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it all")]
pub struct Figure {
    pub before: u64,
    pub after: u64,
}

/// Something that one or both models have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Change<T> {
    /// What the first has.
    pub before: Option<T>,
    /// What the second has.
    pub after: Option<T>,
}

impl<T: PartialEq> Change<T> {
    /// Whether both have the same.
    pub fn is_same(&self) -> bool {
        self.before == self.after
    }
}

/// A named field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Its name: `opset`, `doc_string`, `metadata author` …
    pub field: String,
    /// What it is.
    #[serde(flatten)]
    pub value: Change<String>,
}

/// Differences that have no line of their own: how the protobuf is written, unknown fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hidden {
    /// In how many places.
    pub count: usize,
    /// The first of them.
    pub first: String,
}

/// What differs in a graph, a subgraph or a function.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GraphDiff {
    /// Where it is: empty for the main graph, else as in `if_1/then_branch` or `function local.f`.
    pub path: String,
    /// Whether both models have it.
    pub status: Status,
    /// What it says of itself: name, documentation, metadata; of a function, its signature.
    pub fields: Vec<FieldChange>,
    /// Inputs.
    pub inputs: Vec<ValueChange>,
    /// Outputs.
    pub outputs: Vec<ValueChange>,
    /// Nodes.
    pub nodes: Vec<NodeEntry>,
    /// Initializers, and constants that are an initializer in one of the models.
    pub initializers: Vec<TensorChange>,
    /// Types that are declared of inner values.
    pub values: Vec<ValueChange>,
}

/// Whether something is in both models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Status {
    #[default]
    Changed,
    Added,
    Removed,
}

/// A declared value: its name and type.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ValueChange {
    /// The name.
    pub name: Change<String>,
    /// The type, as in `float[N,3]`.
    pub r#type: Change<String>,
    /// Documentation and metadata.
    pub fields: Vec<FieldChange>,
}

/// A line of the list of nodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum NodeEntry {
    /// Only the first model has it.
    Removed(NodeText),
    /// Only the second model has it.
    Added(NodeText),
    /// Both have it, and it differs.
    Changed(Box<NodeChange>),
    /// Both have it; it is shown for context.
    Unchanged(NodeText),
    /// So many that do not differ are not shown (only where context is).
    Skipped {
        /// How many.
        count: usize,
    },
}

/// A node as one model has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NodeText {
    /// The operator, with its domain if that is not the standard one.
    pub operator: String,
    /// The name, or nothing.
    pub name: String,
    /// What it reads; empty where an input is omitted.
    pub inputs: Vec<String>,
    /// What it makes.
    pub outputs: Vec<String>,
    /// Its attributes, subgraphs as their number of nodes.
    pub attributes: Vec<Attribute>,
}

/// An attribute as one model has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it all")]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

/// A node that both models have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NodeChange {
    /// The operator.
    pub operator: Change<String>,
    /// The name, or nothing.
    pub name: Change<String>,
    /// What it reads, all of it.
    pub inputs: Vec<Slot>,
    /// What it makes, all of it.
    pub outputs: Vec<Slot>,
    /// Attributes that differ.
    pub attributes: Vec<AttributeChange>,
    /// Documentation, metadata and the like.
    pub fields: Vec<FieldChange>,
    /// Where it went, if it is at another place among the nodes that stay: `after conv_1`.
    pub moved: Option<String>,
}

/// An input or output of a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slot {
    /// The names.
    #[serde(flatten)]
    pub name: Change<String>,
    /// Whether it is another value, or got another name here; an input whose value got another
    /// name where it is made has not changed.
    pub changed: bool,
}

/// An attribute that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributeChange {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(flatten)]
    pub value: Change<String>,
    /// For tensors of one shape: how far they are apart.
    pub difference: Option<Difference>,
}

/// A constant tensor that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorChange {
    /// Its name.
    pub name: Change<String>,
    /// What holds it: `initializer`, `Constant`, `sparse initializer`.
    pub holder: Change<String>,
    /// Element type and shape, as in `float[64,3,7,7]`.
    pub r#type: Change<String>,
    /// The elements, if they are few, else the first half of their xxh3 hash; nothing where they
    /// are the same.
    pub content: Change<String>,
    /// For tensors of one shape: how far they are apart.
    pub difference: Option<Difference>,
    /// Documentation and metadata.
    pub fields: Vec<FieldChange>,
}

/// How far two tensors are apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// max |Δ|; not finite if an element became or was infinite or NaN.
    pub max_abs: f64,
    /// ‖Δ‖₂ / ‖A‖₂, if that is a number.
    pub relative: Option<f64>,
}

impl ModelDiff {
    /// Whether the models are the same.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.graphs.is_empty() && self.hidden.is_none()
    }
}

impl NodeChange {
    /// Whether nothing differs but the names of the node and of what it makes.
    pub fn is_renaming(&self) -> bool {
        let described = !self.attributes.is_empty() || !self.fields.is_empty() || self.moved.is_some();
        let outputs = self.outputs.iter().all(|slot| slot.name.before.is_some() && slot.name.after.is_some());
        !described && outputs && self.operator.is_same() && self.inputs.iter().all(|slot| !slot.changed)
    }
}

impl TensorChange {
    /// Whether nothing differs but the name.
    pub fn is_renaming(&self) -> bool {
        let both = self.name.before.is_some() && self.name.after.is_some();
        let content = self.r#type.is_same() && self.content.is_same() && self.holder.is_same();
        both && content && self.fields.is_empty()
    }
}

impl GraphDiff {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        let lists = [self.fields.is_empty(), self.inputs.is_empty(), self.outputs.is_empty(), self.nodes.is_empty()];
        let both = self.status == Status::Changed;
        both && lists.iter().all(|empty| *empty) && self.initializers.is_empty() && self.values.is_empty()
    }
}
