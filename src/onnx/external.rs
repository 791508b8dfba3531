//! Tensors that are stored in other files.

use super::access::text;
use super::schema::{GraphProto, ModelProto, NodeProto, TensorProto};
use bstr::BStr;

/// The name of the first tensor that is stored in another file.
pub fn first_external(model: &ModelProto) -> Option<&BStr> {
    let training = model.training_info.iter().flat_map(|info| info.initialization.iter().chain(&info.algorithm));
    let functions = model.functions.iter().flat_map(|function| &function.node);
    let mut graphs = model.graph.iter().chain(training);
    graphs.find_map(in_graph).or_else(|| functions.into_iter().find_map(in_node))
}

fn in_graph(graph: &GraphProto) -> Option<&BStr> {
    let sparse = graph.sparse_initializer.iter().flat_map(|sparse| sparse.values.iter().chain(&sparse.indices));
    let mut tensors = graph.initializer.iter().chain(sparse);
    tensors.find_map(if_external).or_else(|| graph.node.iter().find_map(in_node))
}

fn in_node(node: &NodeProto) -> Option<&BStr> {
    let mut tensors =
        node.attribute.iter().flat_map(|attribute| attribute.t.as_deref().into_iter().chain(&attribute.tensors));
    tensors.find_map(if_external).or_else(|| node.subgraphs().find_map(in_graph))
}

fn if_external(tensor: &TensorProto) -> Option<&BStr> {
    tensor.is_external().then(|| text(&tensor.name))
}
