//! Edits of models that are known, so that it is known what their difference has to be.

use bn_tool::onnx::schema::{FunctionProto, GraphProto, ModelProto, NodeProto};
use bstr::BString;
use std::collections::HashSet;

/// Gives all nodes, inner values and initializers other names; inputs and outputs of graphs and
/// functions keep theirs.
pub fn rename(model: &mut ModelProto, new: &dyn Fn(&str) -> String) {
    let mut kept = HashSet::new();
    let graph = model.graph.as_mut().expect("there is a graph");
    ports_of_graph(graph, &mut kept);
    for function in &model.functions {
        kept.extend(function.input.iter().chain(&function.output).cloned());
        function.node.iter().flat_map(NodeProto::subgraphs).for_each(|graph| ports_of_graph(graph, &mut kept));
    }
    let renamed = |name: &mut BString| {
        if !name.is_empty() && !kept.contains(name) {
            *name = new(&name.to_string()).into();
        }
    };
    rename_graph(graph, &renamed, new);
    for FunctionProto { node, value_info, .. } in &mut model.functions {
        value_info.iter_mut().filter_map(|info| info.name.as_mut()).for_each(renamed);
        node.iter_mut().for_each(|node| rename_node(node, &renamed, new));
    }
}

fn ports_of_graph(graph: &GraphProto, kept: &mut HashSet<BString>) {
    kept.extend(graph.input.iter().chain(&graph.output).filter_map(|info| info.name.clone()));
    graph.node.iter().flat_map(NodeProto::subgraphs).for_each(|graph| ports_of_graph(graph, kept));
}

fn rename_graph(graph: &mut GraphProto, value: &dyn Fn(&mut BString), node_name: &dyn Fn(&str) -> String) {
    graph.initializer.iter_mut().filter_map(|tensor| tensor.name.as_mut()).for_each(value);
    graph.value_info.iter_mut().filter_map(|info| info.name.as_mut()).for_each(value);
    graph.node.iter_mut().for_each(|node| rename_node(node, value, node_name));
}

fn rename_node(node: &mut NodeProto, value: &dyn Fn(&mut BString), node_name: &dyn Fn(&str) -> String) {
    node.name.iter_mut().for_each(|name| *name = node_name(&name.to_string()).into());
    node.input.iter_mut().chain(&mut node.output).for_each(value);
    node.subgraphs_mut().for_each(|graph| rename_graph(graph, value, node_name));
}

/// Removes a node of the main graph that makes one inner value; what read that reads the node's
/// first input. Returns the readers, by their first outputs, if the node is such a one.
pub fn remove(model: &mut ModelProto, place: usize) -> Option<HashSet<String>> {
    let graph = model.graph.as_mut()?;
    let node = graph.node.get(place)?;
    let ([gone], Some(source)) = (&node.output[..], node.input.first()) else { return None };
    let (gone, source) = (gone.clone(), source.clone());
    let is_output = graph.output.iter().any(|output| output.name.as_ref() == Some(&gone));
    if is_output || gone.is_empty() || source.is_empty() {
        return None;
    }
    graph.node.remove(place);
    let mut readers = HashSet::new();
    reroute(graph, &gone, &source, &mut readers)?;
    Some(readers)
}

/// `None` if a subgraph returns the value: then its output would get another name.
fn reroute(graph: &mut GraphProto, gone: &BString, source: &BString, readers: &mut HashSet<String>) -> Option<()> {
    if graph.output.iter().any(|output| output.name.as_ref() == Some(gone)) {
        return None;
    }
    for node in &mut graph.node {
        for input in node.input.iter_mut().filter(|input| *input == gone) {
            *input = source.clone();
            readers.insert(node.output[0].to_string());
        }
        for graph in node.subgraphs_mut() {
            reroute(graph, gone, source, readers)?;
        }
    }
    graph.value_info.retain(|info| info.name.as_ref() != Some(gone));
    Some(())
}
