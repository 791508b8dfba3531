//! Initializers, and constants that are an initializer in one of the models.

use super::attribute::{attributes_of, same_storage};
use super::{Comparison, Fields};
use crate::diff::index::{Body, Index, Map, NodeId, Origin, ScopeId, ValueId};
use crate::diff::order::{Step, merge};
use crate::diff::report::{Change, TensorChange};
use crate::diff::tensor::{content, contrast};
use crate::onnx::TensorError;
use crate::onnx::access::text;
use crate::onnx::schema::{AttributeProto, NodeProto, SparseTensorProto, TensorProto};
use crate::onnx::text::fragment::tensor_type;
use bstr::BStr;

/// A constant as one model has it.
#[derive(Clone, Copy)]
struct Constant<'m> {
    value: ValueId,
    tensor: &'m TensorProto,
    holder: &'static str,
}

impl<'m> Comparison<'_, 'm> {
    /// Constants that differ, and whether some are in another order.
    pub(super) fn initializers(
        &mut self,
        a: Option<ScopeId>,
        b: Option<ScopeId>,
    ) -> Result<(Vec<TensorChange>, bool), TensorError> {
        let old = a.map_or(Vec::new(), |a| constants(self.a, a, |node| self.is_held_as_initializer_in_b(node)));
        let new = b.map_or(Vec::new(), |b| constants(self.b, b, |node| self.is_held_as_initializer_in_a(node)));
        let places: Map<ValueId, usize> = new.iter().enumerate().map(|(place, new)| (new.value, place)).collect();
        let partner = |old: &Constant| places.get(&self.found.values.of_a(old.value)?).copied();
        let partners: Vec<Option<usize>> = old.iter().map(partner).collect();
        let mut changes = Vec::new();
        let mut is_moved = false;
        for step in merge(&partners, new.len()) {
            match step {
                Step::Kept(i, j) => changes.extend(self.constant(old[i], new[j])?),
                Step::Moved(i, j) => {
                    is_moved |= old[i].holder == new[j].holder;
                    changes.extend(self.constant(old[i], new[j])?);
                }
                Step::Removed(i) => changes.push(one_side(old[i], |text| Change { before: Some(text), after: None })?),
                Step::Added(j) => changes.push(one_side(new[j], |text| Change { before: None, after: Some(text) })?),
            }
        }
        changes.extend(self.sparse_initializers(a, b)?);
        Ok((changes, is_moved))
    }

    /// Whether a Constant node of the first model is an initializer in the second: it is compared
    /// with that, and not listed among the nodes.
    pub(super) fn is_held_as_initializer_in_b(&self, node: NodeId) -> bool {
        let is_left = self.found.nodes.of_a(node).is_none();
        is_left && is_held_elsewhere(self.a, self.b, node, |value| self.found.values.of_a(value))
    }

    /// Whether a Constant node of the second model is an initializer in the first.
    pub(super) fn is_held_as_initializer_in_a(&self, node: NodeId) -> bool {
        let is_left = self.found.nodes.of_b(node).is_none();
        is_left && is_held_elsewhere(self.b, self.a, node, |value| self.found.values.of_b(value))
    }

    fn constant(&mut self, old: Constant, new: Constant) -> Result<Option<TensorChange>, TensorError> {
        let (a, b) = (old.tensor, new.tensor);
        let names = [self.a.values[old.value].name, self.b.values[new.value].name];
        let contrast = contrast(a, b)?;
        let place = names[0].to_string();
        let mut fields = Fields::new(&mut self.hidden, &place);
        fields.string("doc_string", a.doc_string.as_deref(), b.doc_string.as_deref());
        fields.entries("metadata", &a.metadata_props, &b.metadata_props);
        let fields = fields.changes;
        let is_same = names[0] == names[1] && old.holder == new.holder && contrast.is_none() && fields.is_empty();
        if is_same {
            self.hidden.note(!same_storage(a, b), || place);
            return Ok(None);
        }
        let (content, difference) = match contrast {
            None => (Change::default(), None),
            Some(contrast) => {
                let content = Change { before: Some(contrast.before), after: Some(contrast.after) };
                (content, contrast.difference)
            }
        };
        Ok(Some(TensorChange {
            name: both(names[0].to_string(), names[1].to_string()),
            holder: both(old.holder.into(), new.holder.into()),
            r#type: both(tensor_type(a), tensor_type(b)),
            content,
            difference,
            fields,
        }))
    }

    /// Sparse initializers, by name.
    fn sparse_initializers(
        &mut self,
        a: Option<ScopeId>,
        b: Option<ScopeId>,
    ) -> Result<Vec<TensorChange>, TensorError> {
        let sparse = |body: Option<Body<'m>>| match body {
            Some(Body::Graph(graph)) => graph.sparse_initializer.as_slice(),
            _ => &[],
        };
        let old = sparse(a.map(|a| self.a.scopes[a].body));
        let new = sparse(b.map(|b| self.b.scopes[b].body));
        let mut left: Map<&BStr, &SparseTensorProto> = new.iter().map(|sparse| (sparse.name(), sparse)).collect();
        let mut changes = Vec::new();
        for a in old {
            changes.extend(sparse_change(Some(a), left.remove(a.name()))?);
        }
        for b in new.iter().filter(|b| left.contains_key(b.name())) {
            changes.extend(sparse_change(None, Some(b))?);
        }
        Ok(changes)
    }
}

fn is_held_elsewhere(here: &Index, there: &Index, node: NodeId, partner: impl Fn(ValueId) -> Option<ValueId>) -> bool {
    let value = here.nodes[node].outputs.first().copied().flatten();
    let other = value.filter(|value| here.constant(*value).is_some()).and_then(partner);
    other.is_some_and(|other| matches!(there.values[other].origin, Origin::Initializer(_)))
}

/// The initializers of a scope, then the Constant nodes that are wanted.
fn constants<'m>(index: &Index<'m>, scope: ScopeId, wanted: impl Fn(NodeId) -> bool) -> Vec<Constant<'m>> {
    let scope_of = &index.scopes[scope];
    let initializers = scope_of.body.initializers().iter().filter_map(|tensor| {
        let value = index.look_up_own(scope, text(&tensor.name))?;
        Some(Constant { value, tensor, holder: "initializer" })
    });
    let nodes = scope_of.nodes.clone().filter(|node| wanted(*node)).filter_map(|node| {
        let value = index.nodes[node].outputs.first().copied().flatten()?;
        Some(Constant { value, tensor: index.constant(value)?, holder: "Constant" })
    });
    initializers.chain(nodes).collect()
}

fn both(before: String, after: String) -> Change<String> {
    Change { before: Some(before), after: Some(after) }
}

fn one_side(constant: Constant, on: impl Fn(String) -> Change<String>) -> Result<TensorChange, TensorError> {
    Ok(TensorChange {
        name: on(text(&constant.tensor.name).to_string()),
        holder: on(constant.holder.into()),
        r#type: on(tensor_type(constant.tensor)),
        content: on(content(constant.tensor)?),
        difference: None,
        fields: Vec::new(),
    })
}

fn sparse_change(
    old: Option<&SparseTensorProto>,
    new: Option<&SparseTensorProto>,
) -> Result<Option<TensorChange>, TensorError> {
    if let (Some(old), Some(new)) = (old, new)
        && super::same_encoding(old, new)?
    {
        return Ok(None);
    }
    let shown = |sparse: Option<&SparseTensorProto>| sparse.map(sparse_text).transpose();
    let name = |sparse: Option<&SparseTensorProto>| sparse.map(|sparse| sparse.name().to_string());
    let holder = |sparse: Option<&SparseTensorProto>| sparse.map(|_| "sparse initializer".to_owned());
    Ok(Some(TensorChange {
        name: Change { before: name(old), after: name(new) },
        holder: Change { before: holder(old), after: holder(new) },
        r#type: Change::default(),
        content: Change { before: shown(old)?, after: shown(new)? },
        difference: None,
        fields: Vec::new(),
    }))
}

/// A sparse tensor as an attribute would show it.
fn sparse_text(sparse: &SparseTensorProto) -> Result<String, TensorError> {
    let mut unnamed = sparse.clone();
    unnamed.values.iter_mut().for_each(|values| values.name = None);
    let attribute = AttributeProto { r#type: Some(11), sparse_tensor: Some(Box::new(unnamed)), ..Default::default() };
    let node = NodeProto { attribute: vec![attribute], ..Default::default() };
    Ok(attributes_of(&node)?.into_iter().map(|attribute| attribute.value).collect())
}
