//! New elements for the constants that a node reads. Nobody else's constant is edited.

use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::bias::NewConstant;
use crate::onnx::element::DataType;
use crate::onnx::payload::Payload;
use crate::onnx::schema::TensorProto;

/// Gives an operand new elements: where they are stored, if nobody else sees them there, else
/// in a new constant.
pub fn write_operand(
    graph: &mut Graph,
    (node, slot): (NodeId, usize),
    old: Option<ValueId>,
    name: Option<String>,
    new: &NewConstant,
) {
    let stored = old.filter(|old| is_exclusive(graph, *old, node, slot));
    if stored.is_some_and(|stored| set_stored(graph, stored, &new.payload, &new.shape, new.element)) {
        return;
    }
    let base = name.or_else(|| Some(format!("{}_folded", graph.name(old?))));
    let value = add(graph, node, &base.unwrap_or_default(), new);
    graph.set_input(node, slot, value);
}

/// Adds a constant under a fresh name.
pub fn add(graph: &mut Graph, node: NodeId, base: &str, new: &NewConstant) -> ValueId {
    let mut tensor = TensorProto::empty(graph.fresh_name(base), new.element, &new.shape);
    tensor.set_elements(new.payload.clone());
    graph.add_constant(node, tensor)
}

/// A constant that more inputs read, be it only its shape, gets a copy without a look at them all:
/// as many operators may ask.
const MANY: usize = 10_000;

/// Whether a stored constant is seen by this input of this node only, so that it can be
/// edited where it is.
pub fn is_exclusive(graph: &Graph, value: ValueId, node: NodeId, slot: usize) -> bool {
    let data = graph.value(value);
    if data.uses.len() > MANY {
        return false;
    }
    let mut uses = graph.data_uses(value);
    let only =
        uses.next().is_some_and(|usage| usage.node == node && usage.slot as usize == slot) && uses.next().is_none();
    only && !data.is_seen_outside()
}

/// Replaces the elements of a stored tensor; false when there is none, or one of another shape or type.
fn set_stored(graph: &mut Graph, value: ValueId, payload: &Payload, shape: &[usize], element: DataType) -> bool {
    let Some(tensor) = graph.stored_tensor_mut(value) else { return false };
    if tensor.shape().ok().as_deref() != Some(shape) || tensor.element() != Some(element) {
        return false;
    }
    tensor.set_elements(payload.clone());
    true
}
