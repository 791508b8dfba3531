//! Lines of all but nodes.

use super::words::{change, clip, clip_both, difference, name, string};
use super::{Paint, node};
use crate::diff::report::{Change, FieldChange, GraphDiff, ModelDiff, TensorChange, ValueChange};

/// A line without its sign.
pub struct Line {
    pub sign: Sign,
    pub kind: Kind,
    pub text: String,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Removed,
    Added,
    Changed,
    /// It is there for context.
    None,
}

/// What a line is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Field,
    Input,
    Output,
    Node,
    Constant,
    Value,
}

impl Kind {
    /// What stands before the text, where it is not plain from that.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Input => "input ",
            Kind::Output => "output ",
            Kind::Value => "value ",
            Kind::Field | Kind::Node | Kind::Constant => "",
        }
    }

    /// What it is called in a table.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Field => "field",
            Kind::Input => "input",
            Kind::Output => "output",
            Kind::Node => "node",
            Kind::Constant => "constant",
            Kind::Value => "value",
        }
    }
}

/// What the models say of themselves, and what has no line of its own.
pub fn model_lines(diff: &ModelDiff, paint: Paint) -> Vec<Line> {
    let mut lines: Vec<Line> = diff.fields.iter().map(|field| field_line(field, paint)).collect();
    lines.extend(diff.hidden.as_ref().map(|hidden| Line {
        sign: Sign::Changed,
        kind: Kind::Field,
        text: match hidden.count {
            1 => format!("{} is written in another way", clip(&hidden.first)),
            count => format!("{} and {} more are written in another way", clip(&hidden.first), count - 1),
        },
    }));
    lines
}

/// Of more things that were only renamed, some are shown and the others counted.
const RENAMED: usize = 20;
/// So many are then shown.
const SHOWN: usize = 5;

/// So many fields of a thing that has a line are shown.
const FIELDS: usize = 3;

/// What differs in a graph. Much that was only renamed is not listed, unless `all` is wanted.
pub fn lines(graph: &GraphDiff, paint: Paint, all: bool) -> Vec<Line> {
    let fields = graph.fields.iter().map(|field| field_line(field, paint));
    let inputs = graph.inputs.iter().map(|value| value_line(Kind::Input, value, paint));
    let outputs = graph.outputs.iter().map(|value| value_line(Kind::Output, value, paint));
    let nodes = graph.nodes.iter().map(|entry| (node::is_renaming(entry), node::line(entry, paint)));
    let nodes = shortened(nodes.collect(), "nodes", all);
    let constants = graph.initializers.iter().map(|tensor| (tensor.is_renaming(), tensor_line(tensor, paint)));
    let constants = shortened(constants.collect(), "constants", all);
    let values = graph.values.iter().map(|value| value_line(Kind::Value, value, paint));
    fields.chain(inputs).chain(outputs).chain(nodes).chain(constants).chain(values).collect()
}

/// Lines, each with whether it is about a renaming only.
fn shortened(lines: Vec<(bool, Line)>, what: &str, all: bool) -> Vec<Line> {
    let renamed = lines.iter().filter(|(renamed, _)| *renamed).count();
    let mut room = if all || renamed <= RENAMED { usize::MAX } else { SHOWN };
    let more = renamed.saturating_sub(room);
    let kind = lines.last().map_or(Kind::Node, |(_, line)| line.kind);
    let mut shown = Vec::with_capacity(lines.len());
    for (renamed, line) in lines {
        if !renamed || room > 0 {
            room -= usize::from(renamed);
            shown.push(line);
        }
    }
    let text = format!("… and {more} more {what} that are only renamed (-v lists them)");
    shown.extend((more > 0).then_some(Line { sign: Sign::Changed, kind, text }));
    shown
}

/// `, doc_string "a" → "b"` of a thing that has a line.
pub fn more_fields(fields: &[FieldChange], paint: Paint) -> String {
    let shown = fields.iter().take(FIELDS).map(|field| format!(", {}", field_text(field, paint)));
    let more = fields.len().saturating_sub(FIELDS);
    shown.chain((more > 0).then(|| format!(", … {more} more fields"))).collect()
}

fn sign<T>(change: &Change<T>) -> Sign {
    match (&change.before, &change.after) {
        (Some(_), None) => Sign::Removed,
        (None, Some(_)) => Sign::Added,
        _ => Sign::Changed,
    }
}

/// No colours in lines that have one as a whole.
fn within(sign: Sign, paint: Paint) -> Paint {
    if sign == Sign::Changed { paint } else { Paint::default() }
}

fn field_line(field: &FieldChange, paint: Paint) -> Line {
    let sign = sign(&field.value);
    Line { sign, kind: Kind::Field, text: field_text(field, within(sign, paint)) }
}

fn field_text(field: &FieldChange, paint: Paint) -> String {
    let value = match (&field.value.before, &field.value.after) {
        (Some(before), Some(after)) => {
            let (before, after) = clip_both(before, after);
            change(&Change { before: Some(before), after: Some(after) }, "→", paint, name)
        }
        _ => change(&field.value, "→", paint, string),
    };
    format!("{} {value}", crate::report::printable(&field.field)).trim_end().to_owned()
}

fn value_line(kind: Kind, value: &ValueChange, paint: Paint) -> Line {
    let sign = sign(&value.name);
    let paint = within(sign, paint);
    let names = change(&value.name, "→", paint, name);
    let types = match (&value.r#type.before, &value.r#type.after) {
        (Some(_), None) if sign == Sign::Changed => "without a type".into(),
        (None, Some(new)) if sign == Sign::Changed => format!("now {}", clip(new)),
        _ => change(&value.r#type, "→", paint, clip),
    };
    let text = format!("{names} {types}").trim_end().to_owned() + &more_fields(&value.fields, paint);
    Line { sign, kind, text }
}

/// `W float[64,3,7,7] a1b2c3d4 → 99887766, max |Δ| 0.31, relative 0.12`; with type and elements side
/// by side where both differ.
fn tensor_line(tensor: &TensorChange, paint: Paint) -> Line {
    let sign = sign(&tensor.name);
    let paint = within(sign, paint);
    let mut text = change(&tensor.name, "→", paint, name);
    let beside = |kind: &Option<String>, content: &Option<String>| match (kind, content) {
        (Some(kind), Some(content)) => Some(format!("{kind} {content}")),
        (one, other) => one.clone().or(other.clone()),
    };
    let both = Change {
        before: beside(&tensor.r#type.before, &tensor.content.before),
        after: beside(&tensor.r#type.after, &tensor.content.after),
    };
    text += &match &tensor.r#type.after {
        Some(kind) if tensor.r#type.is_same() => {
            format!(" {} {}", clip(kind), contents(&tensor.content, paint)).trim_end().to_owned()
        }
        _ => format!(" {}", contents(&both, paint)),
    };
    text += &difference(tensor.difference);
    if !tensor.holder.is_same() && sign == Sign::Changed {
        text += &format!(", {}", change(&tensor.holder, "→", paint, str::to_owned));
    }
    text += &more_fields(&tensor.fields, paint);
    Line { sign, kind: Kind::Constant, text }
}

/// Elements, or types with elements, side by side.
fn contents(content: &Change<String>, paint: Paint) -> String {
    match (&content.before, &content.after) {
        (Some(before), Some(after)) => {
            let (before, after) = clip_both(before, after);
            change(&Change { before: Some(before), after: Some(after) }, "→", paint, crate::report::printable)
        }
        _ => change(content, "→", paint, clip),
    }
}
