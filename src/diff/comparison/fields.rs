//! Named fields, and differences that have no line of their own.

use super::encoding::same_encodings;
use crate::diff::index::Map;
use crate::diff::report::{Change, FieldChange, Hidden};
use crate::onnx::access::text;
use crate::onnx::schema::{FunctionProto, GraphProto, OperatorSetIdProto, StringStringEntryProto};
use bstr::{BStr, BString};
use std::fmt::Display;

/// Longer strings are cut.
const LONGEST: usize = 1000;

/// Differences that have no line of their own.
#[derive(Default)]
pub struct HiddenNotes {
    count: usize,
    first: Option<String>,
}

impl HiddenNotes {
    /// Notes a difference, if it is one.
    pub fn note(&mut self, differs: bool, place: impl FnOnce() -> String) {
        if differs {
            self.count += 1;
            self.first.get_or_insert_with(place);
        }
    }

    /// What there is.
    pub fn found(self) -> Option<Hidden> {
        let HiddenNotes { count, first } = self;
        first.map(|first| Hidden { count, first })
    }
}

/// Collects the fields of one thing that differ.
pub struct Fields<'h> {
    pub changes: Vec<FieldChange>,
    hidden: &'h mut HiddenNotes,
    /// What it is, for differences without a line.
    place: &'h str,
}

impl<'h> Fields<'h> {
    pub fn new(hidden: &'h mut HiddenNotes, place: &'h str) -> Self {
        Fields { changes: Vec::new(), hidden, place }
    }

    /// A difference without a line.
    pub fn hidden(&mut self, differs: bool) {
        self.hidden.note(differs, || self.place.to_owned());
    }

    pub fn change(&mut self, field: impl Into<String>, before: Option<String>, after: Option<String>) {
        if before != after {
            self.changes.push(FieldChange { field: field.into(), value: Change { before, after } });
        }
    }

    pub fn number(&mut self, field: &str, a: Option<impl Display>, b: Option<impl Display>) {
        self.change(field, a.map(|a| a.to_string()), b.map(|b| b.to_string()));
    }

    /// A string; that it is absent or empty makes no difference that is shown.
    pub fn string(&mut self, field: &str, a: Option<&BString>, b: Option<&BString>) {
        if a == b {
            return;
        }
        let shown = |text: Option<&BString>| text.filter(|text| !text.is_empty()).map(|text| clipped(text.as_ref()));
        let differ = shown(a) != shown(b);
        self.change(field, shown(a), shown(b));
        self.hidden(!differ);
    }

    /// Keys and values: one change per key.
    pub fn entries(&mut self, what: &str, a: &[StringStringEntryProto], b: &[StringStringEntryProto]) {
        if a == b {
            return;
        }
        let pairs = |entries: &[StringStringEntryProto]| -> Vec<(String, String)> {
            let pair = |entry: &StringStringEntryProto| (clipped(text(&entry.key)), clipped(text(&entry.value)));
            entries.iter().map(pair).collect()
        };
        self.keyed(what, &pairs(a), &pairs(b));
    }

    /// Operator sets: one change per domain.
    pub fn imports(&mut self, a: &[OperatorSetIdProto], b: &[OperatorSetIdProto]) {
        if a == b {
            return;
        }
        let pairs = |imports: &[OperatorSetIdProto]| -> Vec<(String, String)> {
            let version = |import: &OperatorSetIdProto| import.version.unwrap_or(0).to_string();
            imports.iter().map(|import| (clipped(text(&import.domain)), version(import))).collect()
        };
        self.keyed("opset", &pairs(a), &pairs(b));
    }

    fn keyed(&mut self, what: &str, a: &[(String, String)], b: &[(String, String)]) {
        let field = |key: &str| if key.is_empty() { what.to_owned() } else { format!("{what} {key}") };
        // Of a key that is there twice, the first counts.
        let map = |entries: &[(String, String)]| entries.iter().rev().cloned().collect::<Map<String, String>>();
        let (of_a, of_b) = (map(a), map(b));
        let before = self.changes.len();
        for (key, old) in a {
            self.change(field(key), Some(old.clone()), of_b.get(key).cloned());
        }
        for (key, new) in b.iter().filter(|entry| !of_a.contains_key(&entry.0)) {
            self.change(field(key), None, Some(new.clone()));
        }
        // Another order, a key twice.
        self.hidden(self.changes.len() == before);
    }

    /// What graphs say of themselves.
    pub fn graph(&mut self, a: &GraphProto, b: &GraphProto) {
        self.string("graph", a.name.as_ref(), b.name.as_ref());
        self.string("doc_string", a.doc_string.as_ref(), b.doc_string.as_ref());
        self.entries("metadata", &a.metadata_props, &b.metadata_props);
        let annotations = (&a.quantization_annotation, &b.quantization_annotation);
        if !same_encodings(annotations.0, annotations.1) {
            self.changes.push(FieldChange { field: "quantization annotations".into(), value: Change::default() });
        }
        self.hidden(a.unknown != b.unknown);
    }

    /// What functions say of themselves.
    pub fn function(&mut self, a: &FunctionProto, b: &FunctionProto) {
        self.string("doc_string", a.doc_string.as_ref(), b.doc_string.as_ref());
        self.imports(&a.opset_import, &b.opset_import);
        self.entries("metadata", &a.metadata_props, &b.metadata_props);
        let parameters = |function: &FunctionProto| {
            let defaults = function.attribute_proto.iter().map(|attribute| text(&attribute.name).to_string());
            let names: Vec<String> = function.attribute.iter().map(ToString::to_string).chain(defaults).collect();
            Some(names.join(", ")).filter(|names| !names.is_empty())
        };
        self.change("attributes", parameters(a), parameters(b));
        if !same_encodings(&a.attribute_proto, &b.attribute_proto) && parameters(a) == parameters(b) {
            self.changes.push(FieldChange { field: "defaults of attributes".into(), value: Change::default() });
        }
        self.hidden((&a.unknown, &a.name, &a.domain, &a.overload) != (&b.unknown, &b.name, &b.domain, &b.overload));
    }
}

/// A string of a model, if it is long only its beginning.
pub fn clipped(text: &BStr) -> String {
    let text = text.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}… ({} bytes)", &text[..cut], text.len()),
        None => text,
    }
}
