//! What the model itself says of its values: value info, and the tensors of constants.

use super::numbers::count;
use super::{Axes, Fact, Facts, HIGHEST_RANK, Length};
use crate::graph::{Graph, NodeId, Origin, ScopeId, ValueId};
use crate::onnx::access::text;
use crate::onnx::element::DataType;
use crate::onnx::schema::{Dimension, NodeProto, SparseTensorProto, TensorProto, TensorTypeProto};
use bstr::{BStr, ByteSlice};
use std::collections::HashMap;

/// Names that writers give to every axis that they know nothing of. Any other name stands for
/// one length, wherever it is in one graph.
const NO_NAMES: [&str; 4] = ["", "?", "-1", "None"];

/// Notes what inputs, outputs and value info say.
pub(super) fn note(facts: &mut Facts, graph: &Graph) {
    for (index, data) in graph.scopes.iter().enumerate() {
        let scope = ScopeId(index as u32);
        let mut names = HashMap::new();
        for info in data.graph.value_info.iter().chain(&data.graph.output).chain(&data.graph.input) {
            let value = graph.names.resolve(text(&info.name), std::iter::once(scope));
            if let (Some(value), Some(tensor)) = (value, info.tensor_type()) {
                let fact = from_type(tensor, |dimension| length(facts, &mut names, scope, dimension));
                facts.note(value, fact, scope);
            }
        }
    }
}

fn from_type<'a>(tensor: &'a TensorTypeProto, length: impl FnMut(&'a Dimension) -> Length) -> Fact {
    let axes = tensor.axes().filter(|axes| axes.len() <= HIGHEST_RANK);
    Fact { element: tensor.element(), shape: axes.map(|axes| axes.iter().map(length).collect()) }
}

/// Old writers declare 0 where they do not know.
fn length<'a>(
    facts: &mut Facts,
    names: &mut HashMap<&'a BStr, Length>,
    scope: ScopeId,
    dimension: &'a Dimension,
) -> Length {
    let known = dimension.dim_value.and_then(|length| usize::try_from(length).ok());
    let name = text(&dimension.dim_param);
    match known.filter(|length| *length > 0) {
        Some(length) => Length::Known(length),
        None if NO_NAMES.iter().any(|no_name| name == *no_name) => facts.symbols.fresh(scope),
        None => *names.entry(name).or_insert_with(|| facts.symbols.fresh(scope)),
    }
}

/// The initializer behind a value that no caller can replace.
fn initializer(graph: &Graph, value: ValueId) -> Option<&TensorProto> {
    let data = graph.value(value);
    match data.origin {
        Origin::Initializer { index, .. } if !graph.is_overridable(value) => {
            graph.scope(data.scope).graph.initializer.get(index as usize)
        }
        _ => None,
    }
}

fn sparse(graph: &Graph, value: ValueId) -> Option<&SparseTensorProto> {
    let data = graph.value(value);
    match data.origin {
        Origin::Sparse { index, .. } if !graph.is_overridable(value) => {
            graph.scope(data.scope).graph.sparse_initializer.get(index as usize)
        }
        _ => None,
    }
}

/// The dimensions of an initializer.
pub(super) fn stored_dims(graph: &Graph, value: ValueId) -> Option<&[i64]> {
    let dense = initializer(graph, value).map(|tensor| tensor.dims.as_slice());
    dense.or_else(|| Some(sparse(graph, value)?.dims.as_slice()))
}

/// The element type of an initializer, if it is one.
pub(super) fn stored_element(graph: &Graph, value: ValueId) -> Option<Option<DataType>> {
    let dense = initializer(graph, value).map(TensorProto::element);
    dense.or_else(|| Some(sparse(graph, value)?.values.as_ref().and_then(TensorProto::element)))
}

/// Dimensions as lengths; none if one is not possible.
pub(super) fn lengths(dims: &[i64]) -> Axes {
    let known = |dim: &i64| usize::try_from(*dim).ok().map(Length::Known);
    if dims.len() <= HIGHEST_RANK { dims.iter().map(known).collect() } else { None }
}

/// The elements of an initializer, or of a Constant node, that is a small integer tensor.
pub(super) fn stored_numbers(graph: &Graph, value: ValueId) -> Option<Vec<i64>> {
    if let Some(tensor) = small_tensor(graph, value) {
        return tensor.int_values().ok();
    }
    let proto = constant_node(graph, value)?;
    match proto.ints("value_ints") {
        Some(ints) => (ints.len() <= HIGHEST_RANK).then(|| ints.to_vec()),
        None => proto.attribute("value_int").map(|attribute| vec![attribute.i.unwrap_or_default()]),
    }
}

/// The elements of such a tensor of floats.
pub(super) fn stored_floats(graph: &Graph, value: ValueId) -> Option<Vec<f64>> {
    if let Some(tensor) = small_tensor(graph, value) {
        return tensor.float_values().ok();
    }
    let floats = &constant_node(graph, value)?.attribute("value_floats")?.floats;
    (floats.len() <= HIGHEST_RANK).then(|| floats.iter().map(|float| f64::from(*float)).collect())
}

fn small_tensor(graph: &Graph, value: ValueId) -> Option<&TensorProto> {
    // A caller could give other elements.
    let tensor = if graph.is_overridable(value) { None } else { graph.stored_tensor(value) };
    tensor.filter(|tensor| lengths(&tensor.dims).and_then(|axes| count(&axes)).is_some())
}

fn constant_node(graph: &Graph, value: ValueId) -> Option<&NodeProto> {
    let node = graph.producer(value).filter(|node| graph.op(*node) == "Constant")?;
    let proto = graph.proto(node);
    let is_reference = proto.attribute.iter().any(|attribute| attribute.is_reference());
    (!is_reference).then_some(proto)
}

/// Type and shape of a Constant node, in all its forms but text.
pub(super) fn constant(graph: &Graph, node: NodeId) -> Fact {
    let fact = |element, shape: &[i64]| Some(Fact { element, shape: lengths(shape) });
    let attribute =
        graph.proto(node).attribute.iter().find_map(|attribute| match text(&attribute.name).to_str().ok()? {
            "value" => attribute.t.as_deref().and_then(|tensor| fact(tensor.element(), &tensor.dims)),
            "sparse_value" => attribute
                .sparse_tensor
                .as_deref()
                .and_then(|sparse| fact(sparse.values.as_ref().and_then(TensorProto::element), &sparse.dims)),
            "value_float" => fact(Some(DataType::Float), &[]),
            "value_int" => fact(Some(DataType::Int64), &[]),
            "value_floats" => fact(Some(DataType::Float), &[attribute.floats.len() as i64]),
            "value_ints" => fact(Some(DataType::Int64), &[attribute.ints.len() as i64]),
            _ => None,
        });
    attribute.unwrap_or_default()
}
