//! Nodes.

use super::attribute::attributes_of;
use super::encoding::same_encodings;
use super::{Comparison, Fields};
use crate::diff::index::{Index, NodeId, ScopeId, operator};
use crate::diff::order::{Step, merge};
use crate::diff::report::{Change, NodeChange, NodeEntry, NodeText, Slot};
use crate::onnx::TensorError;
use crate::onnx::access::text;
use crate::onnx::schema::NodeProto;
use bstr::{BStr, BString, ByteSlice};

/// A line of the list, if it is one.
enum Line {
    Entry(NodeEntry),
    /// A node of the second model that does not differ.
    Same(NodeId),
}

impl Comparison<'_, '_> {
    /// Nodes that differ, with those around them that are wanted.
    pub(super) fn nodes(&mut self, a: Option<ScopeId>, b: Option<ScopeId>) -> Result<Vec<NodeEntry>, TensorError> {
        let old = a.map_or(0..0, |a| self.a.scopes[a].nodes.clone());
        let new = b.map_or(0..0, |b| self.b.scopes[b].nodes.clone());
        let partner = |node| Some(self.found.nodes.of_a(node)? - new.start);
        let partners: Vec<Option<usize>> = old.clone().map(partner).collect();
        let mut lines = Vec::new();
        for step in merge(&partners, new.len()) {
            match step {
                Step::Kept(i, j) => lines.push(self.line(old.start + i, new.start + j, false)?),
                Step::Moved(i, j) => lines.push(self.line(old.start + i, new.start + j, true)?),
                Step::Removed(i) if !self.is_held_as_initializer_in_b(old.start + i) => {
                    lines.push(Line::Entry(NodeEntry::Removed(node_text(self.a.nodes[old.start + i].proto)?)));
                }
                Step::Added(j) if !self.is_held_as_initializer_in_a(new.start + j) => {
                    lines.push(Line::Entry(NodeEntry::Added(node_text(self.b.nodes[new.start + j].proto)?)));
                }
                Step::Removed(_) | Step::Added(_) => {}
            }
        }
        with_context(lines, self.context, self.b)
    }

    fn line(&mut self, old: NodeId, new: NodeId, moved: bool) -> Result<Line, TensorError> {
        let (a, b) = (self.a.nodes[old].proto, self.b.nodes[new].proto);
        let attributes = self.attributes(a, b)?;
        let place = a.label().to_string();
        let mut fields = Fields::new(&mut self.hidden, &place);
        fields.string("doc_string", a.doc_string.as_deref(), b.doc_string.as_deref());
        fields.entries("metadata", &a.metadata_props, &b.metadata_props);
        let fields = fields.changes;
        let expected = self.found.expected_inputs(self.a, self.b, old, new);
        let (operators, names) = ((operator(a), operator(b)), (text(&a.name), text(&b.name)));
        let ports_differ = expected.iter().ne(b.input.iter()) || a.output != b.output;
        let rest_differs = !attributes.is_empty() || !fields.is_empty() || moved;
        if !ports_differ && !rest_differs && operators.0 == operators.1 && names.0 == names.1 {
            self.hidden.note(has_hidden_difference(a, b), || place);
            return Ok(Line::Same(new));
        }
        let own: Vec<&BStr> = a.output.iter().map(|name| name.as_bstr()).collect();
        let change = NodeChange {
            operator: Change { before: Some(operators.0), after: Some(operators.1) },
            name: Change { before: Some(names.0.to_string()), after: Some(names.1.to_string()) },
            inputs: slots(&a.input, &expected, &b.input),
            outputs: slots(&a.output, &own, &b.output),
            attributes,
            fields,
            moved: moved.then(|| self.place(new)),
        };
        Ok(Line::Entry(NodeEntry::Changed(Box::new(change))))
    }

    /// Where a node of the second model is.
    fn place(&self, node: NodeId) -> String {
        let nodes = &self.b.scopes[self.b.nodes[node].scope].nodes;
        match node.checked_sub(1).filter(|before| nodes.contains(before)) {
            Some(before) => format!("after {}", self.b.nodes[before].proto.label()),
            None => "to the start".into(),
        }
    }
}

fn has_hidden_difference(a: &NodeProto, b: &NodeProto) -> bool {
    let fields = (&a.name, &a.domain, &a.overload, &a.unknown) == (&b.name, &b.domain, &b.overload, &b.unknown);
    !fields || !same_encodings(&a.device_configurations, &b.device_configurations)
}

fn node_text(node: &NodeProto) -> Result<NodeText, TensorError> {
    let names = |names: &[BString]| names.iter().map(ToString::to_string).collect();
    Ok(NodeText {
        operator: operator(node),
        name: text(&node.name).to_string(),
        inputs: names(&node.input),
        outputs: names(&node.output),
        attributes: attributes_of(node)?,
    })
}

/// What a node reads or makes, side by side. Where the numbers differ, what is the same at the
/// start and at the end stays side by side.
fn slots(old: &[BString], expected: &[&BStr], new: &[BString]) -> Vec<Slot> {
    let same = |(expected, new): (&&BStr, &BString)| *expected == new;
    let (mut start, mut end) = (old.len(), old.len());
    if old.len() != new.len() {
        start = expected.iter().zip(new).take_while(|pair| same(*pair)).count();
        let most = old.len().min(new.len()) - start;
        let at_end = expected.iter().rev().zip(new.iter().rev()).take(most);
        end = old.len() - at_end.take_while(|pair| same(*pair)).count();
    }
    let new_end = new.len() - (old.len() - end);
    let text = |names: &[BString], place: usize| names.get(place).map(ToString::to_string);
    let slot = |i: Option<usize>, j: Option<usize>| Slot {
        changed: i.and_then(|i| expected.get(i)).copied() != j.map(|j| new[j].as_bstr()),
        name: Change { before: i.and_then(|i| text(old, i)), after: j.and_then(|j| text(new, j)) },
    };
    let middle = (end - start).max(new_end - start);
    let in_middle = (0..middle)
        .map(|offset| slot(Some(start + offset).filter(|i| *i < end), Some(start + offset).filter(|j| *j < new_end)));
    let before = (0..start).map(|place| slot(Some(place), Some(place)));
    let after = (end..old.len()).map(|place| slot(Some(place), Some(place - end + new_end)));
    before.chain(in_middle).chain(after).collect()
}

/// Leaves out nodes that do not differ, but for so many before and behind each that does.
fn with_context(lines: Vec<Line>, context: usize, b: &Index) -> Result<Vec<NodeEntry>, TensorError> {
    let changed: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| matches!(line, Line::Entry(_))).map(|(place, _)| place).collect();
    let mut entries = Vec::with_capacity(changed.len());
    let mut skipped = 0;
    for (place, line) in lines.into_iter().enumerate() {
        let next = changed.partition_point(|changed| *changed < place);
        let distance = |other: Option<&usize>| other.map_or(usize::MAX, |other| other.abs_diff(place));
        let near = distance(changed.get(next)).min(distance(next.checked_sub(1).map(|before| &changed[before])));
        match line {
            Line::Same(_) if near > context => skipped += 1,
            line => {
                if skipped > 0 && context > 0 {
                    entries.push(NodeEntry::Skipped { count: skipped });
                }
                skipped = 0;
                entries.push(match line {
                    Line::Entry(entry) => entry,
                    Line::Same(node) => NodeEntry::Unchanged(node_text(b.nodes[node].proto)?),
                });
            }
        }
    }
    if skipped > 0 && context > 0 && !entries.is_empty() {
        entries.push(NodeEntry::Skipped { count: skipped });
    }
    Ok(entries)
}
