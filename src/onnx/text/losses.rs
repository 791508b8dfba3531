//! What would be lost if a model were written as text.

use super::names::is_plain;
use crate::onnx::access::text;
use crate::onnx::element::DataType;
use crate::onnx::schema::{
    AttributeProto, Dimension, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, SparseTensorProto,
    StringStringEntryProto, TensorProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::onnx::wire::Unknown;
use bstr::BString;
use std::collections::BTreeMap;
use std::fmt;

/// Things of one kind that [`print()`](super::print()) leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What they are.
    pub kind: LossKind,
    /// How many there are.
    pub count: usize,
    /// Where the first is.
    pub first: String,
}

/// What the syntax has no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossKind {
    /// Documentation of graphs, nodes, values, attributes and tensors.
    Documentation,
    /// Metadata of all but the model.
    Metadata,
    /// Quantization annotations.
    Annotations,
    /// Training information.
    Training,
    /// How the model is distributed over devices.
    Devices,
    /// Denotations of types and dimensions.
    Denotations,
    /// Names of tensors in attributes that are no identifiers.
    TensorNames,
    /// Values of attributes beside those that their types name.
    AttributeValues,
    /// Element types that the schema does not know.
    ElementTypes,
    /// Types that are empty, or several in one; names of dimensions that have a length.
    Types,
    /// Data of tensors that is in more than one place, or of which only a part is there.
    TensorData,
    /// Fields that the schema does not know.
    UnknownFields,
}

/// What [`print()`](super::print()) with all weights would leave out, by kind. If this is nothing,
/// [`parse`](super::parse) gives the same model again, up to differences of representation: see
/// the documentation of this [module](super).
pub fn losses(model: &ModelProto) -> Vec<Loss> {
    let mut losses = Losses::default();
    losses.model(model);
    losses.0.into_iter().map(|(kind, (count, first))| Loss { kind, count, first }).collect()
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let kind = match self.kind {
            LossKind::Documentation => "documentation",
            LossKind::Metadata => "metadata",
            LossKind::Annotations => "quantization annotations",
            LossKind::Training => "training information",
            LossKind::Devices => "device configurations",
            LossKind::Denotations => "denotations",
            LossKind::TensorNames => "names of tensors in attributes",
            LossKind::AttributeValues => "values of attributes that are not of their type",
            LossKind::ElementTypes => "unknown element types",
            LossKind::Types => "malformed types",
            LossKind::TensorData => "data of tensors",
            LossKind::UnknownFields => "unknown fields",
        };
        match self.count {
            1 => write!(f, "{kind} (in {})", self.first),
            count => write!(f, "{kind} ({count}, the first in {})", self.first),
        }
    }
}

/// Where something is; only asked for the first of its kind.
type Place<'p> = &'p dyn Fn() -> String;

#[derive(Default)]
struct Losses(BTreeMap<LossKind, (usize, String)>);

impl Losses {
    fn note(&mut self, kind: LossKind, is_lost: bool, place: Place) {
        if is_lost {
            self.0.entry(kind).or_insert_with(|| (0, place())).0 += 1;
        }
    }

    fn unknown(&mut self, unknown: &Unknown, place: Place) {
        self.note(LossKind::UnknownFields, !unknown.is_empty(), place);
    }

    fn documentation(&mut self, doc: Option<&BString>, place: Place) {
        self.note(LossKind::Documentation, doc.is_some_and(|doc| !doc.is_empty()), place);
    }

    fn metadata(&mut self, metadata: &[StringStringEntryProto], place: Place) {
        self.note(LossKind::Metadata, !metadata.is_empty(), place);
    }

    fn model(&mut self, model: &ModelProto) {
        let place: Place = &|| "the model".into();
        self.note(LossKind::Training, !model.training_info.is_empty(), place);
        self.note(LossKind::Devices, !model.configuration.is_empty(), place);
        self.unknown(&model.unknown, place);
        self.entries(&model.metadata_props, place);
        self.imports(&model.opset_import, place);
        model.graph.iter().for_each(|graph| self.graph(graph));
        model.functions.iter().for_each(|function| self.function(function));
    }

    fn entries(&mut self, entries: &[StringStringEntryProto], place: Place) {
        entries.iter().for_each(|entry| self.unknown(&entry.unknown, place));
    }

    fn imports(&mut self, imports: &[OperatorSetIdProto], place: Place) {
        imports.iter().for_each(|import| self.unknown(&import.unknown, place));
    }

    fn function(&mut self, function: &FunctionProto) {
        let place: Place = &|| format!("function `{}`", text(&function.name));
        self.metadata(&function.metadata_props, place);
        self.unknown(&function.unknown, place);
        self.imports(&function.opset_import, place);
        function.value_info.iter().for_each(|info| self.value(info));
        function.attribute_proto.iter().for_each(|attribute| self.attribute(attribute, place));
        function.node.iter().for_each(|node| self.node(node));
    }

    fn graph(&mut self, graph: &GraphProto) {
        let place: Place = &|| format!("graph `{}`", text(&graph.name));
        self.documentation(graph.doc_string.as_ref(), place);
        self.metadata(&graph.metadata_props, place);
        self.note(LossKind::Annotations, !graph.quantization_annotation.is_empty(), place);
        self.unknown(&graph.unknown, place);
        let infos = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
        infos.for_each(|info| self.value(info));
        graph.initializer.iter().for_each(|tensor| self.tensor(tensor, &|| format!("tensor `{}`", text(&tensor.name))));
        graph
            .sparse_initializer
            .iter()
            .for_each(|sparse| self.sparse(sparse, &|| format!("tensor `{}`", sparse.name())));
        graph.node.iter().for_each(|node| self.node(node));
    }

    fn node(&mut self, node: &NodeProto) {
        let place: Place = &|| format!("node `{}`", node.label());
        self.documentation(node.doc_string.as_deref(), place);
        self.metadata(&node.metadata_props, place);
        self.note(LossKind::Devices, !node.device_configurations.is_empty(), place);
        self.unknown(&node.unknown, place);
        node.attribute.iter().for_each(|attribute| self.attribute(attribute, place));
    }

    fn attribute(&mut self, attribute: &AttributeProto, owner: Place) {
        let place: Place = &|| format!("attribute `{}` of {}", text(&attribute.name), owner());
        self.documentation(attribute.doc_string.as_deref(), place);
        self.unknown(&attribute.unknown, place);
        self.note(LossKind::AttributeValues, has_other_values(attribute), place);
        for tensor in attribute.t.as_deref().into_iter().chain(&attribute.tensors) {
            self.local(tensor, place);
        }
        for sparse in attribute.sparse_tensor.as_deref().into_iter().chain(&attribute.sparse_tensors) {
            self.sparse(sparse, place);
        }
        for kind in attribute.tp.as_deref().into_iter().chain(&attribute.type_protos) {
            self.value_type(kind, place);
        }
        attribute.g.as_deref().into_iter().chain(&attribute.graphs).for_each(|graph| self.graph(graph));
    }

    fn value(&mut self, info: &ValueInfoProto) {
        let place: Place = &|| format!("value `{}`", text(&info.name));
        self.documentation(info.doc_string.as_deref(), place);
        self.metadata(&info.metadata_props, place);
        self.unknown(&info.unknown, place);
        info.r#type.iter().for_each(|kind| self.value_type(kind, place));
    }

    /// A tensor in an attribute, or the indices of a sparse one.
    fn local(&mut self, tensor: &TensorProto, place: Place) {
        let name = text(&tensor.name);
        self.note(LossKind::TensorNames, !name.is_empty() && !is_plain(name), place);
        self.tensor(tensor, place);
    }

    fn tensor(&mut self, tensor: &TensorProto, place: Place) {
        self.documentation(tensor.doc_string.as_deref(), place);
        self.metadata(&tensor.metadata_props, place);
        self.unknown(&tensor.unknown, place);
        self.element(tensor.data_type, place);
        self.entries(&tensor.external_data, place);
        let raw = tensor.raw_data.as_ref().is_some_and(|raw| !raw.is_empty());
        let filled = usize::from(raw) + tensor.typed_data().iter().filter(|(_, count)| *count > 0).count();
        let elsewhere = if tensor.is_external() { filled > 0 } else { !tensor.external_data.is_empty() };
        self.note(LossKind::TensorData, filled > 1 || elsewhere || tensor.segment.is_some(), place);
    }

    fn sparse(&mut self, sparse: &SparseTensorProto, place: Place) {
        self.unknown(&sparse.unknown, place);
        sparse.values.iter().for_each(|values| self.tensor(values, place));
        sparse.indices.iter().for_each(|indices| self.local(indices, place));
    }

    fn element(&mut self, code: Option<i32>, place: Place) {
        let code = code.unwrap_or(0);
        self.note(LossKind::ElementTypes, code != 0 && DataType::from_code(code).is_none(), place);
    }

    fn value_type(&mut self, kind: &TypeProto, place: Place) {
        self.note(LossKind::Denotations, !text(&kind.denotation).is_empty(), place);
        self.unknown(&kind.unknown, place);
        self.note(LossKind::Types, kinds(kind) != 1, place);
        for tensor in kind.tensor_type.iter().chain(&kind.sparse_tensor_type) {
            self.tensor_type(tensor, place);
        }
        for element in [&kind.sequence_type, &kind.optional_type].into_iter().flatten() {
            self.unknown(&element.unknown, place);
            element.elem_type.iter().for_each(|inner| self.value_type(inner, place));
        }
        if let Some(map) = &kind.map_type {
            self.unknown(&map.unknown, place);
            self.element(map.key_type, place);
            map.value_type.iter().for_each(|inner| self.value_type(inner, place));
        }
        kind.opaque_type.iter().for_each(|opaque| self.unknown(&opaque.unknown, place));
    }

    fn tensor_type(&mut self, tensor: &TensorTypeProto, place: Place) {
        self.unknown(&tensor.unknown, place);
        self.element(tensor.elem_type, place);
        let Some(shape) = &tensor.shape else { return };
        self.unknown(&shape.unknown, place);
        for Dimension { dim_value, dim_param, denotation, unknown } in &shape.dim {
            self.note(LossKind::Denotations, !text(denotation).is_empty(), place);
            self.note(LossKind::Types, dim_value.is_some() && dim_param.is_some(), place);
            self.unknown(unknown, place);
        }
    }
}

/// Whether an attribute has values that are not printed, or none that can be.
fn has_other_values(attribute: &AttributeProto) -> bool {
    let mut others = attribute.value_types().filter(|code| !attribute.is_default(*code));
    if attribute.ref_attr_name.is_some() {
        return others.next().is_some();
    }
    match attribute.r#type.unwrap_or(0) {
        code @ 1..=14 => others.any(|other| other != code),
        // It is that of the first value.
        0 => attribute.value_types().count() > 1,
        _ => true,
    }
}

/// How many kinds of type it is.
fn kinds(kind: &TypeProto) -> usize {
    let there = [
        kind.tensor_type.is_some(),
        kind.sequence_type.is_some(),
        kind.map_type.is_some(),
        kind.optional_type.is_some(),
        kind.sparse_tensor_type.is_some(),
        kind.opaque_type.is_some(),
    ];
    there.into_iter().filter(|there| *there).count()
}
