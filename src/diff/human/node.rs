//! Lines of nodes: `Conv conv1 (x, W, +bias) → c ⇒ y {pads = [0, 0] ⇒ [1, 1]}, moved after relu`.

use super::Paint;
use super::line::{Kind, Line, Sign, more_fields};
use super::words::{change, clip, clip_both, difference, name};
use crate::diff::report::{AttributeChange, Change, NodeChange, NodeEntry, NodeText, Slot};

/// Of longer lists, so many items are shown: all that changed, as long as there is room, and the
/// first others.
const SHOWN: usize = 8;

/// The line of an entry.
pub fn line(entry: &NodeEntry, paint: Paint) -> Line {
    let (sign, text) = match entry {
        // What it was like matters less than that it is gone, unless that is all there was to it.
        NodeEntry::Removed(node) if node.operator != "Constant" => {
            (Sign::Removed, node_text(&NodeText { attributes: Vec::new(), ..node.clone() }))
        }
        NodeEntry::Removed(node) => (Sign::Removed, node_text(node)),
        NodeEntry::Added(node) => (Sign::Added, node_text(node)),
        NodeEntry::Changed(change) => (Sign::Changed, changed(change, paint)),
        NodeEntry::Unchanged(node) => (Sign::None, node_text(node)),
        NodeEntry::Skipped { count } => {
            (Sign::None, format!("… {count} unchanged node{}", if *count == 1 { "" } else { "s" }))
        }
    };
    Line { sign, kind: Kind::Node, text }
}

/// Whether an entry is about a renaming only.
pub fn is_renaming(entry: &NodeEntry) -> bool {
    matches!(entry, NodeEntry::Changed(change) if change.is_renaming())
}

fn node_text(node: &NodeText) -> String {
    let plain = |names: &[String]| -> Vec<(bool, String)> { names.iter().map(|text| (false, name(text))).collect() };
    let attributes = node
        .attributes
        .iter()
        .map(|attribute| (false, format!("{} = {}", name(&attribute.name), clip(&attribute.value))));
    sentence(
        &name(&node.operator),
        &Some(node.name.as_str()).filter(|name| !name.is_empty()).map(name).unwrap_or_default(),
        plain(&node.inputs),
        plain(&node.outputs),
        attributes.collect(),
    )
}

fn changed(node: &NodeChange, paint: Paint) -> String {
    let slots = |slots: &[Slot]| slots.iter().map(|slot| (slot.changed, slot_text(slot, paint))).collect();
    let is_unnamed = node.name.is_same() && node.name.after.as_deref() == Some("");
    let named = if is_unnamed { String::new() } else { change(&node.name, "⇒", paint, name) };
    let attributes = node.attributes.iter().map(|attribute| (true, attribute_text(attribute, paint)));
    let operator = change(&node.operator, "⇒", paint, name);
    let text = sentence(&operator, &named, slots(&node.inputs), slots(&node.outputs), attributes.collect());
    let moved = node.moved.as_ref().map_or(String::new(), |place| format!(", moved {}", clip(place)));
    text + &moved + &more_fields(&node.fields, paint)
}

fn sentence(
    operator: &str,
    named: &str,
    inputs: Vec<(bool, String)>,
    outputs: Vec<(bool, String)>,
    attributes: Vec<(bool, String)>,
) -> String {
    let named = if named.is_empty() { String::new() } else { format!(" {named}") };
    let outputs = if outputs.is_empty() { String::new() } else { format!(" → {}", list(outputs)) };
    let attributes = if attributes.is_empty() { String::new() } else { format!(" {{{}}}", list(attributes)) };
    format!("{operator}{named} ({}){outputs}{attributes}", list(inputs))
}

/// Items with commas between them; `…` stands for those that are left out.
fn list(items: Vec<(bool, String)>) -> String {
    let changed = items.iter().filter(|item| item.0).count().min(SHOWN);
    let (mut changed_room, mut other_room) = match items.len() {
        0..=SHOWN => (SHOWN, SHOWN),
        _ => (changed, SHOWN - changed),
    };
    let mut words: Vec<String> = Vec::new();
    for (is_changed, text) in items {
        let room = if is_changed { &mut changed_room } else { &mut other_room };
        if *room > 0 {
            *room -= 1;
            words.push(text);
        } else if words.last().is_none_or(|last| last != "…") {
            words.push("…".into());
        }
    }
    words.join(", ")
}

fn slot_text(slot: &Slot, paint: Paint) -> String {
    let Paint { old, new, .. } = paint;
    // An input that is omitted is none.
    let there = |name: &Option<String>| name.clone().filter(|name| !slot.changed || !name.is_empty());
    match (there(&slot.name.before), there(&slot.name.after)) {
        (Some(before), None) => format!("{old}-{}{old:#}", name(&before)),
        (None, Some(after)) => format!("{new}+{}{new:#}", name(&after)),
        (Some(before), Some(after)) if slot.changed => {
            format!("{old}{}{old:#} ⇒ {new}{}{new:#}", name(&before), name(&after))
        }
        (_, after) => after.as_deref().map(name).unwrap_or_default(),
    }
}

fn attribute_text(attribute: &AttributeChange, paint: Paint) -> String {
    let Paint { old, new, .. } = paint;
    let key = name(&attribute.name);
    match (&attribute.value.before, &attribute.value.after) {
        (Some(before), Some(after)) => {
            let (before, after) = clip_both(before, after);
            let values =
                change(&Change { before: Some(before), after: Some(after) }, "⇒", paint, crate::report::printable);
            format!("{key} = {values}{}", difference(attribute.difference))
        }
        (Some(before), None) => format!("{old}-{key} = {}{old:#}", clip(before)),
        (None, after) => format!("{new}+{key} = {}{new:#}", after.as_deref().map(clip).unwrap_or_default()),
    }
}
