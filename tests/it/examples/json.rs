//! docs/json.md lists the fields that reports have, and no others.

use super::Command;
use super::workplace::Workplace;
use crate::tool::repository;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Sections of the document, with the paths of what they describe.
type Sections = &'static [(&'static str, &'static str)];

/// What describes the reports of each command, and what prints some. Together the lines show every field.
const REPORTS: [(Sections, &[&str]); 9] = [
    (
        &[
            ("", "Every report"),
            ("", "Commands that write a model"),
            ("", "fold"),
            ("norms[].", "A node that folds"),
            ("norms[].refusal.", "Refusal"),
            ("verification.", "Verification"),
            ("verification.location.", "Location"),
            ("verification.location.changes.", "Differences"),
            ("diff.", "Differences"),
        ],
        &[
            "bn-tool fold model.onnx --diff -o out.onnx --format json",
            "bn-tool fold model.onnx --atol 0 --rtol 0 --locate -o out.onnx --format json # exit status 1",
            "bn-tool fold fixtures/fold/keeps_relu_between.onnxtxt --explain --format json",
            "bn-tool fold fixtures/merge/keeps_other_strides.onnxtxt --merge-branches --format json",
            "bn-tool fold repvgg.onnx --merge-branches --format json",
            "bn-tool fold functions.onnx --specialize-functions --format json # exit status 1",
        ],
    ),
    (
        &[
            ("", "Every report"),
            ("", "Commands that write a model"),
            ("", "insert"),
            ("layers[].refusal.", "Refusal"),
            ("verification.", "Verification"),
            ("diff.", "Differences"),
        ],
        &[
            "bn-tool insert folded.onnx --diff -o out.onnx --format json",
            "bn-tool insert folded.onnx --init calibrate --data images.npy --scale 2 --format json",
        ],
    ),
    (
        &[
            ("", "Every report"),
            ("", "Commands that write a model"),
            ("", "strip-bias"),
            ("norms[].refusal.", "Refusal"),
            ("verification.", "Verification"),
            ("diff.", "Differences"),
        ],
        &[
            "bn-tool strip-bias model.onnx --diff -o out.onnx --format json",
            "bn-tool strip-bias fixtures/strip/keeps_other_reader.onnxtxt --format json",
        ],
    ),
    (
        &[
            ("", "Every report"),
            ("", "Commands that write a model"),
            ("", "recalibrate"),
            ("norms[].refusal.", "Refusal"),
            ("data.", "Data"),
            ("diff.", "Differences"),
        ],
        &[
            "bn-tool recalibrate model.onnx --data x.npy --scale 2 --shuffle --labels y.npy -o out.onnx --format json",
            "bn-tool recalibrate train.onnx --data x.npy --format json",
            "bn-tool recalibrate train.onnx --data x.npy --freeze --diff --format json",
            "bn-tool recalibrate fixtures/recalibrate/shared_statistics.onnxtxt --data pairs.npy --format json",
            // The body of a Scan cannot be stopped at.
            "bn-tool recalibrate fixtures/recalibrate/scan_body.onnxtxt --data rows.npy --format json",
        ],
    ),
    (
        &[
            ("", "Every report"),
            ("", "verify"),
            ("", "Verification"),
            ("location.", "Location"),
            ("location.changes.", "Differences"),
        ],
        &[
            "bn-tool verify model.onnx folded.onnx --format json",
            "bn-tool verify model.onnx folded_elsewhere.onnx --locate --format json # exit status 1",
            "bn-tool verify model.onnx folded.onnx --data images.npy --format json",
        ],
    ),
    (
        &[("", "Every report"), ("", "diff"), ("", "Differences")],
        &[
            "for pair in attributes interface metadata versions insert deep value_info constant_node; do \
             bn-tool diff fixtures/diff/$pair.a.onnxtxt fixtures/diff/$pair.b.onnxtxt --context 1 --format json; done",
            // A field of the protobuf that nobody knows.
            "printf '\\240\\037\\001' | cat model.onnx - | bn-tool diff model.onnx - --format json",
        ],
    ),
    (
        &[("", "Every report"), ("", "inspect"), ("norms[].", "A node that folds"), ("norms[].refusal.", "Refusal")],
        &[
            "bn-tool inspect model.onnx --format json",
            "bn-tool inspect train.onnx --explain --format json",
            "bn-tool inspect fixtures/engines/loop.onnxtxt --format json",
        ],
    ),
    (
        &[("", "Every report"), ("", "stats merge"), ("", "Statistics"), ("data[].", "Data")],
        &[
            "bn-tool stats collect model.onnx --data x.npy --shard 1/2 -q -o part1.safetensors",
            "bn-tool stats merge part1.safetensors -o out.safetensors --tolerance 1 --format json # exit status 1",
        ],
    ),
    (
        &[("", "Every report"), ("", "stats show"), ("", "Statistics"), ("data[].", "Data")],
        &[
            "bn-tool stats collect model.onnx --data x.npy --shuffle --scale 2 -o out.safetensors --format json",
            "bn-tool stats show out.safetensors --format json",
        ],
    ),
];

/// By section, the paths of fields.
type Fields = BTreeMap<String, BTreeSet<String>>;

#[test]
fn json_is_as_it_is_documented() {
    let documented = documented();
    let mut seen = Fields::new();
    for (sections, lines) in REPORTS {
        let place = Workplace::new();
        for line in lines {
            let printed = place.type_in(&Command { line: (*line).into(), output: None }).expect("it is done");
            let reports = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
            for report in reports.map(|report| report.expect("JSON")) {
                paths(&report, "").iter().for_each(|path| assign(path, sections, &documented, &mut seen, line));
            }
        }
    }
    for (section, fields) in documented {
        let seen = seen.remove(&section).unwrap_or_default();
        let missing: Vec<_> = fields.difference(&seen).collect();
        assert!(missing.is_empty(), "docs/json.md, {section}: no report has {missing:?}");
    }
}

/// Notes a path in the section that describes it.
fn assign(path: &str, sections: &[(&str, &str)], documented: &Fields, seen: &mut Fields, line: &str) {
    let own = sections.iter().filter_map(|(prefix, section)| Some((*section, path.strip_prefix(prefix)?)));
    let describes = |(section, rest): &(&str, &str)| documented[*section].contains(*rest);
    match own.into_iter().find(describes) {
        Some((section, rest)) => _ = seen.entry(section.into()).or_default().insert(rest.into()),
        None => panic!("`{line}` prints `{path}`, of which docs/json.md says nothing"),
    }
}

/// The paths of all fields of a report.
fn paths(value: &Value, path: &str) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => {
            let is_map = path == "dims" || path.ends_with(".dims");
            let below = |(name, value): (&String, &Value)| {
                let name = if is_map { "NAME" } else { name };
                let own = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                let mut below = paths(value, &own);
                below.insert(own);
                below
            };
            fields.iter().flat_map(below).collect()
        }
        Value::Array(elements) => elements.iter().flat_map(|element| paths(element, &format!("{path}[]"))).collect(),
        _ => BTreeSet::new(),
    }
}

/// What the tables of docs/json.md list.
fn documented() -> Fields {
    let text = fs::read_to_string(repository("docs/json.md")).expect("it is there");
    let mut fields = Fields::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.into();
        } else if let Some(row) = line.strip_prefix("| `") {
            let (names, _) = row.split_once(" | ").expect("more than one column");
            let names = names.split(", ").map(|name| name.trim_matches('`'));
            fields.entry(section.clone()).or_default().extend(names.flat_map(expanded));
        }
    }
    fields
}

/// `a[].*` is `a`, `a[].before` and `a[].after`.
fn expanded(path: &str) -> Vec<String> {
    match path.strip_suffix(".*") {
        None => vec![path.into()],
        Some(pair) => vec![pair.trim_end_matches("[]").into(), format!("{pair}.before"), format!("{pair}.after")],
    }
}
