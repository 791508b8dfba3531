//! Edits. Each one keeps the index of readers and makers true.

use super::{Graph, Node, NodeId, Origin, ScopeId, ScopeKind, Use, ValueId};
use crate::onnx::element::DataType;
use crate::onnx::schema::{
    AttributeProto, Dimension, NodeDeviceConfigurationProto, NodeProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};
use bstr::{BString, ByteSlice};

impl Graph {
    /// A name that occurs nowhere in the model: `base`, or `base_1`, `base_2` …
    pub fn fresh_name(&mut self, base: &str) -> BString {
        let mut name = BString::from(base);
        if name.is_empty() || self.names.contains(name.as_bstr()) {
            // Numbers that were given out for this base are not tried again.
            let last = self.last_numbers.entry(name.clone()).or_default();
            while name.is_empty() || self.names.contains(name.as_bstr()) {
                *last += 1;
                name = format!("{base}_{last}").into();
            }
        }
        self.names.add(name.as_bstr());
        name
    }

    /// Lets a node read another value; missing inputs before it are added as omitted.
    pub fn set_input(&mut self, node: NodeId, slot: usize, value: ValueId) {
        self.drop_use(node, slot);
        let name = self.name(value).to_owned();
        let proto = self.proto_mut(node);
        if proto.input.len() <= slot {
            proto.input.resize(slot + 1, BString::default());
        }
        let old = std::mem::replace(&mut proto.input[slot], name);
        rename_sharding(&mut proto.device_configurations, &old, &proto.input[slot]);
        self.push_input(node, slot, Some(value));
    }

    /// Omits an input of a node. Whether the node may go without it is the caller's to know.
    pub fn omit_input(&mut self, node: NodeId, slot: usize) {
        self.drop_use(node, slot);
        self.proto_mut(node).input.get_mut(slot).map(std::mem::take);
    }

    /// Notes what a node reads; missing inputs before it are noted as omitted.
    pub(super) fn push_input(&mut self, node: NodeId, slot: usize, value: Option<ValueId>) {
        let place = value.map_or(0, |value| {
            let uses = &mut self.value_mut(value).uses;
            uses.push(Use { node, slot: slot as u32 });
            uses.len() as u32 - 1
        });
        let data = self.node_mut(node);
        if data.inputs.len() <= slot {
            data.inputs.resize(slot + 1, None);
            data.use_places.resize(slot + 1, 0);
        }
        data.inputs[slot] = value;
        data.use_places[slot] = place;
    }

    /// Removes a node; what it made is gone, what it read has a reader less.
    pub fn remove_node(&mut self, node: NodeId) {
        for slot in 0..self.node(node).inputs.len() {
            self.drop_use(node, slot);
        }
        let outputs = std::mem::take(&mut self.node_mut(node).outputs);
        for value in outputs.into_iter().flatten() {
            if self.value(value).origin.is_by(node) {
                self.forget(value);
            }
        }
        self.node_mut(node).removed = true;
    }

    /// Removes a node that only passes on its input `slot`, and gives its first output to the node
    /// that made that input: the name after it survives, the name before it goes. Whoever else
    /// reads the value before it (for its shape) reads the value after it.
    pub fn remove_passing(&mut self, node: NodeId, slot: usize) {
        let (Some(before), Some(after)) = (self.input(node, slot), self.output(node, 0)) else { return };
        let Origin::Node(maker, slot) = self.value(before).origin else { return };
        self.value_mut(after).origin = Origin::Node(maker, slot);
        self.remove_node(node);
        self.redirect(before, after);
        let (name, slot) = (self.name(after).to_owned(), slot as usize);
        self.node_mut(maker).outputs[slot] = Some(after);
        let proto = self.proto_mut(maker);
        let old = std::mem::replace(&mut proto.output[slot], name);
        rename_sharding(&mut proto.device_configurations, &old, &proto.output[slot]);
        self.forget(before);
    }

    /// Removes a node that only passes on its input `slot`; who read its first output, which nobody
    /// outside may see, reads that input: the name before it survives.
    pub fn bypass(&mut self, node: NodeId, slot: usize) {
        let (Some(before), Some(after)) = (self.input(node, slot), self.output(node, 0)) else { return };
        self.redirect(after, before);
        self.remove_node(node);
    }

    /// Lets all nodes that read a value read another one.
    pub fn redirect(&mut self, from: ValueId, to: ValueId) {
        for usage in self.value(from).uses.clone() {
            self.set_input(usage.node, usage.slot as usize, to);
        }
    }

    /// Turns a node into another one that makes the same outputs.
    pub fn replace_node(&mut self, node: NodeId, op: &str, inputs: &[ValueId], attributes: Vec<AttributeProto>) {
        for slot in 0..self.node(node).inputs.len() {
            self.drop_use(node, slot);
        }
        let data = self.node_mut(node);
        data.inputs.clear();
        data.use_places.clear();
        // Omitted trailing outputs belong to the operator that was.
        let made = data.outputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        data.outputs.truncate(made);
        let proto = self.proto_mut(node);
        proto.input.clear();
        proto.output.truncate(made);
        proto.op_type = Some(op.into());
        proto.attribute = attributes;
        for (slot, value) in inputs.iter().enumerate() {
            self.set_input(node, slot, *value);
        }
    }

    /// Sets or replaces an attribute.
    pub fn set_attribute(&mut self, node: NodeId, attribute: AttributeProto) {
        let attributes = &mut self.proto_mut(node).attribute;
        match attributes.iter_mut().find(|old| old.name == attribute.name) {
            Some(old) => *old = attribute,
            None => attributes.push(attribute),
        }
    }

    /// Adds a constant where `node` can read it: an initializer of its scope, or a Constant node
    /// before all others in a function, which has no initializers, and in a subgraph until IR
    /// version 3, where they would have to be inputs of the subgraph.
    pub fn add_constant(&mut self, node: NodeId, tensor: TensorProto) -> ValueId {
        self.add_constant_to(self.node(node).scope, tensor)
    }

    /// As [`add_constant`](Self::add_constant), where all nodes of a scope can read it.
    pub fn add_constant_to(&mut self, scope: ScopeId, tensor: TensorProto) -> ValueId {
        match self.scope(scope).kind {
            ScopeKind::Function(_) => self.add_constant_node(scope, tensor),
            ScopeKind::Subgraph if self.ir_version() < 4 => self.add_constant_node(scope, tensor),
            _ => self.add_initializer(scope, tensor),
        }
    }

    fn add_initializer(&mut self, scope: ScopeId, tensor: TensorProto) -> ValueId {
        let name = tensor.name.clone().unwrap_or_default();
        let index = self.scope(scope).graph.initializer.len() as u32;
        // Until IR version 3 each initializer of the main graph must be an input as well.
        let listed = self.ir_version() < 4;
        if listed {
            let info = value_info(&tensor);
            self.scope_mut(scope).graph.input.push(info);
        }
        self.scope_mut(scope).graph.initializer.push(tensor);
        self.add_value(scope, name.as_bstr(), Origin::Initializer { index, listed })
    }

    fn add_constant_node(&mut self, scope: ScopeId, tensor: TensorProto) -> ValueId {
        let name = tensor.name.clone().unwrap_or_default();
        let id = self.push_node(scope, NodeProto::constant(tensor));
        self.scope_mut(scope).prepended.push(id);
        let value = self.add_value(scope, name.as_bstr(), Origin::Node(id, 0));
        self.node_mut(id).outputs.push(Some(value));
        value
    }

    pub(super) fn push_node(&mut self, scope: ScopeId, proto: NodeProto) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let nodes = &mut self.scope_mut(scope).graph.node;
        nodes.push(proto);
        let place = nodes.len() - 1;
        self.nodes.push(Node::new(scope, place));
        id
    }

    /// Inserts a node after another one. It makes one new value, `output`, which must be a
    /// fresh name. The node is returned.
    pub fn insert_after(&mut self, node: NodeId, op: &str, inputs: &[ValueId], output: BString) -> NodeId {
        let scope = self.node(node).scope;
        let proto = NodeProto { op_type: Some(op.into()), output: vec![output.clone()], ..Default::default() };
        let id = self.push_node(scope, proto);
        self.node_mut(node).inserted_after.push(id);
        self.connect(id, inputs, output);
        id
    }

    /// Inserts a node that computes the first output of `node` from what `node` makes of it so far,
    /// which gets the name `before`, a fresh one, and from the values in `rest`. The node is returned.
    pub fn insert_behind(&mut self, node: NodeId, op: &str, rest: &[ValueId], before: BString) -> Option<NodeId> {
        let after = self.output(node, 0)?;
        let scope = self.node(node).scope;
        let value = self.add_value(scope, before.as_bstr(), Origin::Node(node, 0));
        self.node_mut(node).outputs[0] = Some(value);
        let proto = self.proto_mut(node);
        let name = std::mem::replace(&mut proto.output[0], before);
        rename_sharding(&mut proto.device_configurations, &name, &proto.output[0]);
        let id =
            self.push_node(scope, NodeProto { op_type: Some(op.into()), output: vec![name], ..Default::default() });
        self.node_mut(node).inserted_after.push(id);
        self.node_mut(id).outputs.push(Some(after));
        self.value_mut(after).origin = Origin::Node(id, 0);
        for (slot, input) in std::iter::once(&value).chain(rest).enumerate() {
            self.set_input(id, slot, *input);
        }
        Some(id)
    }

    /// The tensor of an initializer, or of the `value` of a Constant node.
    pub fn stored_tensor_mut(&mut self, value: ValueId) -> Option<&mut TensorProto> {
        let scope = self.value(value).scope;
        match self.value(value).origin {
            Origin::Initializer { index, .. } => self.scope_mut(scope).graph.initializer.get_mut(index as usize),
            Origin::Node(node, 0) if self.op(node) == "Constant" => {
                let attributes = &mut self.proto_mut(node).attribute;
                attributes.iter_mut().find_map(|attribute| attribute.t.as_deref_mut())
            }
            _ => None,
        }
    }

    /// The tensor of an initializer, or of the `value` of a Constant node.
    pub fn stored_tensor(&self, value: ValueId) -> Option<&TensorProto> {
        let scope = self.scope(self.value(value).scope);
        match self.value(value).origin {
            Origin::Initializer { index, .. } => scope.graph.initializer.get(index as usize),
            Origin::Node(node, 0) if self.op(node) == "Constant" => {
                let mut values = self.proto(node).attribute.iter().filter(|attribute| !attribute.is_reference());
                values.find_map(|attribute| attribute.t.as_deref())
            }
            _ => None,
        }
    }

    /// Removes the constants that edits left without readers: initializers, and nodes that
    /// computed them. What was unused before stays.
    pub fn sweep_released(&mut self) {
        while let Some(value) = self.released.pop() {
            let data = self.value(value);
            if !data.is_unread() {
                continue;
            }
            match data.origin {
                // A default stays: callers may name it.
                Origin::Initializer { .. } | Origin::Sparse { .. } if self.is_overridable(value) => {}
                Origin::Initializer { .. } | Origin::Sparse { .. } => self.forget(value),
                Origin::Node(node, _) if self.is_dead_constant(node) => self.remove_node(node),
                _ => {}
            }
        }
    }

    fn is_dead_constant(&self, node: NodeId) -> bool {
        let mut outputs = self.node(node).outputs.iter().flatten();
        (super::constant::is_evaluable(self.op(node)) || self.op(node) == "DequantizeLinear")
            && outputs.all(|value| self.value(*value).is_unread())
    }

    pub(super) fn drop_use(&mut self, node: NodeId, slot: usize) {
        let Some(value) = self.node_mut(node).inputs.get_mut(slot).and_then(Option::take) else { return };
        let place = self.node(node).use_places[slot] as usize;
        let uses = &mut self.value_mut(value).uses;
        uses.swap_remove(place);
        // Another use has taken the place.
        if let Some(moved) = uses.get(place).copied() {
            self.node_mut(moved.node).use_places[moved.slot as usize] = place as u32;
        }
        self.released.push(value);
    }

    pub(super) fn forget(&mut self, value: ValueId) {
        let data = self.value_mut(value);
        data.origin = Origin::Gone;
        let scope = data.scope;
        self.scope_mut(scope).shrunk = true;
    }
}

impl Origin {
    fn is_by(self, maker: NodeId) -> bool {
        matches!(self, Origin::Node(node, _) if node == maker)
    }
}

/// A node that is distributed over devices names its inputs and outputs a second time.
fn rename_sharding(devices: &mut [NodeDeviceConfigurationProto], old: &BString, new: &BString) {
    let specs = devices.iter_mut().flat_map(|device| &mut device.sharding_spec);
    for spec in specs.filter(|spec| spec.tensor_name.as_ref() == Some(old)) {
        spec.tensor_name = Some(new.clone());
    }
}

fn value_info(tensor: &TensorProto) -> ValueInfoProto {
    let dim = |length: &i64| Dimension { dim_value: Some(*length), ..Default::default() };
    let shape = TensorShapeProto { dim: tensor.dims.iter().map(dim).collect(), ..Default::default() };
    let elem_type = tensor.element().map(DataType::code);
    let tensor_type = TensorTypeProto { elem_type, shape: Some(shape), ..Default::default() };
    let r#type = Some(TypeProto { tensor_type: Some(tensor_type), ..Default::default() });
    ValueInfoProto { name: tensor.name.clone(), r#type, ..Default::default() }
}
