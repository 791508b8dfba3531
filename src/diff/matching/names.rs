//! By names: of inputs, of outputs, of nodes.

use super::{Matcher, Side, same_operator};
use crate::diff::index::{Map, NodeId, ScopeId};
use crate::onnx::access::text;
use bstr::BStr;

impl<'m> Matcher<'_, 'm> {
    /// Inputs of the scopes: those of the same name, then those at the same place.
    pub(super) fn inputs(&mut self, a: ScopeId, b: ScopeId) {
        let (a, b) = (self.a.ports(a).0, self.b.ports(b).0);
        let names: Map<&BStr, usize> = b.iter().flatten().map(|value| (self.b.values[*value].name, *value)).collect();
        for value in a.iter().flatten() {
            if let Some(namesake) = names.get(self.a.values[*value].name) {
                self.found.values.add(*value, *namesake);
            }
        }
        for (a, b) in a.into_iter().flatten().zip(b.into_iter().flatten()) {
            self.found.values.add(a, b);
        }
    }

    /// Nodes of the same operator that make a value of the same name.
    pub(super) fn nodes_by_outputs(&mut self, a: ScopeId, b: ScopeId) {
        for node in self.a.scopes[a].nodes.clone() {
            let proto = self.a.nodes[node].proto;
            let mut makers = proto.output.iter().filter_map(|name| self.b.maker(b, name.as_ref()));
            let same = makers.find(|other| same_operator(proto, self.b.nodes[*other].proto));
            same.map(|other| self.pair(node, other));
        }
    }

    /// Nodes of the same operator and the same name, if no other has that name.
    pub(super) fn nodes_by_names(&mut self, a: ScopeId, b: ScopeId) {
        let (of_a, of_b) = (self.named(Side::A, a), self.named(Side::B, b));
        for node in self.left(Side::A, a) {
            let name = text(&self.a.nodes[node].proto.name);
            if let (Some(Some(_)), Some(Some(other))) = (of_a.get(name), of_b.get(name))
                && same_operator(self.a.nodes[node].proto, self.b.nodes[*other].proto)
            {
                self.pair(node, *other);
            }
        }
    }

    /// Nodes that are left and make a value of the same name with another operator, if that can
    /// be said to be the same node: it has the same name, or none and as many inputs of which one
    /// is the same.
    pub(super) fn nodes_by_replacement(&mut self, a: ScopeId, b: ScopeId) {
        for node in self.left(Side::A, a) {
            let proto = self.a.nodes[node].proto;
            let first = proto.output.first();
            let Some(other) = first.and_then(|name| self.b.maker(b, name.as_ref())) else { continue };
            let new = self.b.nodes[other].proto;
            let same_name = text(&proto.name) == text(&new.name);
            let same_input =
                proto.input.len() == new.input.len() && proto.input.iter().zip(&new.input).any(|(a, b)| a == b);
            if same_name && (!text(&proto.name).is_empty() || same_input) {
                self.pair(node, other);
            }
        }
    }

    /// Nodes that are left by name; `None` where two have the same.
    fn named(&self, side: Side, scope: ScopeId) -> Map<&'m BStr, Option<NodeId>> {
        let mut named: Map<&'m BStr, Option<NodeId>> = Map::default();
        for node in self.left(side, scope) {
            let name = text(&self.index(side).nodes[node].proto.name);
            if !name.is_empty() {
                named.entry(name).and_modify(|entry| *entry = None).or_insert(Some(node));
            }
        }
        named
    }
}
