//! Every graph of `fixtures/recalibrate`, through the real binary, with the flags of its third line.
//!
//! What is stored in the result is what the reference evaluator finds there; nothing else differs from
//! the original; a second run gives the same bytes; and the report is held in a snapshot.

use super::data::Data;
use super::{Recalibrated, oracle, recalibrated};
use crate::fixtures::expectation;
use crate::flags::{comment, infer};
use bn_tool::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bn_tool::onnx::{check, load};
use bstr::BString;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

const SAMPLES: usize = 24;

#[test]
fn recalibrate() {
    let wrong = Cell::new(0);
    insta::glob!("../../../fixtures/recalibrate", "*.onnxtxt", |path| {
        match recalibrate_one(path) {
            Ok(report) => insta::assert_snapshot!(snapshot(&report)),
            Err(problem) => {
                // Snapshots that differ are reported before the end.
                eprintln!("{}: {problem}", path.display());
                wrong.set(wrong.get() + 1);
            }
        }
    });
    assert_eq!(wrong.get(), 0, "so many fixtures are wrong, see above");
}

/// The report, if all is as it should be.
fn recalibrate_one(path: &Path) -> Result<Value, String> {
    let mut original = load(path).map_err(|error| error.to_string())?;
    let data = Data::random(&original, samples(path), 7);
    let flags = comment(path, 2, "flags");
    let flags: Vec<&str> = flags.split_whitespace().filter(|flag| *flag != "none").collect();
    let Recalibrated { report, model, bytes } = recalibrated(path, &data, &flags)?;
    let (found, expected) = (decisions(&report), expectation(path));
    if found != expected {
        return Err(format!("expected {}, found {}", expected.join(", "), found.join(", ")));
    }
    check(&model).map_err(|error| error.to_string())?;
    infer(&mut original, &names(&report["frozen"]));
    let changed = named(&report, "recalibrated");
    nothing_else_differs(&original, &model, &changed)?;
    is_what_comes_in(&model, &data, &changed)?;
    if report["residual"].as_f64().is_some_and(|residual| residual > 1e-5) {
        return Err(format!("the residual is {}", report["residual"]));
    }
    same_again(&model, &data, &flags, &report, &bytes)?;
    Ok(report)
}

/// How many samples a fixture wants: 24, unless its fourth line says otherwise.
fn samples(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).expect("the fixture can be read");
    let line = text.lines().nth(3).and_then(|line| line.strip_prefix("# samples: "));
    line.map_or(SAMPLES, |number| number.parse().expect("a number"))
}

fn norms(report: &Value) -> &[Value] {
    report["norms"].as_array().expect("a list")
}

fn decisions(report: &Value) -> Vec<String> {
    let decision = |norm: &Value| match norm["outcome"].as_str() {
        Some("recalibrated") => "recalibrated".to_owned(),
        _ => format!("keeps {}", norm["refusal"]["code"].as_str().expect("a code")),
    };
    norms(report).iter().map(decision).collect()
}

fn names(list: &Value) -> Vec<String> {
    let names = list.as_array().expect("a list").iter();
    names.map(|name| name.as_str().expect("a name").to_owned()).collect()
}

/// The names of those that have this outcome.
fn named(report: &Value, outcome: &str) -> BTreeSet<String> {
    let chosen = norms(report).iter().filter(|norm| norm["outcome"] == outcome);
    chosen.map(|norm| norm["name"].as_str().expect("a name").to_owned()).collect()
}

/// What is stored is what the reference evaluator finds.
fn is_what_comes_in(model: &ModelProto, data: &Data, changed: &BTreeSet<String>) -> Result<(), String> {
    if changed.is_empty() {
        return Ok(());
    }
    let (norms, roundings) = (oracle::norms(model, data)?, oracle::roundings(model));
    for name in changed {
        let norm = norms.get(name).ok_or_else(|| format!("`{name}` was never evaluated"))?;
        norm.check(roundings, false).map_err(|error| format!("`{name}`: {error}"))?;
    }
    Ok(())
}

/// The same again, unless it was measured pass by pass.
fn same_again(model: &ModelProto, data: &Data, flags: &[&str], report: &Value, bytes: &[u8]) -> Result<(), String> {
    let folder = super::folder();
    let path = folder.path().join("again.onnx");
    bn_tool::onnx::save(model, &path).map_err(|error| error.to_string())?;
    let again = recalibrated(&path, data, flags)?;
    let is_exact = report["method"] == "exact";
    let change = again.report["largest_change"].as_f64().expect("a number");
    match (is_exact, again.bytes == bytes) {
        (true, true) => Ok(()),
        (false, _) if change <= 1e-3 => Ok(()),
        _ => Err(format!("a second run changes statistics by {change}")),
    }
}

/// Only mean and variance of these nodes differ, and constants that nobody else reads.
fn nothing_else_differs(before: &ModelProto, after: &ModelProto, changed: &BTreeSet<String>) -> Result<(), String> {
    let (before, after) = (without_statistics(before, changed), without_statistics(after, changed));
    if before == after { Ok(()) } else { Err(format!("more than statistics differs: {before:#?}\n{after:#?}")) }
}

/// A model in which these nodes read no mean and no variance, and without the constants that nobody reads.
fn without_statistics(model: &ModelProto, changed: &BTreeSet<String>) -> ModelProto {
    let mut model = model.clone();
    let graph = model.graph.as_mut().expect("there is a graph");
    each_graph(graph, &mut |graph| {
        for node in graph.node.iter_mut().filter(|node| is_one_of(node, changed)) {
            node.input.truncate(3);
        }
    });
    loop {
        let mut read = BTreeSet::new();
        each_graph(graph, &mut |graph| {
            read.extend(graph.node.iter().flat_map(|node| node.input.iter().cloned()));
            read.extend(graph.output.iter().filter_map(|output| output.name.clone()));
        });
        let mut removed = 0;
        each_graph(graph, &mut |graph| removed += remove_unread(graph, &read));
        if removed == 0 {
            return model;
        }
    }
}

fn is_one_of(node: &NodeProto, names: &BTreeSet<String>) -> bool {
    node.standard_op() == "BatchNormalization" && names.contains(&node.label().to_string())
}

fn remove_unread(graph: &mut GraphProto, read: &BTreeSet<BString>) -> usize {
    let before = graph.node.len() + graph.initializer.len();
    graph.initializer.retain(|tensor| tensor.name.as_ref().is_some_and(|name| read.contains(name)));
    graph.node.retain(|node| {
        let is_constant = matches!(&**node.standard_op(), b"Constant" | b"Identity" | b"Mul");
        !is_constant || node.output.iter().any(|output| read.contains(output))
    });
    before - graph.node.len() - graph.initializer.len()
}

fn each_graph(graph: &mut GraphProto, act: &mut impl FnMut(&mut GraphProto)) {
    act(graph);
    for node in &mut graph.node {
        node.subgraphs_mut().for_each(|inner| each_graph(inner, act));
    }
}

/// What the report says, to three digits.
fn snapshot(report: &Value) -> String {
    let number = |value: &Value| value.as_f64().map_or("infinite".into(), |value| format!("{value:.2e}"));
    let mut text = format!(
        "{} of {} samples, largest change {}\n",
        words(&report["method"]),
        report["samples"],
        number(&report["largest_change"])
    );
    for norm in norms(report) {
        let name = words(&norm["name"]);
        let said = match norm["outcome"].as_str() {
            Some("recalibrated") => {
                let drift = &norm["drift"];
                let mut said = format!(
                    "{} values, change {}, drift {}",
                    norm["values"],
                    number(&norm["change"]),
                    number(&drift["mean"])
                );
                for list in ["dead", "high_gain"] {
                    if drift[list].as_array().is_some_and(|list| !list.is_empty()) {
                        said += &format!(", {list} {}", drift[list]);
                    }
                }
                if norm["shared_with"].is_array() {
                    said += &format!(", shared with {}", names(&norm["shared_with"]).join(", "));
                }
                said
            }
            _ => format!("{}: {}", words(&norm["refusal"]["code"]), words(&norm["refusal"]["detail"])),
        };
        text += &format!("{name}: {said}\n");
    }
    for field in ["instead", "frozen"] {
        let value = &report[field];
        if !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()) {
            text += &format!("{field}: {value}\n");
        }
    }
    text
}

fn words(value: &Value) -> &str {
    value.as_str().expect("text")
}
