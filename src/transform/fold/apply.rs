//! Carrying out the plan.

use super::plan::Fold;
use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::{Bias, Linear};
use crate::onnx::payload::Payload;
use crate::onnx::schema::{AttributeProto, TensorProto};
use bstr::{BString, ByteSlice};

/// Carries out all folds, then removes the constants that they left without readers. What a fold
/// holds is given back as soon as it is in the graph.
pub(super) fn apply(graph: &mut Graph, folds: Vec<Fold>) {
    for fold in folds {
        apply_weight(graph, &fold);
        let remaining = apply_bias(graph, &fold);
        for norm in remaining {
            graph.remove_passing(*norm);
        }
    }
    graph.sweep_released();
}

fn apply_weight(graph: &mut Graph, Fold { linear, weight, .. }: &Fold) {
    let base = format!("{}_folded", graph.name(linear.weight));
    write_operand(graph, (linear.node, linear.slot), Some(linear.weight), &base, linear, &linear.shape, weight.clone());
}

/// Writes the bias; the BatchNormalizations that are still to be removed are returned.
fn apply_bias<'f>(graph: &mut Graph, fold: &'f Fold) -> &'f [NodeId] {
    let Some(bias) = &fold.bias else { return &fold.norms };
    let linear = &fold.linear;
    let payload = bias.payload.clone();
    match &linear.bias {
        Bias::Operand { node, slot, value, gain } => {
            let old = value.filter(|_| *gain != 0.0);
            let base = old.map_or_else(|| bias_name(graph, linear), |old| format!("{}_folded", graph.name(old)));
            write_operand(graph, (*node, *slot), old, &base, linear, &bias.shape, payload);
            adapt_attributes(graph, *node, *gain);
            &fold.norms
        }
        Bias::None => {
            // The first BatchNormalization becomes the Add that the MatMul lacks.
            let norm = fold.norms[0];
            let Some(input) = graph.input(norm, 0) else { return &fold.norms };
            let name = graph.fresh_name(&bias_name(graph, linear));
            let value = graph.add_constant(norm, tensor(name, linear, &bias.shape, payload));
            graph.replace_node(norm, "Add", &[input, value], Vec::new());
            adapt_attributes(graph, norm, 1.0);
            &fold.norms[1..]
        }
    }
}

/// Gives an operand new elements: where they are stored, if nobody else sees them there, else
/// in a new constant that is called after `base`.
fn write_operand(
    graph: &mut Graph,
    (node, slot): (NodeId, usize),
    old: Option<ValueId>,
    base: &str,
    linear: &Linear,
    shape: &[usize],
    payload: Payload,
) {
    let stored = old.filter(|old| is_exclusive(graph, *old, node, slot));
    if stored.is_some_and(|stored| set_stored(graph, stored, &payload, shape)) {
        return;
    }
    let name = graph.fresh_name(base);
    let value = graph.add_constant(node, tensor(name, linear, shape, payload));
    graph.set_input(node, slot, value);
}

/// A tensor of the operator's element type.
fn tensor(name: BString, linear: &Linear, shape: &[usize], payload: Payload) -> TensorProto {
    let mut tensor = TensorProto::empty(name, linear.element.data_type(), shape);
    tensor.set_elements(payload);
    tensor
}

/// The bias was multiplied with beta: now beta is 1. Before opset 7 a bias of lower rank than
/// the product needs an attribute to be broadcast.
fn adapt_attributes(graph: &mut Graph, node: NodeId, gain: f64) {
    if gain != 1.0 {
        graph.set_attribute(node, AttributeProto::float("beta", 1.0));
    }
    let op = graph.op(node);
    if graph.opset(node) < 7 && (op == "Gemm" || op == "Add") {
        graph.set_attribute(node, AttributeProto::int("broadcast", 1));
    }
}

/// A constant that more inputs read, be it only its shape, gets a copy without a look at them all:
/// as many operators may ask.
const MANY: usize = 10_000;

/// Whether a stored constant is seen by this input of this node only, so that it can be
/// edited where it is.
fn is_exclusive(graph: &Graph, value: ValueId, node: NodeId, slot: usize) -> bool {
    let data = graph.value(value);
    if data.uses.len() > MANY {
        return false;
    }
    let mut uses = graph.data_uses(value);
    let only =
        uses.next().is_some_and(|usage| usage.node == node && usage.slot as usize == slot) && uses.next().is_none();
    only && !data.is_seen_outside()
}

/// Replaces the elements of a stored tensor; false when there is none, or one of another shape.
fn set_stored(graph: &mut Graph, value: ValueId, payload: &Payload, shape: &[usize]) -> bool {
    let Some(tensor) = graph.stored_tensor_mut(value) else { return false };
    if tensor.shape().ok().as_deref() != Some(shape) {
        return false;
    }
    tensor.set_elements(payload.clone());
    true
}

/// `conv.weight` has the bias `conv.bias`, `W` has `W_bias`.
fn bias_name(graph: &Graph, linear: &Linear) -> String {
    let weight = graph.name(linear.weight).to_str_lossy().into_owned();
    match weight.strip_suffix("weight") {
        Some(stem) => format!("{stem}bias"),
        None => format!("{weight}_bias"),
    }
}
