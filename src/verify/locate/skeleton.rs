//! The main graph of a model by numbers: who makes a value, what that reads, who reads it.

use crate::engine::required_inputs;
use crate::onnx::access::text;
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bstr::{BStr, ByteSlice};
use std::collections::{HashMap, HashSet};

/// A value of the main graph.
pub type ValueId = usize;
/// A node of the main graph: its place.
pub type NodeId = usize;

/// A main graph. What a node reads includes what its subgraphs read of the main graph.
pub struct Skeleton<'m> {
    /// All nodes.
    pub nodes: &'m [NodeProto],
    /// The inputs that a caller must give.
    pub inputs: Vec<ValueId>,
    /// What the graph returns.
    pub outputs: Vec<ValueId>,
    values: Vec<Value<'m>>,
    reads: Vec<Vec<ValueId>>,
    ids: HashMap<&'m BStr, ValueId>,
}

struct Value<'m> {
    name: &'m BStr,
    maker: Option<NodeId>,
    readers: Vec<NodeId>,
    varies: bool,
}

impl<'m> Skeleton<'m> {
    /// The main graph of a model that has passed [`onnx::check`](crate::onnx::check()).
    pub fn new(model: &'m ModelProto) -> Self {
        let nodes = model.graph.as_ref().map_or(&[][..], |graph| &graph.node);
        let (inputs, outputs, values) = (Vec::new(), Vec::new(), Vec::new());
        let mut skeleton = Skeleton { nodes, inputs, outputs, values, reads: Vec::new(), ids: HashMap::new() };
        skeleton.inputs = required_inputs(model).map(|input| skeleton.add(text(&input.name), None, true)).collect();
        if let Some(graph) = &model.graph {
            let dense = graph.initializer.iter().map(|tensor| text(&tensor.name));
            let sparse = graph.sparse_initializer.iter().map(|tensor| tensor.name());
            dense.chain(sparse).for_each(|name| _ = skeleton.add(name, None, false));
            (0..nodes.len()).for_each(|node| skeleton.add_node(node));
            skeleton.outputs = graph.output.iter().filter_map(|output| skeleton.find(text(&output.name))).collect();
        }
        skeleton
    }

    fn add(&mut self, name: &'m BStr, maker: Option<NodeId>, varies: bool) -> ValueId {
        let next = self.values.len();
        let id = *self.ids.entry(name).or_insert(next);
        if id == next {
            self.values.push(Value { name, maker, readers: Vec::new(), varies });
        }
        id
    }

    fn add_node(&mut self, node: NodeId) {
        let proto = &self.nodes[node];
        let mut seen = HashSet::new();
        let reads = names_read(proto).into_iter().filter_map(|name| self.find(name));
        let reads: Vec<ValueId> = reads.filter(|value| seen.insert(*value)).collect();
        reads.iter().for_each(|value| self.values[*value].readers.push(node));
        let varies = reads.iter().any(|value| self.values[*value].varies);
        self.reads.push(reads);
        for output in proto.output.iter().filter(|output| !output.is_empty()) {
            self.add(output.as_bstr(), Some(node), varies);
        }
    }

    /// The value of this name.
    pub fn find(&self, name: &BStr) -> Option<ValueId> {
        self.ids.get(name).copied()
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The name of a value.
    pub fn name(&self, value: ValueId) -> &'m BStr {
        self.values[value].name
    }

    /// The node that makes a value; `None` for inputs and initializers.
    pub fn maker(&self, value: ValueId) -> Option<NodeId> {
        self.values[value].maker
    }

    /// The nodes that read a value, in order.
    pub fn readers(&self, value: ValueId) -> &[NodeId] {
        &self.values[value].readers
    }

    /// Whether a value depends on what a caller gives.
    pub fn varies(&self, value: ValueId) -> bool {
        self.values[value].varies
    }

    /// What a node reads, each value once.
    pub fn reads(&self, node: NodeId) -> &[ValueId] {
        &self.reads[node]
    }

    /// What a node makes.
    pub fn makes(&self, node: NodeId) -> impl Iterator<Item = ValueId> {
        self.nodes[node].output.iter().filter_map(|name| self.find(name.as_bstr()))
    }
}

/// Names that a node or its subgraphs read, wherever they are made.
fn names_read(node: &NodeProto) -> Vec<&BStr> {
    let mut names: Vec<&BStr> = node.input.iter().map(|name| name.as_bstr()).collect();
    let mut graphs: Vec<&GraphProto> = node.subgraphs().collect();
    while let Some(graph) = graphs.pop() {
        names.extend(graph.output.iter().map(|output| text(&output.name)));
        for inner in &graph.node {
            names.extend(inner.input.iter().map(|name| name.as_bstr()));
            graphs.extend(inner.subgraphs());
        }
    }
    names.retain(|name| !name.is_empty());
    names
}
