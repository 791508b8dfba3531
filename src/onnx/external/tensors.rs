//! Every tensor of a model, wherever the schema lets one be.

use crate::onnx::schema::{AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto};

/// Where a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An initializer of the main graph or of a subgraph.
    Initializer,
    /// An attribute of a node, a part of a sparse tensor, training information.
    Other,
}

/// Calls `each` with every tensor, always in the same order, until one fails.
pub fn visit<E>(
    model: &mut ModelProto,
    each: &mut impl FnMut(Place, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(main) = &mut model.graph {
        graph(main, Place::Initializer, each)?;
    }
    for info in &mut model.training_info {
        for part in info.initialization.iter_mut().chain(&mut info.algorithm) {
            graph(part, Place::Other, each)?;
        }
    }
    for function in &mut model.functions {
        attributes(&mut function.attribute_proto, each)?;
        nodes(&mut function.node, each)?;
    }
    Ok(())
}

fn graph<E>(
    graph: &mut GraphProto,
    place: Place,
    each: &mut impl FnMut(Place, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    graph.initializer.iter_mut().try_for_each(|tensor| each(place, tensor))?;
    graph.sparse_initializer.iter_mut().try_for_each(|tensor| sparse(tensor, each))?;
    nodes(&mut graph.node, each)
}

fn nodes<E>(nodes: &mut [NodeProto], each: &mut impl FnMut(Place, &mut TensorProto) -> Result<(), E>) -> Result<(), E> {
    nodes.iter_mut().try_for_each(|node| attributes(&mut node.attribute, each))
}

fn attributes<E>(
    attributes: &mut [AttributeProto],
    each: &mut impl FnMut(Place, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    for attribute in attributes {
        let tensors = attribute.t.as_deref_mut().into_iter().chain(&mut attribute.tensors);
        for tensor in tensors {
            each(Place::Other, tensor)?;
        }
        let tensors = attribute.sparse_tensor.as_deref_mut().into_iter().chain(&mut attribute.sparse_tensors);
        for tensor in tensors {
            sparse(tensor, each)?;
        }
        for subgraph in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
            graph(subgraph, Place::Initializer, each)?;
        }
    }
    Ok(())
}

fn sparse<E>(
    tensor: &mut SparseTensorProto,
    each: &mut impl FnMut(Place, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    let mut parts = tensor.values.iter_mut().chain(&mut tensor.indices);
    parts.try_for_each(|part| each(Place::Other, part))
}

/// Whether any tensor is in another file.
pub fn any_external(model: &ModelProto) -> bool {
    let training = model.training_info.iter().flat_map(|info| info.initialization.iter().chain(&info.algorithm));
    let mut functions = model.functions.iter();
    model.graph.iter().chain(training).any(in_graph)
        || functions.any(|function| in_attributes(&function.attribute_proto) || function.node.iter().any(in_node))
}

fn in_graph(graph: &GraphProto) -> bool {
    graph.initializer.iter().any(TensorProto::is_external)
        || graph.sparse_initializer.iter().any(in_sparse)
        || graph.node.iter().any(in_node)
}

fn in_node(node: &NodeProto) -> bool {
    in_attributes(&node.attribute)
}

fn in_attributes(attributes: &[AttributeProto]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.t.as_deref().into_iter().chain(&attribute.tensors).any(TensorProto::is_external)
            || attribute.sparse_tensor.as_deref().into_iter().chain(&attribute.sparse_tensors).any(in_sparse)
            || attribute.g.as_deref().into_iter().chain(&attribute.graphs).any(in_graph)
    })
}

fn in_sparse(sparse: &SparseTensorProto) -> bool {
    sparse.values.iter().chain(&sparse.indices).any(TensorProto::is_external)
}
