//! Carrying out the plan.

use super::plan::{Fold, Plan};
use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::{Bias, Linear};
use crate::onnx::payload::Payload;
use crate::onnx::schema::{AttributeProto, TensorProto};
use bstr::{BString, ByteSlice};

/// Carries out all folds, then removes the constants that they left without readers.
pub(super) fn apply(graph: &mut Graph, plan: &Plan) {
    for fold in &plan.folds {
        apply_weight(graph, fold);
        let remaining = apply_bias(graph, fold);
        for norm in remaining {
            graph.remove_passing(*norm);
        }
    }
    graph.sweep_released();
}

fn apply_weight(graph: &mut Graph, Fold { linear, weight, .. }: &Fold) {
    let (node, slot) = (linear.node, linear.slot);
    if is_exclusive(graph, linear.weight, node, slot) && set_stored(graph, linear.weight, weight.clone(), None) {
        return;
    }
    let name = graph.fresh_name(&format!("{}_folded", graph.name(linear.weight)));
    let mut tensor = TensorProto::empty(name, linear.element.data_type(), &linear.shape);
    tensor.set_raw(weight.clone());
    let value = graph.add_constant(node, tensor);
    graph.set_input(node, slot, value);
}

/// Writes the bias; the BatchNormalizations that are still to be removed are returned.
fn apply_bias<'f>(graph: &mut Graph, fold: &'f Fold) -> &'f [NodeId] {
    let Some(bias) = &fold.bias else { return &fold.norms };
    let linear = &fold.linear;
    let payload = Payload::from(linear.element.encode(&bias.values));
    let tensor = |name: BString| TensorProto::floats(name, linear.element, &bias.shape, &bias.values);
    match &linear.bias {
        Bias::Operand { node, slot, value, gain } => {
            let kept = value.filter(|value| *gain != 0.0 && is_exclusive(graph, *value, *node, *slot));
            let in_place = kept.is_some_and(|value| set_stored(graph, value, payload, Some(&bias.shape)));
            if !in_place {
                let base = match value {
                    Some(value) if *gain != 0.0 => format!("{}_folded", graph.name(*value)),
                    _ => bias_name(graph, linear),
                };
                let name = graph.fresh_name(&base);
                let value = graph.add_constant(*node, tensor(name));
                graph.set_input(*node, *slot, value);
            }
            adapt_attributes(graph, *node, *gain);
            &fold.norms
        }
        Bias::None => {
            // The first BatchNormalization becomes the Add that the MatMul lacks.
            let norm = fold.norms[0];
            let name = graph.fresh_name(&bias_name(graph, linear));
            let value = graph.add_constant(norm, tensor(name));
            let Some(input) = graph.input(norm, 0) else { return &fold.norms };
            graph.replace_node(norm, "Add", &[input, value], Vec::new());
            adapt_attributes(graph, norm, 1.0);
            &fold.norms[1..]
        }
    }
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

/// Whether a stored constant is seen by this input of this node only, so that it can be
/// edited where it is.
fn is_exclusive(graph: &Graph, value: ValueId, node: NodeId, slot: usize) -> bool {
    let data = graph.value(value);
    let mut uses = graph.data_uses(value);
    let only = uses.next().is_some_and(|usage| usage.node == node && usage.slot == slot) && uses.next().is_none();
    only && data.outputs == 0 && !data.pinned
}

/// Replaces the elements of a stored tensor; false when there is none, or one of another shape.
fn set_stored(graph: &mut Graph, value: ValueId, payload: Payload, shape: Option<&[usize]>) -> bool {
    let Some(tensor) = graph.stored_tensor_mut(value) else { return false };
    if shape.is_some_and(|shape| tensor.shape().ok().as_deref() != Some(shape)) {
        return false;
    }
    tensor.set_raw(payload);
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
