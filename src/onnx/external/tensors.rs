//! Every tensor of a model, wherever the schema lets one be.

use crate::onnx::schema::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto,
};

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

/// Whether any tensor `is` so.
pub fn any(model: &ModelProto, is: &impl Fn(&TensorProto) -> bool) -> bool {
    let training = model.training_info.iter().flat_map(|info| info.initialization.iter().chain(&info.algorithm));
    let in_function = |function: &FunctionProto| {
        in_attributes(&function.attribute_proto, is) || function.node.iter().any(|node| in_node(node, is))
    };
    model.graph.iter().chain(training).any(|graph| in_graph(graph, is)) || model.functions.iter().any(in_function)
}

fn in_graph(graph: &GraphProto, is: &impl Fn(&TensorProto) -> bool) -> bool {
    graph.initializer.iter().any(is)
        || graph.sparse_initializer.iter().any(|sparse| in_sparse(sparse, is))
        || graph.node.iter().any(|node| in_node(node, is))
}

fn in_node(node: &NodeProto, is: &impl Fn(&TensorProto) -> bool) -> bool {
    in_attributes(&node.attribute, is)
}

fn in_attributes(attributes: &[AttributeProto], is: &impl Fn(&TensorProto) -> bool) -> bool {
    attributes.iter().any(|attribute| {
        let mut sparse = attribute.sparse_tensor.as_deref().into_iter().chain(&attribute.sparse_tensors);
        let mut graphs = attribute.g.as_deref().into_iter().chain(&attribute.graphs);
        attribute.t.as_deref().into_iter().chain(&attribute.tensors).any(is)
            || sparse.any(|tensor| in_sparse(tensor, is))
            || graphs.any(|graph| in_graph(graph, is))
    })
}

fn in_sparse(sparse: &SparseTensorProto, is: &impl Fn(&TensorProto) -> bool) -> bool {
    sparse.values.iter().chain(&sparse.indices).any(is)
}
