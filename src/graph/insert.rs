//! Edits that add nodes and outputs, and give them names.

use super::{Graph, NodeId, Origin, ScopeId, ValueId};
use crate::onnx::access::text;
use crate::onnx::schema::NodeProto;
use bstr::{BString, ByteSlice};

impl Graph {
    /// Notes what a new node reads, and the one value that it makes.
    pub(super) fn connect(&mut self, id: NodeId, inputs: &[ValueId], output: BString) {
        for (slot, value) in inputs.iter().enumerate() {
            self.set_input(id, slot, *value);
        }
        let value = self.add_value(self.node(id).scope, output.as_bstr(), Origin::Node(id, 0));
        self.node_mut(id).outputs.push(Some(value));
    }

    /// Inserts a node of this scope as soon as its first input is there: behind the node that makes
    /// it, or before all others if that is an input of the scope or comes from outside. It makes one
    /// new value, `output`, which must be a fresh name. The node is returned.
    pub fn insert_on(&mut self, scope: ScopeId, op: &str, inputs: &[ValueId], output: BString) -> NodeId {
        let first = inputs.first().filter(|value| self.value(**value).scope == scope);
        match first.and_then(|value| self.producer(*value)) {
            Some(producer) => self.insert_after(producer, op, inputs, output),
            None => {
                let proto = NodeProto { op_type: Some(op.into()), output: vec![output.clone()], ..Default::default() };
                let id = self.push_node(scope, proto);
                self.scope_mut(scope).prepended.push(id);
                self.connect(id, inputs, output);
                id
            }
        }
    }

    /// Adds a further output, of a fresh name, to a node that has no omitted ones.
    pub fn add_output(&mut self, node: NodeId, name: BString) -> ValueId {
        let slot = self.node(node).outputs.len() as u32;
        let value = self.add_value(self.node(node).scope, name.as_bstr(), Origin::Node(node, slot));
        self.node_mut(node).outputs.push(Some(value));
        self.proto_mut(node).output.push(name);
        value
    }

    /// Gives a node a name.
    pub fn set_node_name(&mut self, node: NodeId, name: BString) {
        self.proto_mut(node).name = Some(name);
    }

    /// From now on no fresh name is that of a node.
    pub fn reserve_node_names(&mut self) {
        for node in self.nodes().collect::<Vec<_>>() {
            let name = text(&self.proto(node).name).to_owned();
            self.names.add(name.as_bstr());
        }
    }
}
