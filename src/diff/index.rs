//! A model by numbers: its scopes, nodes and values, who makes what and who reads it.
//!
//! Other than `graph::Graph` it borrows the model, and takes any: a name that nothing makes is a
//! value of unknown origin.

use crate::onnx::access::{is_standard_domain, text};
use crate::onnx::schema::{FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto};
use bstr::{BStr, BString, ByteSlice};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;

pub(super) type ScopeId = usize;
pub(super) type NodeId = usize;
pub(super) type ValueId = usize;
pub(super) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A model, taken apart.
pub(super) struct Index<'m> {
    /// The main graph first, each subgraph behind the graph of its node, functions last.
    pub scopes: Vec<Scope<'m>>,
    pub nodes: Vec<Node<'m>>,
    pub values: Vec<Value<'m>>,
}

/// A graph, subgraph or function.
pub(super) struct Scope<'m> {
    pub body: Body<'m>,
    pub parent: Option<ScopeId>,
    /// Where it is, as a user would say it: `if_1/then_branch`, `function local.f`.
    pub path: String,
    pub nodes: Range<NodeId>,
    names: Map<&'m BStr, ValueId>,
}

/// What a scope is made from.
#[derive(Clone, Copy)]
pub(super) enum Body<'m> {
    Graph(&'m GraphProto),
    Function(&'m FunctionProto),
}

pub(super) struct Node<'m> {
    pub proto: &'m NodeProto,
    pub scope: ScopeId,
    /// `None` stands for an omitted input.
    pub inputs: SmallVec<[Option<ValueId>; 4]>,
    pub outputs: SmallVec<[Option<ValueId>; 1]>,
    /// Its subgraphs, in the order of [`subgraphs`].
    pub subscopes: Vec<ScopeId>,
}

pub(super) struct Value<'m> {
    pub name: &'m BStr,
    pub origin: Origin<'m>,
    /// Readers, each with the number of the input, in the order of their ids: those of one scope
    /// follow each other.
    pub uses: SmallVec<[(NodeId, usize); 2]>,
}

/// Where a value comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'m> {
    Node(NodeId, usize),
    Input,
    Initializer(&'m TensorProto),
    Sparse,
    /// Nothing makes it.
    Unknown,
}

impl<'m> Body<'m> {
    pub fn nodes(self) -> &'m [NodeProto] {
        match self {
            Body::Graph(graph) => &graph.node,
            Body::Function(function) => &function.node,
        }
    }

    pub fn initializers(self) -> &'m [TensorProto] {
        match self {
            Body::Graph(graph) => &graph.initializer,
            Body::Function(_) => &[],
        }
    }

    pub fn inputs(self) -> Vec<&'m BStr> {
        match self {
            Body::Graph(graph) => graph.input.iter().map(|input| text(&input.name)).collect(),
            Body::Function(function) => function.input.iter().map(|name| name.as_bstr()).collect(),
        }
    }

    pub fn outputs(self) -> Vec<&'m BStr> {
        match self {
            Body::Graph(graph) => graph.output.iter().map(|output| text(&output.name)).collect(),
            Body::Function(function) => function.output.iter().map(|name| name.as_bstr()).collect(),
        }
    }
}

impl<'m> Index<'m> {
    pub fn new(model: &'m ModelProto) -> Self {
        let mut index = Index { scopes: Vec::new(), nodes: Vec::new(), values: Vec::new() };
        if let Some(graph) = &model.graph {
            index.add(Body::Graph(graph), None, String::new());
        }
        for function in &model.functions {
            index.add(Body::Function(function), None, format!("function {}", function_name(function)));
        }
        index
    }

    /// What a name means in a scope.
    pub fn look_up(&self, scope: ScopeId, name: &BStr) -> Option<ValueId> {
        let mut around = Some(scope);
        while let Some(scope) = around {
            if let Some(value) = self.scopes[scope].names.get(name) {
                return Some(*value);
            }
            around = self.scopes[scope].parent;
        }
        None
    }

    /// What a name means in a scope, if it is made there.
    pub fn look_up_own(&self, scope: ScopeId, name: &BStr) -> Option<ValueId> {
        self.scopes[scope].names.get(name).copied()
    }

    /// The node of a scope that makes a value of this name.
    pub fn maker(&self, scope: ScopeId, name: &BStr) -> Option<NodeId> {
        match self.values[self.look_up_own(scope, name)?].origin {
            Origin::Node(node, _) => Some(node),
            _ => None,
        }
    }

    /// The readers of a value in one scope.
    pub fn uses_in(&self, value: ValueId, scope: ScopeId) -> &[(NodeId, usize)] {
        let (uses, nodes) = (&self.values[value].uses, &self.scopes[scope].nodes);
        let place = |id: NodeId| uses.partition_point(|(node, _)| *node < id);
        &uses[place(nodes.start)..place(nodes.end)]
    }

    /// The inputs and outputs of a scope, as values.
    pub fn ports(&self, scope: ScopeId) -> (Vec<Option<ValueId>>, Vec<Option<ValueId>>) {
        let values = |names: Vec<&BStr>| names.into_iter().map(|name| self.look_up(scope, name)).collect();
        (values(self.scopes[scope].body.inputs()), values(self.scopes[scope].body.outputs()))
    }

    /// The tensor that a value always is: an initializer, or that of a Constant node.
    pub fn constant(&self, value: ValueId) -> Option<&'m TensorProto> {
        match self.values[value].origin {
            Origin::Initializer(tensor) => Some(tensor),
            Origin::Node(node, 0) => held_tensor(self.nodes[node].proto),
            _ => None,
        }
    }

    fn add(&mut self, body: Body<'m>, parent: Option<ScopeId>, path: String) {
        let scope = self.scopes.len();
        let first = self.nodes.len();
        let nodes = first..first + body.nodes().len();
        self.scopes.push(Scope { body, parent, path, nodes: nodes.clone(), names: Map::default() });
        self.define(scope);
        for (id, proto) in nodes.clone().zip(body.nodes()) {
            let inputs = proto.input.iter().map(|name| self.read(scope, name)).collect();
            let outputs = proto.output.iter().map(|name| self.scopes[scope].names.get(name.as_bstr()).copied());
            let outputs = outputs.collect();
            self.nodes.push(Node { proto, scope, inputs, outputs, subscopes: Vec::new() });
            self.note_uses(id);
        }
        for (id, proto) in nodes.zip(body.nodes()) {
            for (name, graph) in subgraphs(proto) {
                let path = format!("{}{}/{name}", self.prefix(scope), proto.label());
                let inner = self.scopes.len();
                self.nodes[id].subscopes.push(inner);
                self.add(Body::Graph(graph), Some(scope), path);
            }
        }
    }

    fn prefix(&self, scope: ScopeId) -> String {
        let path = &self.scopes[scope].path;
        if path.is_empty() { String::new() } else { format!("{path}/") }
    }

    /// Makes the values of a scope.
    fn define(&mut self, scope: ScopeId) {
        let Scope { body, nodes, .. } = &self.scopes[scope];
        let (body, first) = (*body, nodes.start);
        for tensor in body.initializers() {
            self.value(scope, text(&tensor.name), Origin::Initializer(tensor));
        }
        if let Body::Graph(graph) = body {
            graph.sparse_initializer.iter().for_each(|sparse| self.value(scope, sparse.name(), Origin::Sparse));
        }
        // An initializer may be listed as an input too.
        body.inputs().into_iter().for_each(|name| self.value(scope, name, Origin::Input));
        for (offset, node) in body.nodes().iter().enumerate() {
            for (slot, name) in node.output.iter().enumerate() {
                self.value(scope, name.as_bstr(), Origin::Node(first + offset, slot));
            }
        }
    }

    fn value(&mut self, scope: ScopeId, name: &'m BStr, origin: Origin<'m>) {
        let next = self.values.len();
        if !name.is_empty() && *self.scopes[scope].names.entry(name).or_insert(next) == next {
            self.values.push(Value { name, origin, uses: SmallVec::new() });
        }
    }

    fn read(&mut self, scope: ScopeId, name: &'m BString) -> Option<ValueId> {
        if name.is_empty() {
            return None;
        }
        let found = self.look_up(scope, name.as_bstr());
        found.or_else(|| {
            self.value(scope, name.as_bstr(), Origin::Unknown);
            self.look_up(scope, name.as_bstr())
        })
    }

    fn note_uses(&mut self, node: NodeId) {
        for (slot, value) in self.nodes[node].inputs.iter().enumerate() {
            if let Some(value) = value {
                self.values[*value].uses.push((node, slot));
            }
        }
    }
}

/// The tensor of a Constant node.
pub(super) fn held_tensor(node: &NodeProto) -> Option<&TensorProto> {
    match &node.attribute[..] {
        [value] if node.standard_op() == "Constant" && text(&value.name) == "value" => value.t.as_deref(),
        _ => None,
    }
}

/// The subgraphs of a node, in the order of [`NodeProto::subgraphs`], with the names of their
/// attributes; those of a list are numbered.
pub(super) fn subgraphs(node: &NodeProto) -> impl Iterator<Item = (String, &GraphProto)> {
    node.attribute.iter().flat_map(|attribute| {
        let name = text(&attribute.name);
        let one = attribute.g.as_deref().map(|graph| (name.to_string(), graph));
        let list = attribute.graphs.iter().enumerate();
        one.into_iter().chain(list.map(move |(nth, graph)| (format!("{name}[{nth}]"), graph)))
    })
}

/// The operator of a node: `Conv`, `com.microsoft.FusedConv`, `local.f:overload`.
pub(super) fn operator(node: &NodeProto) -> String {
    qualified(text(&node.domain), text(&node.op_type), text(&node.overload))
}

/// A function as its calls name it.
pub(super) fn function_name(function: &FunctionProto) -> String {
    qualified(text(&function.domain), text(&function.name), text(&function.overload))
}

fn qualified(domain: &BStr, name: &BStr, overload: &BStr) -> String {
    let domain = if is_standard_domain(domain) { String::new() } else { format!("{domain}.") };
    let overload = if overload.is_empty() { String::new() } else { format!(":{overload}") };
    format!("{domain}{name}{overload}")
}
