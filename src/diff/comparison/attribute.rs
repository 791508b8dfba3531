//! Attributes.

use super::Comparison;
use super::encoding::same_encodings;
use super::fields::clipped;
use crate::diff::index::Map;
use crate::diff::report::{Attribute, AttributeChange, Change};
use crate::diff::tensor::{content, contrast};
use crate::onnx::TensorError;
use crate::onnx::access::text;
use crate::onnx::schema::{AttributeProto, GraphProto, NodeProto, TensorProto};
use crate::onnx::text::fragment::{attribute_value, tensor_type};
use bstr::BStr;

impl Comparison<'_, '_> {
    /// Attributes of two nodes that differ, in the order of the first; those that are added last.
    pub(super) fn attributes(&mut self, a: &NodeProto, b: &NodeProto) -> Result<Vec<AttributeChange>, TensorError> {
        let (mut changes, mut moved) = (Vec::new(), false);
        let mut left: Map<&BStr, usize> = names(b).zip(0..).collect();
        for (place, old) in a.attribute.iter().enumerate() {
            let partner = left.remove(text(&old.name));
            match partner {
                Some(other) => changes.extend(self.attribute(old, &b.attribute[other], a)?),
                None => changes.push(change(old, Some(shown(old)?), None)),
            }
            moved |= partner != Some(place);
        }
        for new in b.attribute.iter().filter(|new| left.contains_key(text(&new.name))) {
            changes.push(change(new, None, Some(shown(new)?)));
        }
        self.hidden.note(moved && changes.is_empty(), || a.label().to_string());
        Ok(changes)
    }

    fn attribute(
        &mut self,
        old: &AttributeProto,
        new: &AttributeProto,
        node: &NodeProto,
    ) -> Result<Option<AttributeChange>, TensorError> {
        let mut difference = None;
        let same = match (&old.t, &new.t) {
            (Some(a), Some(b)) => match contrast(a, b)? {
                None => {
                    self.hidden.note(!same_storage(a, b) || a.name != b.name, || node.label().to_string());
                    true
                }
                Some(contrast) => {
                    difference = contrast.difference;
                    false
                }
            },
            (a, b) => a.is_none() && b.is_none(),
        };
        if same && same_rest(old, new) {
            return Ok(None);
        }
        let (before, after) = (shown(old)?, shown(new)?);
        if before == after && difference.is_none() {
            self.hidden.note(true, || node.label().to_string());
            return Ok(None);
        }
        Ok(Some(AttributeChange { difference, ..change(old, Some(before), Some(after)) }))
    }
}

fn names(node: &NodeProto) -> impl Iterator<Item = &BStr> {
    node.attribute.iter().map(|attribute| text(&attribute.name))
}

/// The attributes of a node, as they are shown.
///
/// # Errors
/// When a tensor cannot be read.
pub fn attributes_of(node: &NodeProto) -> Result<Vec<Attribute>, TensorError> {
    let one = |attribute: &AttributeProto| {
        Ok(Attribute { name: text(&attribute.name).to_string(), value: shown(attribute)? })
    };
    node.attribute.iter().map(one).collect()
}

/// Whether two tensors of the same elements have them in the same fields, and say the same beside.
pub fn same_storage(a: &TensorProto, b: &TensorProto) -> bool {
    let fields = |tensor: &TensorProto| (tensor.raw_data.is_some(), tensor.data_location, tensor.typed_data());
    let rest = a.metadata_props == b.metadata_props && a.doc_string == b.doc_string && a.segment == b.segment;
    rest && fields(a) == fields(b) && a.unknown == b.unknown && a.external_data[..] == b.external_data[..]
}

fn change(attribute: &AttributeProto, before: Option<String>, after: Option<String>) -> AttributeChange {
    AttributeChange { name: text(&attribute.name).to_string(), value: Change { before, after }, difference: None }
}

/// All but the tensor; of graphs only that they are there, since what is in them is compared as
/// all graphs are.
fn same_rest(a: &AttributeProto, b: &AttributeProto) -> bool {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let numbers = a.f.map(f32::to_bits) == b.f.map(f32::to_bits) && a.i == b.i && a.ints == b.ints;
    let texts = a.s == b.s && a.strings == b.strings && a.ref_attr_name == b.ref_attr_name;
    let types = a.r#type == b.r#type && a.tp == b.tp && a.type_protos == b.type_protos;
    let graphs = a.g.is_some() == b.g.is_some() && a.graphs.len() == b.graphs.len();
    let tensors = same_encodings(&a.tensors, &b.tensors) && same_encodings(&a.sparse_tensors, &b.sparse_tensors);
    let sparse = same_encodings(a.sparse_tensor.as_slice(), b.sparse_tensor.as_slice());
    let known = numbers && texts && types && graphs && tensors && sparse;
    known && a.doc_string == b.doc_string && a.unknown == b.unknown && bits(&a.floats) == bits(&b.floats)
}

fn shown(attribute: &AttributeProto) -> Result<String, TensorError> {
    let graphs: Vec<&GraphProto> = attribute.g.as_deref().into_iter().chain(&attribute.graphs).collect();
    if !graphs.is_empty() {
        let nodes: usize = graphs.iter().map(|graph| graph.node.len()).sum();
        let plural = |count, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        return Ok(match graphs.len() {
            1 => format!("graph of {}", plural(nodes, "node")),
            count => format!("{count} graphs of {}", plural(nodes, "node")),
        });
    }
    match &attribute.t {
        Some(tensor) => Ok(format!("{} {}", tensor_type(tensor), content(tensor)?)),
        None => Ok(clipped(attribute_value(attribute)?.as_str().into())),
    }
}
