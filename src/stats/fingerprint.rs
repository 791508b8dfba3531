//! Which model statistics are of.
//!
//! Statistics belong to weights, graph, γ, β and ε. The running means and variances are what they
//! replace: two models that differ in nothing else have one fingerprint.

use crate::onnx::TensorError;
use crate::onnx::element::DataType;
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto, TensorProto};
use crate::onnx::text::fragment::content_hash;
use crate::onnx::wire::encoding_hash;
use bstr::BString;
use std::collections::HashSet;

/// The inputs of a BatchNormalization before mean and variance: X, γ and β.
const PARAMETERS: usize = 3;

/// A hash of a model without the statistics of its BatchNormalizations: 32 hexadecimal digits.
///
/// It does not depend on how elements are stored (in the model or in a data file, raw or typed), on
/// names that only lead to statistics, nor on what is only said about the model: doc strings of model
/// and graphs, producer, metadata, types of inner values. Statistics that a function is called with
/// count like all other constants.
///
/// # Errors
/// When a tensor cannot be read.
pub fn fingerprint(model: &ModelProto) -> Result<String, TensorError> {
    let mut model = ModelProto {
        ir_version: model.ir_version,
        graph: model.graph.clone(),
        opset_import: model.opset_import.clone(),
        functions: model.functions.clone(),
        ..ModelProto::default()
    };
    if let Some(graph) = &mut model.graph {
        blank(&mut graph.node);
        let read_outside = graph.output.iter().filter_map(|output| output.name.clone()).collect();
        while drop_unread(graph, &read_outside) {}
        reduce_graph(graph)?;
    }
    for function in &mut model.functions {
        blank(&mut function.node);
        let outputs: HashSet<BString> = function.output.iter().cloned().collect();
        while drop_unread_nodes(&mut function.node, &outputs) {}
        (function.doc_string, function.value_info) = (None, Vec::new());
        function.metadata_props.clear();
        function.node.iter_mut().try_for_each(reduce_node)?;
    }
    Ok(format!("{:032x}", encoding_hash(&model)?))
}

/// Lets BatchNormalizations read no statistics, in subgraphs too.
fn blank(nodes: &mut [NodeProto]) {
    for node in nodes {
        if node.standard_op() == "BatchNormalization" {
            node.input.iter_mut().skip(PARAMETERS).for_each(|input| input.clear());
        }
        node.subgraphs_mut().for_each(|graph| blank(&mut graph.node));
    }
}

/// Drops constants and nodes that nobody reads; whether there were any.
fn drop_unread(graph: &mut GraphProto, outputs: &HashSet<BString>) -> bool {
    let read = all_read(&graph.node, outputs);
    drop_from(graph, &read)
}

fn drop_unread_nodes(nodes: &mut Vec<NodeProto>, outputs: &HashSet<BString>) -> bool {
    let read = all_read(nodes, outputs);
    drop_nodes(nodes, &read)
}

fn all_read(nodes: &[NodeProto], outputs: &HashSet<BString>) -> HashSet<BString> {
    let mut read = outputs.clone();
    add_read(nodes, &mut read);
    // The name of what is not there.
    read.remove(&BString::default());
    read
}

/// All names that are read, in subgraphs too: where two graphs use one name, both keep what has it.
fn add_read(nodes: &[NodeProto], read: &mut HashSet<BString>) {
    for node in nodes {
        read.extend(node.input.iter().cloned());
        for graph in node.subgraphs() {
            read.extend(graph.output.iter().filter_map(|output| output.name.clone()));
            add_read(&graph.node, read);
        }
    }
}

fn drop_from(graph: &mut GraphProto, read: &HashSet<BString>) -> bool {
    let is_read = |name: &Option<BString>| name.as_ref().is_some_and(|name| read.contains(name));
    let constants = |graph: &GraphProto| graph.initializer.len() + graph.sparse_initializer.len();
    let before = constants(graph);
    let unread =
        graph.initializer.iter().filter(|tensor| !is_read(&tensor.name)).filter_map(|tensor| tensor.name.clone());
    let unread: HashSet<BString> = unread.collect();
    graph.initializer.retain(|tensor| is_read(&tensor.name));
    graph.sparse_initializer.retain(|tensor| tensor.values.as_ref().is_some_and(|values| is_read(&values.name)));
    // Up to IR version 3, initializers are inputs.
    graph.input.retain(|input| input.name.as_ref().is_none_or(|name| !unread.contains(name)));
    drop_nodes(&mut graph.node, read) || constants(graph) < before
}

fn drop_nodes(nodes: &mut Vec<NodeProto>, read: &HashSet<BString>) -> bool {
    let before = nodes.len();
    nodes.retain(|node| node.output.iter().any(|output| read.contains(output)));
    let mut dropped = nodes.len() < before;
    for graph in nodes.iter_mut().flat_map(NodeProto::subgraphs_mut) {
        dropped |= drop_from(graph, read);
    }
    dropped
}

fn reduce_graph(graph: &mut GraphProto) -> Result<(), TensorError> {
    (graph.doc_string, graph.value_info) = (None, Vec::new());
    graph.metadata_props.clear();
    graph.initializer.iter_mut().try_for_each(reduce)?;
    graph.node.iter_mut().try_for_each(reduce_node)
}

fn reduce_node(node: &mut NodeProto) -> Result<(), TensorError> {
    for attribute in &mut node.attribute {
        attribute.t.as_deref_mut().map_or(Ok(()), reduce)?;
        attribute.tensors.iter_mut().try_for_each(reduce)?;
    }
    node.subgraphs_mut().try_for_each(reduce_graph)
}

/// A tensor by its name, its type, its shape and the hash of its elements, wherever they are.
fn reduce(tensor: &mut TensorProto) -> Result<(), TensorError> {
    let hash = content_hash(tensor)?;
    *tensor = TensorProto {
        dims: tensor.dims.to_vec().into(),
        data_type: tensor.data_type,
        name: tensor.name.clone(),
        int64_data: vec![hash as i64].into(),
        ..TensorProto::empty("", DataType::Int64, &[])
    };
    Ok(())
}

#[cfg(test)]
mod tests;
