//! One graph in memory: who makes a value, who uses it, across nested scopes, and edits that
//! keep that true.
//!
//! [`Graph::new`] takes a model apart: nodes of the main graph, of every subgraph and of
//! every local function get a [`NodeId`], each name in each scope a [`ValueId`].
//! [`Graph::into_model`] puts it together again; whatever was not edited is as it was.

mod assemble;
mod build;
pub mod constant;
mod edit;
mod insert;
mod names;
mod ports;
pub mod shape;
pub mod slice;
#[cfg(test)]
mod tests;
mod training;

use crate::onnx::access::text;
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bstr::{BStr, BString, ByteSlice};
use names::{NameId, Names};
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;

pub use build::GraphError;

/// A node, by its place in document order: a node comes before the nodes of its subgraphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// A value: one name in one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(NonZeroU32);

/// The main graph, a subgraph or the body of a local function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(u32);

/// A model as a graph of nodes and values.
pub struct Graph {
    /// What remains of the model: everything but its graph and the nodes of its functions.
    shell: ModelProto,
    scopes: Vec<Scope>,
    nodes: Vec<Node>,
    /// How many nodes the model had; those after them were added by edits.
    loaded_nodes: u32,
    values: Vec<Value>,
    /// Standard operators that a local function replaces.
    overridden: HashSet<BString>,
    names: Names,
    /// The last number that was appended to a name to make it fresh.
    last_numbers: HashMap<BString, u32>,
    /// Values that lost a reader through an edit.
    released: Vec<ValueId>,
}

/// What kind of scope it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// The model's graph.
    Main,
    /// A graph in an attribute of a node (If, Loop, Scan).
    Subgraph,
    /// The body of a local function, by its index in the model.
    Function(usize),
}

struct Scope {
    kind: ScopeKind,
    parent: Option<ScopeId>,
    /// The last scope inside this one; itself when there is none.
    last: ScopeId,
    /// The graph, its nodes without their subgraphs; nodes that edits add are at the end.
    graph: GraphProto,
    order: Vec<NodeId>,
    /// Constant nodes that edits put before all others.
    prepended: Vec<NodeId>,
    /// The version of the standard operator set.
    opset: i64,
    /// Whether edits removed values.
    shrunk: bool,
}

/// What a node reads or makes; few nodes need memory of their own for it.
pub type Values = SmallVec<[Option<ValueId>; 4]>;

/// A node and what it reads and makes; `None` stands for an omitted (empty) name.
pub struct Node {
    /// The scope that the node is in.
    pub scope: ScopeId,
    /// Where it is in the graph of its scope.
    place: u32,
    /// What it reads.
    pub inputs: Values,
    /// What it makes.
    pub outputs: Values,
    /// Where each input is among the uses of its value.
    use_places: SmallVec<[u32; 4]>,
    subscopes: Vec<ScopeId>,
    inserted_after: Vec<NodeId>,
    removed: bool,
}

/// A value, who makes it and who reads it.
pub struct Value {
    /// The scope that defines it.
    pub scope: ScopeId,
    name: NameId,
    /// Where it comes from.
    pub origin: Origin,
    /// Who reads it, in its own scope or in a nested one.
    pub uses: SmallVec<[Use; 2]>,
    /// In how many scopes it is an output.
    pub outputs: u32,
    /// Whether something outside the graph names it (training info, quantisation annotation).
    pub pinned: bool,
    /// Whether training info says that training updates it.
    pub trained: bool,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An output of a node.
    Node(NodeId, u32),
    /// An input of its scope.
    Input,
    /// An initializer, by its index; `listed` when it is also an input of the graph.
    Initializer {
        /// The index among the scope's initializers.
        index: u32,
        /// Whether it is an input of the graph too.
        listed: bool,
    },
    /// A sparse initializer, by its index.
    Sparse {
        /// The index among the scope's sparse initializers.
        index: u32,
        /// Whether it is an input of the graph too.
        listed: bool,
    },
    /// Removed by an edit.
    Gone,
}

/// One input of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The reader.
    pub node: NodeId,
    /// Which of its inputs.
    pub slot: u32,
}

impl Node {
    fn new(scope: ScopeId, place: usize) -> Self {
        let (inputs, use_places, outputs) = (Values::new(), SmallVec::new(), Values::new());
        let (subscopes, inserted_after) = (Vec::new(), Vec::new());
        Node { scope, place: place as u32, inputs, outputs, use_places, subscopes, inserted_after, removed: false }
    }
}

impl Value {
    fn new(scope: ScopeId, name: NameId, origin: Origin) -> Self {
        Value { scope, name, origin, uses: SmallVec::new(), outputs: 0, pinned: false, trained: false }
    }

    /// Whether something other than a node sees it: a caller, training info, an annotation.
    pub fn is_seen_outside(&self) -> bool {
        self.outputs > 0 || self.pinned
    }

    /// Whether nobody reads it.
    fn is_unread(&self) -> bool {
        self.uses.is_empty() && !self.is_seen_outside()
    }
}

impl ValueId {
    fn new(index: usize) -> Self {
        ValueId(NonZeroU32::MIN.saturating_add(index as u32))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl NodeId {
    /// The place in document order, counted from 0 over all graphs and functions.
    pub fn index(self) -> u32 {
        self.0
    }
}

impl Graph {
    /// All nodes that were not removed, in document order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        let prepended = self.scopes.iter().flat_map(|scope| scope.prepended.iter().copied());
        let loaded = (0..self.loaded_nodes).map(NodeId);
        prepended.chain(loaded).flat_map(|id| self.with_inserted(id)).filter(|id| !self.node(*id).removed)
    }

    /// Whether the model had this node; others were added by edits.
    pub fn is_loaded(&self, id: NodeId) -> bool {
        id.0 < self.loaded_nodes
    }

    /// A node, and those that edits put after it.
    fn with_inserted(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let mut inserted = Vec::new();
        // Nodes can be inserted after inserted nodes.
        let mut stack: Vec<NodeId> = self.node(id).inserted_after.iter().rev().copied().collect();
        while let Some(node) = stack.pop() {
            inserted.push(node);
            stack.extend(self.node(node).inserted_after.iter().rev());
        }
        std::iter::once(id).chain(inserted)
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A node as the model has it, but for its subgraphs: they are scopes of their own.
    pub fn proto(&self, id: NodeId) -> &NodeProto {
        let node = self.node(id);
        &self.scope(node.scope).graph.node[node.place as usize]
    }

    /// A value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// The name of a value.
    pub fn name(&self, id: ValueId) -> &BStr {
        self.names.text(self.value(id).name)
    }

    /// The standard operator that a node calls; `""` when it is somebody else's, or a local
    /// function of that name.
    pub fn op(&self, id: NodeId) -> &BStr {
        let op = self.proto(id).standard_op();
        if self.overridden.contains(op) { BStr::new("") } else { op }
    }

    /// The version of the standard operator set that a node is written in.
    pub fn opset(&self, id: NodeId) -> i64 {
        self.scope(self.node(id).scope).opset
    }

    /// The version of the standard operator set of the main graph.
    pub fn main_opset(&self) -> i64 {
        self.scopes.first().map_or(1, |main| main.opset)
    }

    /// The inputs of the main graph that a caller has to give, in their order.
    pub fn main_inputs(&self) -> impl Iterator<Item = ValueId> {
        let inputs = self.scopes.first().into_iter().flat_map(|main| &main.graph.input);
        let values = inputs.filter_map(|info| self.resolve(ScopeId(0), text(&info.name)));
        values.filter(|value| self.value(*value).origin == Origin::Input)
    }

    /// The kind of scope that a node is in; a subgraph inside a function is in the function.
    pub fn scope_kind(&self, id: NodeId) -> ScopeKind {
        let scope = self.node(id).scope;
        let outermost = self.scopes_from(scope).last().map(|outer| self.scope(outer).kind);
        outermost.filter(|kind| matches!(kind, ScopeKind::Function(_))).unwrap_or(self.scope(scope).kind)
    }

    /// A node's input, unless it is omitted.
    pub fn input(&self, node: NodeId, slot: usize) -> Option<ValueId> {
        self.node(node).inputs.get(slot).copied().flatten()
    }

    /// A node's output, unless it is omitted.
    pub fn output(&self, node: NodeId, slot: usize) -> Option<ValueId> {
        self.node(node).outputs.get(slot).copied().flatten()
    }

    /// The node that makes a value.
    pub fn producer(&self, value: ValueId) -> Option<NodeId> {
        match self.value(value).origin {
            Origin::Node(node, _) => Some(node),
            _ => None,
        }
    }

    /// The uses of a value that look at its elements. Others take only its shape or type,
    /// which scaling does not change.
    pub fn data_uses(&self, value: ValueId) -> impl Iterator<Item = Use> {
        self.value(value).uses.iter().copied().filter(|usage| !self.reads_only_shape(*usage))
    }

    /// Whether a use takes only the shape or the element type of the value.
    pub fn reads_only_shape(&self, usage: Use) -> bool {
        match self.op(usage.node).to_str().unwrap_or("") {
            "Shape" | "Size" | "EyeLike" | "RandomNormalLike" | "RandomUniformLike" => usage.slot == 0,
            "CastLike" => usage.slot == 1,
            _ => false,
        }
    }

    /// How many bytes the initializers have, roughly: those of `raw_data` and the like.
    fn stored_bytes(&self) -> u64 {
        let tensors = self.scopes.iter().flat_map(|scope| &scope.graph.initializer);
        let payloads = tensors.flat_map(|tensor| [tensor.raw_data.as_ref(), tensor.float_data.payload()]);
        payloads.flatten().map(|payload| payload.len()).sum()
    }

    /// Whether the initializer behind a value is only a default. Until IR version 3 every
    /// initializer of the main graph must be listed as an input; since then, and in the body of
    /// a loop, which is called by the loop, a listed one can be replaced. What training updates
    /// is replaced as well.
    pub fn is_overridable(&self, value: ValueId) -> bool {
        let data = self.value(value);
        let listed = match data.origin {
            Origin::Initializer { listed, .. } | Origin::Sparse { listed, .. } => listed,
            _ => false,
        };
        data.trained || listed && (self.ir_version() >= 4 || self.scope(data.scope).kind != ScopeKind::Main)
    }

    /// Whether a value is an input of a local function: what it is, each call says.
    pub fn is_function_input(&self, value: ValueId) -> bool {
        let data = self.value(value);
        data.origin == Origin::Input && matches!(self.scope(data.scope).kind, ScopeKind::Function(_))
    }

    /// Whether a nested or an enclosing scope has a value of the same name, so that moving the
    /// place where this one is made could change what the name means there.
    pub fn is_shadowed(&self, value: ValueId) -> bool {
        let data = self.value(value);
        let around = self.scopes_from(data.scope).skip(1);
        self.names.is_defined_in(data.name, around, [data.scope, self.scope(data.scope).last])
    }

    /// A scope and those around it.
    fn scopes_from(&self, scope: ScopeId) -> impl Iterator<Item = ScopeId> {
        std::iter::successors(Some(scope), |scope| self.scope(*scope).parent)
    }

    /// Whether a local function replaces a standard operator.
    pub fn is_overridden(&self, op: &str) -> bool {
        self.overridden.contains(op.as_bytes().as_bstr())
    }

    /// The model's IR version; 3 where it does not say (the first with one).
    pub fn ir_version(&self) -> i64 {
        self.shell.ir_version.unwrap_or(3)
    }

    /// How to name a node to a user.
    pub fn label(&self, id: NodeId) -> String {
        self.proto(id).label().to_string()
    }

    /// The operator's own name, whatever its domain, for messages.
    pub fn op_label(&self, id: NodeId) -> String {
        let proto = self.proto(id);
        let domain = text(&proto.domain);
        let op = text(&proto.op_type);
        if crate::onnx::access::is_standard_domain(domain) { op.to_string() } else { format!("{domain}::{op}") }
    }

    fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    fn scope_mut(&mut self, id: ScopeId) -> &mut Scope {
        &mut self.scopes[id.0 as usize]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    fn proto_mut(&mut self, id: NodeId) -> &mut NodeProto {
        let Node { scope, place, .. } = *self.node(id);
        &mut self.scope_mut(scope).graph.node[place as usize]
    }

    fn value_mut(&mut self, id: ValueId) -> &mut Value {
        &mut self.values[id.index()]
    }
}
