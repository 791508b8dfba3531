//! Carrying out the plan.

use super::edits::Edits;
use super::home::Home;
use super::plan::{Direction, Plan};
use super::site::{Leaf, Place};
use super::source::{Kind, Source};
use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::Linear;
use crate::linear::bias::{Bias, NewConstant};
use crate::linear::quantized::Requantized;
use crate::onnx::schema::AttributeProto;
use crate::transform::operand::{add, is_exclusive, write_operand};
use bstr::ByteSlice;

/// Writes all constants, then removes the nodes that vanish and the constants that nobody reads any
/// more. What a site holds is given back as soon as it is in the graph.
pub(super) fn apply(graph: &mut Graph, plan: Plan) {
    for (place, site) in plan.sites {
        match &site.leaf {
            Leaf::Linear(linear) => write_linear(graph, linear, &site.edits),
            Leaf::Source(source) => write_source(graph, source, &site.edits),
            Leaf::Constant { value, .. } => write_constant(graph, place, *value, &site.edits),
        }
        let Some(shift) = site.edits.shift else { continue };
        match (&site.leaf, site.home) {
            (_, Home::At { node, data, .. }) => rewrite(graph, (node, data), "Add", &shift),
            (Leaf::Linear(linear), _) => insert_add(graph, place.node, &bias_name(graph, linear), &shift),
            _ => insert_add(graph, place.node, &format!("{}_shift", graph.label(place.node)), &shift),
        }
    }
    for (node, shift) in plan.shifts {
        rewrite(graph, (node, 0), "Add", &shift);
    }
    // What went forward may have taken in what went backward: its output is there until then.
    let (backward, forward): (Vec<_>, Vec<_>) =
        plan.gone.into_iter().partition(|(_, gone)| gone.direction == Direction::Backward);
    backward.into_iter().for_each(|(node, gone)| graph.remove_passing(node, gone.data));
    forward.into_iter().for_each(|(node, gone)| graph.bypass(node, gone.data));
    graph.sweep_released();
}

fn write_linear(graph: &mut Graph, linear: &Linear, edits: &Edits) {
    let weight = &linear.weight;
    if let Some(payload) = &edits.weight {
        let new =
            NewConstant { shape: weight.shape.clone(), element: weight.element.data_type(), payload: payload.clone() };
        write_operand(graph, (linear.node, weight.slot), Some(weight.value), None, &new);
    }
    if let Some(new) = &edits.requantized {
        write_requantized(graph, (linear.node, weight.slot), new);
    }
    if let (Some(bias), Bias::Operand { slot, value, gain, .. }) = (&edits.bias, &linear.bias) {
        let old = value.filter(|_| *gain != 0.0);
        let name = old.is_none().then(|| bias_name(graph, linear));
        write_operand(graph, (linear.node, *slot), old, name, bias);
        adapt_gemm(graph, linear.node, *gain);
    }
}

/// Gives a DequantizeLinear new inputs; a copy of it, if others read what it makes.
fn write_requantized(graph: &mut Graph, reader: (NodeId, usize), new: &Requantized) {
    let Some(output) = graph.output(new.node, 0) else { return };
    let node =
        if is_exclusive(graph, output, reader.0, reader.1) { new.node } else { copy_for(graph, reader, new.node) };
    let inputs = [(0, new.integers.as_ref()), (1, Some(&new.scale)), (2, new.zero.as_ref())];
    for (slot, constant) in inputs.into_iter().filter_map(|(slot, constant)| Some((slot, constant?))) {
        let old = graph.input(node, slot);
        write_operand(graph, (node, slot), old, None, constant);
    }
    if let Some(axis) = new.axis {
        graph.set_attribute(node, AttributeProto::int("axis", axis as i64));
    }
}

/// A copy of a node of one output, for one reader of it.
fn copy_for(graph: &mut Graph, (reader, slot): (NodeId, usize), node: NodeId) -> NodeId {
    let inputs: Vec<ValueId> = graph.node(node).inputs.iter().flatten().copied().collect();
    let attributes = graph.proto(node).attribute.clone();
    let base = graph.output(node, 0).map_or_else(String::new, |output| format!("{}_folded", graph.name(output)));
    let name = graph.fresh_name(&base);
    let copy = graph.insert_after(node, "DequantizeLinear", &inputs, name);
    attributes.into_iter().for_each(|attribute| graph.set_attribute(copy, attribute));
    if let Some(output) = graph.output(copy, 0) {
        graph.set_input(reader, slot, output);
    }
    copy
}

fn write_source(graph: &mut Graph, source: &Source, edits: &Edits) {
    let Some(scale) = &edits.scale else { return };
    match source.kind {
        Kind::Norm(_) => {
            let operands = [(1, Some(scale)), (2, edits.bias.as_ref())];
            for (slot, new) in operands.into_iter().filter_map(|(slot, new)| Some((slot, new?))) {
                let old = graph.input(source.node, slot);
                write_operand(graph, (source.node, slot), old, None, new);
            }
        }
        _ => rewrite(graph, (source.node, source.data), "Mul", scale),
    }
}

fn write_constant(graph: &mut Graph, place: Place, value: ValueId, edits: &Edits) {
    if let (Some(new), Some(slot)) = (&edits.scale, place.slot) {
        write_operand(graph, (place.node, slot), Some(value), None, new);
    }
}

/// Turns a node that computes `data` with one constant into another one, with another constant.
fn rewrite(graph: &mut Graph, (node, data): (NodeId, usize), op: &str, new: &NewConstant) {
    let Some(value) = graph.input(node, data) else { return };
    let constant = 1 - data;
    let old = graph.input(node, constant).filter(|_| graph.node(node).inputs.len() == 2);
    if op == "Add" && old.is_some_and(|old| adds_already(graph, (node, data), old, new)) {
        return;
    }
    if graph.op(node) == op {
        write_operand(graph, (node, constant), old, None, new);
    } else {
        let label = old.map_or_else(|| graph.label(node), |old| graph.name(old).to_string());
        let constant = add(graph, node, &format!("{label}_folded"), new);
        graph.replace_node(node, op, &[value, constant], Vec::new());
    }
    set_broadcast(graph, node);
}

/// Puts an Add after a node: the sum has the name that the node's first output had.
fn insert_add(graph: &mut Graph, node: NodeId, name: &str, shift: &NewConstant) {
    let Some(output) = graph.output(node, 0) else { return };
    let constant = add(graph, node, name, shift);
    let base = format!("{}_before_{name}", graph.name(output));
    let before = graph.fresh_name(&base);
    if let Some(inserted) = graph.insert_behind(node, "Add", &[constant], before) {
        set_broadcast(graph, inserted);
    }
}

/// Whether an Add or Sub of a stored constant adds just this, be it written in another form.
fn adds_already(graph: &Graph, (node, data): (NodeId, usize), old: ValueId, new: &NewConstant) -> bool {
    let sign = match (&**graph.op(node), data) {
        (b"Add", _) => 1.0,
        (b"Sub", 0) => -1.0,
        _ => return false,
    };
    let Some(tensor) = graph.stored_tensor(old).filter(|tensor| tensor.element() == Some(new.element)) else {
        return false;
    };
    let (Ok(shape), Ok(values), Ok(bytes)) = (tensor.shape(), tensor.float_values(), new.payload.to_bytes()) else {
        return false;
    };
    let significant = |shape: &[usize]| shape.iter().copied().skip_while(|length| *length == 1).collect::<Vec<_>>();
    let added = new.element.float().map(|element| element.decode(&bytes)).unwrap_or_default();
    significant(&shape) == significant(&new.shape) && values.iter().map(|value| sign * value).eq(added)
}

/// The bias was multiplied with beta: now beta is 1. Before opset 7 a bias of lower rank than
/// the product needs an attribute to be broadcast.
fn adapt_gemm(graph: &mut Graph, node: NodeId, gain: f64) {
    if gain != 1.0 {
        graph.set_attribute(node, AttributeProto::float("beta", 1.0));
    }
    if graph.opset(node) < 7 && graph.op(node) == "Gemm" {
        graph.set_attribute(node, AttributeProto::int("broadcast", 1));
    }
}

/// Before opset 7, an attribute lets the second operand be broadcast.
fn set_broadcast(graph: &mut Graph, node: NodeId) {
    if graph.opset(node) < 7 {
        graph.set_attribute(node, AttributeProto::int("broadcast", 1));
    }
}

/// `conv.weight` has the bias `conv.bias`, `W` has `W_bias`.
fn bias_name(graph: &Graph, linear: &Linear) -> String {
    let weight = graph.name(linear.weight.value).to_str_lossy().into_owned();
    match weight.strip_suffix("weight") {
        Some(stem) => format!("{stem}bias"),
        None => format!("{weight}_bias"),
    }
}
