//! Inputs, outputs, and declared types of inner values.

use super::{Comparison, Fields};
use crate::diff::index::{Body, Map, ScopeId, ValueId};
use crate::diff::order::{Step, merge};
use crate::diff::report::{Change, ValueChange};
use crate::onnx::access::text;
use crate::onnx::schema::ValueInfoProto;
use crate::onnx::text::fragment::value_type;
use bstr::{BStr, BString, ByteSlice};
use std::collections::VecDeque;

/// Inputs or outputs that differ, and all names if they are in another order.
type Ports = (Vec<ValueChange>, Option<Change<String>>);

/// A value that is declared, with or without a type.
#[derive(Clone, Copy)]
struct Declared<'m> {
    name: &'m BStr,
    info: Option<&'m ValueInfoProto>,
}

impl<'m> Comparison<'_, 'm> {
    /// Inputs, and their order if it is another one.
    pub(super) fn inputs(&mut self, a: Option<ScopeId>, b: Option<ScopeId>) -> Ports {
        let of = |body: Body<'m>| match body {
            Body::Graph(graph) => declared(&graph.input),
            Body::Function(function) => names(&function.input),
        };
        self.ports(a, b, of)
    }

    /// Outputs, and their order if it is another one.
    pub(super) fn outputs(&mut self, a: Option<ScopeId>, b: Option<ScopeId>) -> Ports {
        let of = |body: Body<'m>| match body {
            Body::Graph(graph) => declared(&graph.output),
            Body::Function(function) => names(&function.output),
        };
        self.ports(a, b, of)
    }

    fn ports(&mut self, a: Option<ScopeId>, b: Option<ScopeId>, of: impl Fn(Body<'m>) -> Vec<Declared<'m>>) -> Ports {
        let old = a.map_or(Vec::new(), |a| of(self.a.scopes[a].body));
        let new = b.map_or(Vec::new(), |b| of(self.b.scopes[b].body));
        let partners = self.partners(a, b, &old, &new);
        let mut changes = Vec::new();
        let steps = merge(&partners, new.len());
        for step in &steps {
            changes.extend(match *step {
                Step::Kept(i, j) | Step::Moved(i, j) => self.declared(Some(old[i]), Some(new[j])),
                Step::Removed(i) => self.declared(Some(old[i]), None),
                Step::Added(j) => self.declared(None, Some(new[j])),
            });
        }
        let order = |values: &[Declared]| {
            let names: Vec<String> = values.iter().map(|value| value.name.to_string()).collect();
            Some(names.join(", "))
        };
        let moved = steps.iter().any(|step| matches!(step, Step::Moved(..)));
        (changes, moved.then(|| Change { before: order(&old), after: order(&new) }))
    }

    /// Types that are declared of inner values. What is declared of a value that only one model
    /// has comes and goes with it.
    pub(super) fn inner_values(&mut self, a: Option<ScopeId>, b: Option<ScopeId>) -> Vec<ValueChange> {
        let (Some(a), Some(b)) = (a, b) else { return Vec::new() };
        let infos = |body: Body<'m>| match body {
            Body::Graph(graph) => declared(&graph.value_info),
            Body::Function(function) => declared(&function.value_info),
        };
        let (old, new) = (infos(self.a.scopes[a].body), infos(self.b.scopes[b].body));
        let gone = |value: Option<ValueId>, name: &BStr| {
            value.is_some_and(|value| self.found.values.of_a(value).is_none()) && self.b.look_up(b, name).is_none()
        };
        let come = |value: Option<ValueId>, name: &BStr| {
            value.is_some_and(|value| self.found.values.of_b(value).is_none()) && self.a.look_up(a, name).is_none()
        };
        let mut pairs = Vec::new();
        let mut moved = false;
        for step in merge(&self.partners(Some(a), Some(b), &old, &new), new.len()) {
            moved |= matches!(step, Step::Moved(..));
            match step {
                Step::Kept(i, j) | Step::Moved(i, j) => pairs.push((Some(old[i]), Some(new[j]))),
                Step::Removed(i) if gone(self.a.look_up(a, old[i].name), old[i].name) => {}
                Step::Added(j) if come(self.b.look_up(b, new[j].name), new[j].name) => {}
                Step::Removed(i) => pairs.push((Some(old[i]), None)),
                Step::Added(j) => pairs.push((None, Some(new[j]))),
            }
        }
        self.hidden.note(moved, || "the declared types of values".into());
        let changes = pairs.into_iter().filter_map(|(old, new)| self.declared(old, new));
        changes.filter(|change| !is_renaming(change)).collect()
    }

    /// The place in the second list of each value of the first.
    fn partners(
        &self,
        a: Option<ScopeId>,
        b: Option<ScopeId>,
        old: &[Declared],
        new: &[Declared],
    ) -> Vec<Option<usize>> {
        let (Some(a), Some(b)) = (a, b) else { return vec![None; old.len()] };
        // An output may be listed twice.
        let mut places: Map<&BStr, VecDeque<usize>> = Map::default();
        for (place, value) in new.iter().enumerate() {
            places.entry(value.name).or_default().push_back(place);
        }
        let mut partner = |value: &Declared| {
            let expected = match self.a.look_up(a, value.name) {
                Some(id) => self.found.expected_name(self.a, self.b, id, b),
                None => value.name,
            };
            places.get_mut(expected)?.pop_front()
        };
        old.iter().map(&mut partner).collect()
    }

    fn declared(&mut self, old: Option<Declared>, new: Option<Declared>) -> Option<ValueChange> {
        let name = |value: Option<Declared>| value.map(|value| value.name.to_string());
        let name = Change { before: name(old), after: name(new) };
        let (before, after) = (old.and_then(|value| value.info), new.and_then(|value| value.info));
        if name.is_same() && before == after {
            return None;
        }
        let kind = |info: Option<&ValueInfoProto>| Some(value_type(info?.r#type.as_ref()?));
        let kinds = Change { before: kind(before), after: kind(after) };
        let mut change = ValueChange { r#type: kinds, name, fields: Vec::new() };
        if let (Some(before), Some(after)) = (before, after) {
            let place = change.name.before.clone().unwrap_or_default();
            let mut fields = Fields::new(&mut self.hidden, &place);
            fields.string("doc_string", before.doc_string.as_deref(), after.doc_string.as_deref());
            fields.entries("metadata", &before.metadata_props, &after.metadata_props);
            let unseen = change.r#type.is_same() && before.r#type != after.r#type;
            fields.hidden(unseen || before.unknown != after.unknown);
            change.fields = fields.changes;
        }
        let shows = !change.name.is_same() || !change.r#type.is_same() || !change.fields.is_empty();
        shows.then_some(change)
    }
}

/// Whether only the name differs, of a value that both have: that is shown where it is made.
fn is_renaming(change: &ValueChange) -> bool {
    let both = change.name.before.is_some() && change.name.after.is_some();
    both && change.r#type.is_same() && change.fields.is_empty()
}

fn declared(infos: &[ValueInfoProto]) -> Vec<Declared<'_>> {
    infos.iter().map(|info| Declared { name: text(&info.name), info: Some(info) }).collect()
}

fn names(names: &[BString]) -> Vec<Declared<'_>> {
    names.iter().map(|name| Declared { name: name.as_bstr(), info: None }).collect()
}
