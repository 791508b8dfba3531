//! Taking a model apart, and what must be true of it for that.

use super::names::Names;
use super::{Graph, Node, NodeId, Origin, Scope, ScopeId, ScopeKind, Value, ValueId, Values, training};
use crate::onnx::access::{is_standard_domain, standard_opset, text};
use crate::onnx::check::NESTING;
use crate::onnx::schema::{FunctionProto, GraphProto, ModelProto};
use bstr::{BStr, BString, ByteSlice};
use std::collections::{HashMap, HashSet};

/// Why a model cannot be taken apart; [`onnx::check`](crate::onnx::check()) says more about it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// A node or output names a value that nothing makes, or only a later node.
    #[error("{reader} reads `{value}`, which nothing before it makes")]
    Missing {
        /// The node or graph that reads it.
        reader: String,
        /// The name.
        value: BString,
    },
    /// Two things make the same value.
    #[error("`{value}` is made twice; value names must be unique in a graph")]
    Duplicate {
        /// The name.
        value: BString,
    },
    /// Graphs are nested too deeply.
    #[error("subgraphs are nested more than {NESTING} deep")]
    Nesting,
}

impl Graph {
    /// Takes a model apart.
    ///
    /// # Errors
    /// When a value is made twice, not at all, or after it is read.
    pub fn new(mut model: ModelProto) -> Result<Graph, GraphError> {
        let main = model.graph.take().unwrap_or_default();
        let opset = standard_opset(&model.opset_import);
        let mut functions = std::mem::take(&mut model.functions);
        let mut graph = Graph {
            overridden: overridden(&functions),
            shell: model,
            scopes: Vec::new(),
            nodes: Vec::new(),
            loaded_nodes: 0,
            values: Vec::new(),
            names: Names::default(),
            last_numbers: HashMap::new(),
            released: Vec::new(),
        };
        let main = graph.add_scope(ScopeKind::Main, None, main, opset, 0)?;
        training::pin(&mut graph, main);
        for (index, function) in functions.iter_mut().enumerate() {
            graph.add_function(index, function)?;
        }
        graph.shell.functions = functions;
        graph.note_described();
        graph.loaded_nodes = graph.nodes.len() as u32;
        Ok(graph)
    }

    fn add_function(&mut self, index: usize, function: &mut FunctionProto) -> Result<(), GraphError> {
        let (node, value_info) = (std::mem::take(&mut function.node), std::mem::take(&mut function.value_info));
        let body = GraphProto { node, value_info, ..Default::default() };
        let opset = standard_opset(&function.opset_import);
        let kind = ScopeKind::Function(index);
        let scope = self.open_scope(kind, None, opset);
        for name in &function.input {
            self.define(scope, name.as_bstr(), Origin::Input)?;
        }
        self.fill_scope(scope, body, &function.output, 0)
    }

    fn add_scope(
        &mut self,
        kind: ScopeKind,
        parent: Option<ScopeId>,
        graph: GraphProto,
        opset: i64,
        depth: usize,
    ) -> Result<ScopeId, GraphError> {
        if depth > NESTING {
            return Err(GraphError::Nesting);
        }
        let scope = self.open_scope(kind, parent, opset);
        self.names.reserve(graph.node.len() + graph.initializer.len());
        self.define_constants(scope, &graph)?;
        let outputs: Vec<BString> = graph.output.iter().map(|output| text(&output.name).into()).collect();
        self.fill_scope(scope, graph, &outputs, depth)?;
        Ok(scope)
    }

    fn open_scope(&mut self, kind: ScopeKind, parent: Option<ScopeId>, opset: i64) -> ScopeId {
        let id = ScopeId(self.scopes.len() as u32);
        let (graph, order, prepended) = (GraphProto::default(), Vec::new(), Vec::new());
        self.scopes.push(Scope { kind, parent, last: id, graph, order, prepended, opset, shrunk: false });
        id
    }

    /// Inputs and initializers. An initializer may be listed as an input: until IR version 3
    /// it must be, since then that makes it a default that a caller can override.
    fn define_constants(&mut self, scope: ScopeId, graph: &GraphProto) -> Result<(), GraphError> {
        let inputs: HashSet<&BStr> = graph.input.iter().map(|input| text(&input.name)).collect();
        for (index, tensor) in graph.initializer.iter().enumerate() {
            let listed = inputs.contains(text(&tensor.name));
            self.define(scope, text(&tensor.name), Origin::Initializer { index: index as u32, listed })?;
        }
        for (index, tensor) in graph.sparse_initializer.iter().enumerate() {
            let listed = inputs.contains(tensor.name());
            self.define(scope, tensor.name(), Origin::Sparse { index: index as u32, listed })?;
        }
        let mut seen = HashSet::new();
        for input in &graph.input {
            let name = text(&input.name);
            if !seen.insert(name) {
                return Err(GraphError::Duplicate { value: name.into() });
            }
            if self.names.resolve(name, std::iter::once(scope)).is_none() {
                self.define(scope, name, Origin::Input)?;
            }
        }
        Ok(())
    }

    fn fill_scope(
        &mut self,
        scope: ScopeId,
        graph: GraphProto,
        outputs: &[BString],
        depth: usize,
    ) -> Result<(), GraphError> {
        let nodes = graph.node.len();
        self.scope_mut(scope).graph = graph;
        self.nodes.reserve(nodes);
        for place in 0..nodes {
            self.add_node(scope, place, depth)?;
        }
        for name in outputs {
            let missing = || GraphError::Missing { reader: "the list of graph outputs".into(), value: name.clone() };
            let value = self.resolve(scope, name.as_bstr()).ok_or_else(missing)?;
            self.value_mut(value).outputs += 1;
        }
        self.pin_annotated(scope);
        self.scope_mut(scope).last = ScopeId(self.scopes.len() as u32 - 1);
        Ok(())
    }

    fn add_node(&mut self, scope: ScopeId, place: usize, depth: usize) -> Result<(), GraphError> {
        let id = NodeId(self.nodes.len() as u32);
        let read = |name| self.read(scope, place, name);
        let inputs = self.scope(scope).graph.node[place].input.iter().map(read).collect::<Result<Values, _>>()?;
        self.nodes.push(Node::new(scope, place));
        for (slot, value) in inputs.into_iter().enumerate() {
            self.push_input(id, slot, value);
        }
        self.scope_mut(scope).order.push(id);
        let subgraphs: Vec<GraphProto> = self.proto_mut(id).subgraphs_mut().map(std::mem::take).collect();
        let opset = self.scope(scope).opset;
        for subgraph in subgraphs {
            let inner = self.add_scope(ScopeKind::Subgraph, Some(scope), subgraph, opset, depth + 1)?;
            self.node_mut(id).subscopes.push(inner);
        }
        let names = std::mem::take(&mut self.proto_mut(id).output);
        for (slot, name) in names.iter().enumerate() {
            let value = match name.is_empty() {
                true => None,
                false => Some(self.define(scope, name.as_bstr(), Origin::Node(id, slot as u32))?),
            };
            self.node_mut(id).outputs.push(value);
        }
        self.proto_mut(id).output = names;
        Ok(())
    }

    /// The value that a node reads by this name.
    fn read(&self, scope: ScopeId, place: usize, name: &BString) -> Result<Option<ValueId>, GraphError> {
        if name.is_empty() {
            return Ok(None);
        }
        let missing = || {
            let node = &self.scope(scope).graph.node[place];
            let reader = format!("node `{}` ({})", node.label(), text(&node.op_type));
            GraphError::Missing { reader, value: name.clone() }
        };
        self.resolve(scope, name.as_bstr()).map(Some).ok_or_else(missing)
    }

    /// The value of this name, in the scope or in one around it.
    pub(super) fn resolve(&self, scope: ScopeId, name: &BStr) -> Option<ValueId> {
        self.names.resolve(name, self.scopes_from(scope))
    }

    pub(super) fn define(&mut self, scope: ScopeId, name: &BStr, origin: Origin) -> Result<ValueId, GraphError> {
        let id = ValueId::new(self.values.len());
        let (known, is_new) = self.names.define(name, scope, id);
        if !is_new {
            return Err(GraphError::Duplicate { value: name.into() });
        }
        self.values.push(Value::new(scope, known, origin));
        Ok(id)
    }

    /// Adds a value of a name that its scope does not have yet.
    pub(super) fn add_value(&mut self, scope: ScopeId, name: &BStr, origin: Origin) -> ValueId {
        let id = ValueId::new(self.values.len());
        let (name, is_new) = self.names.define(name, scope, id);
        debug_assert!(is_new);
        self.values.push(Value::new(scope, name, origin));
        id
    }

    /// Names that are described without being defined: they are not free for new values either.
    fn note_described(&mut self) {
        for info in self.scopes.iter().flat_map(|scope| &scope.graph.value_info) {
            self.names.add(text(&info.name));
        }
    }

    /// A quantisation annotation names a value and its parameters: none of them may go.
    fn pin_annotated(&mut self, scope: ScopeId) {
        let annotations = std::mem::take(&mut self.scope_mut(scope).graph.quantization_annotation);
        for annotation in &annotations {
            self.pin(scope, text(&annotation.tensor_name));
            for entry in &annotation.quant_parameter_tensor_names {
                self.pin(scope, text(&entry.value));
            }
        }
        self.scope_mut(scope).graph.quantization_annotation = annotations;
    }

    pub(super) fn pin(&mut self, scope: ScopeId, name: &BStr) {
        if let Some(value) = self.resolve(scope, name) {
            self.value_mut(value).pinned = true;
        }
    }
}

/// Standard operators that a local function of the same domain and name replaces.
fn overridden(functions: &[FunctionProto]) -> HashSet<BString> {
    let standard = functions.iter().filter(|function| is_standard_domain(text(&function.domain)));
    standard.map(|function| text(&function.name).to_owned()).collect()
}
