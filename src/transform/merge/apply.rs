//! Carrying out the plan.

use super::assemble::{Bias, Group};
use super::operator::Kind;
use super::sum::Sum;
use crate::graph::{Graph, NodeId, Use, ValueId};
use crate::onnx::element::FloatType;
use crate::onnx::payload::Payload;
use crate::onnx::schema::{AttributeProto, TensorProto};
use bstr::ByteSlice;

/// Merges the groups of one sum; what remains of the sum is as it was.
pub(super) fn apply(graph: &mut Graph, sum: &Sum, groups: &[Group]) {
    groups.iter().for_each(|group| merge(graph, group));
    // Each node comes before those whose results it adds.
    for (node, reader) in sum.nodes.iter().rev() {
        close_gaps(graph, *node, *reader);
    }
}

/// Writes the operator, puts it where the sum shall read it, and leaves gaps in the sum.
fn merge(graph: &mut Graph, group: &Group) {
    let Some(result) = graph.output(group.node, 0) else { return };
    let weight_name = graph.input(group.node, 1).map_or_else(String::new, |weight| graph.name(weight).to_string());
    let weight = constant(graph, group.node, &weight_name, group.element, &group.shape, group.weight.clone());
    graph.set_input(group.node, 1, weight);
    group.removed.iter().for_each(|place| graph.omit_input(place.node, place.slot as usize));
    write_bias(graph, group, &weight_name);
    write_attributes(graph, group);
    graph.set_input(group.place.node, group.place.slot as usize, result);
    group.nodes.iter().for_each(|node| graph.remove_node(*node));
}

fn write_bias(graph: &mut Graph, group: &Group, weight_name: &str) {
    let (place, values) = match &group.bias {
        Some(Bias::Own(values)) => (Use { node: group.node, slot: 2 }, values),
        Some(Bias::Summand(place, values)) => (*place, values),
        None => return,
    };
    let old = graph.input(group.node, 2).map(|old| graph.name(old).to_string());
    let name = old.unwrap_or_else(|| bias_name(weight_name));
    let payload = group.element.encode(values).into();
    let bias = constant(graph, group.node, &name, group.element, &[values.len()], payload);
    graph.set_input(place.node, place.slot as usize, bias);
}

/// Weight and bias hold all factors now, and the padding is explicit.
fn write_attributes(graph: &mut Graph, group: &Group) {
    let mut attributes: Vec<AttributeProto> = Vec::new();
    if let Some(window) = &group.window {
        let auto_pad = AttributeProto::string("auto_pad", "NOTSET");
        attributes.extend(graph.proto(group.node).attribute("auto_pad").map(|_| auto_pad));
        attributes.extend(window.attributes());
    }
    if group.kind == Kind::Gemm {
        let is_there = |name: &&str| graph.proto(group.node).attribute(name).is_some();
        attributes.extend(
            ["alpha", "beta"].iter().filter(|name| is_there(name)).map(|name| AttributeProto::float(name, 1.0)),
        );
    }
    attributes.into_iter().for_each(|attribute| graph.set_attribute(group.node, attribute));
}

/// A new constant that is called after an old one.
fn constant(
    graph: &mut Graph,
    node: NodeId,
    old: &str,
    element: FloatType,
    shape: &[usize],
    payload: Payload,
) -> ValueId {
    let name = graph.fresh_name(&format!("{old}_merged"));
    let mut tensor = TensorProto::empty(name, element.data_type(), shape);
    tensor.set_elements(payload);
    graph.add_constant(node, tensor)
}

/// `conv.weight` has the bias `conv.bias`, `W` has `W_bias`.
fn bias_name(weight: &str) -> String {
    weight.strip_suffix("weight").map_or_else(|| format!("{weight}_bias"), |stem| format!("{stem}bias"))
}

/// What a node of the sum is without the operands that are gone: a node with less of them, or
/// nothing but its only one, or nothing.
fn close_gaps(graph: &mut Graph, node: NodeId, reader: Option<Use>) {
    let inputs = &graph.node(node).inputs;
    if inputs.iter().all(Option::is_some) {
        return;
    }
    let op = graph.op(node).to_str_lossy().into_owned();
    let subtracted = op == "Sub" && inputs[0].is_none();
    let left: Vec<ValueId> = inputs.iter().flatten().copied().collect();
    match (&left[..], reader) {
        ([], reader) => {
            reader.into_iter().for_each(|place| graph.omit_input(place.node, place.slot as usize));
            graph.remove_node(node);
        }
        ([_], _) if subtracted => graph.replace_node(node, "Neg", &left, Vec::new()),
        ([only], Some(place)) => {
            graph.set_input(place.node, place.slot as usize, *only);
            graph.remove_node(node);
        }
        ([only], None) => {
            graph.set_input(node, 0, *only);
            graph.remove_passing(node, 0);
        }
        _ => graph.replace_node(node, &op, &left, Vec::new()),
    }
}
