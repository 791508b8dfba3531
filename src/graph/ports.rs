//! Edits of what a node calls and with what: inputs and outputs that go, attributes, the name.

use super::{Graph, NodeId, ValueId};
use crate::onnx::schema::AttributeProto;
use bstr::BString;

impl Graph {
    /// Removes the attributes that do not stay.
    pub fn retain_attributes(&mut self, node: NodeId, stays: impl Fn(&AttributeProto) -> bool) {
        self.proto_mut(node).attribute.retain(stays);
    }

    /// Omits an output of a node, if nobody sees it; returns whether it did, or there was none.
    pub fn drop_output(&mut self, node: NodeId, slot: usize) -> bool {
        let Some(value) = self.output(node, slot) else { return true };
        if !self.value(value).is_unread() {
            return false;
        }
        self.forget(value);
        self.node_mut(node).outputs[slot] = None;
        let old = std::mem::take(&mut self.proto_mut(node).output[slot]);
        self.forget_sharding(node, &old);
        self.trim_outputs(node);
        true
    }

    /// Omitted outputs at the end need not be listed; the first one stays.
    fn trim_outputs(&mut self, node: NodeId) {
        let outputs = &self.node(node).outputs;
        let listed = outputs.iter().rposition(Option::is_some).map_or(1, |last| last + 1).min(outputs.len());
        self.node_mut(node).outputs.truncate(listed);
        self.proto_mut(node).output.truncate(listed);
    }

    /// Lets a node call another operator or function of the same domain.
    pub fn rename_op(&mut self, node: NodeId, op: BString) {
        self.proto_mut(node).op_type = Some(op);
    }

    /// Removes inputs of a node; those after them move up.
    pub fn remove_inputs(&mut self, node: NodeId, is_removed: impl Fn(usize) -> bool) {
        let inputs = std::mem::take(&mut self.proto_mut(node).input);
        let values: Vec<Option<ValueId>> = self.node(node).inputs.iter().copied().collect();
        (0..values.len()).for_each(|slot| self.drop_use(node, slot));
        let data = self.node_mut(node);
        data.inputs.clear();
        data.use_places.clear();
        let (mut removed, mut kept) = (Vec::new(), 0);
        for (slot, (name, value)) in inputs.into_iter().zip(values).enumerate() {
            if is_removed(slot) {
                removed.push(name);
                continue;
            }
            self.proto_mut(node).input.push(name);
            self.push_input(node, kept, value);
            kept += 1;
        }
        removed.iter().for_each(|name| self.forget_sharding(node, name));
    }

    /// A node that is distributed says nothing any more of a value that it neither reads nor makes.
    fn forget_sharding(&mut self, node: NodeId, old: &BString) {
        let proto = self.proto_mut(node);
        if proto.input.contains(old) || proto.output.contains(old) {
            return;
        }
        for device in &mut *proto.device_configurations {
            device.sharding_spec.retain(|spec| spec.tensor_name.as_ref() != Some(old));
        }
    }
}
