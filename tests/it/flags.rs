//! Every graph of `fixtures/flags`, through the real binary, with the flags of its second line.
//!
//! What is frozen computes something else than before: there, the result is compared with the
//! original in which this file puts the BatchNormalizations that the report names into inference
//! mode.

use crate::fixtures::{decisions, inputs, snapshot};
use crate::same::compare;
use crate::tool::run;
use bn_tool::onnx::access::{standard_opset, text};
use bn_tool::onnx::load;
use bn_tool::onnx::schema::{AttributeProto, ModelProto, NodeProto};
use std::ffi::OsString;
use std::path::Path;

#[test]
fn flags() {
    insta::glob!("../../fixtures/flags", "*.onnxtxt", |path| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (out, again) = (folder.path().join("folded.onnx"), folder.path().join("again.onnx"));
        let report = fold(path, path, &out);
        assert_eq!(decisions(&report), expectation(path), "{}", path.display());
        let frozen = names(&report, "frozen");
        let mut original = load(path).expect("it loads");
        infer(&mut original, &frozen);
        assert_same_values(path, &original, &load(&out).expect("it loads"));
        fold(path, &out, &again);
        let same = std::fs::read(&out).expect("it was written") == std::fs::read(&again).expect("it was written");
        assert!(same, "{}: a second run changes something", path.display());
        let specialized = names(&report, "specialized").join(" ");
        let frozen = frozen.join(" ");
        insta::assert_snapshot!(format!(
            "frozen: {frozen}\nspecialized: {specialized}\n{}",
            snapshot(&report, path, &out)
        ));
    });
}

/// What a comment line of a fixture says, counted from 0.
pub fn comment(path: &Path, line: usize, key: &str) -> String {
    let text = std::fs::read_to_string(path).expect("the fixture can be read");
    let line = text.lines().nth(line).and_then(|line| line.strip_prefix(&format!("# {key}:")));
    line.unwrap_or_else(|| panic!("{}: there is no `# {key}: …`", path.display())).trim().to_owned()
}

/// What becomes of each BatchNormalization.
fn expectation(path: &Path) -> Vec<String> {
    let line = comment(path, 2, "expect");
    if line == "none" { Vec::new() } else { line.split(", ").map(str::to_owned).collect() }
}

/// Both models give the same; boolean inputs are tried both ways. What cannot be evaluated must be
/// as it was.
fn assert_same_values(path: &Path, before: &ModelProto, after: &ModelProto) {
    for truth in [0.0, 1.0] {
        let inputs = inputs(before, truth);
        if let Err(difference) = compare(before, after, &inputs) {
            assert!(before == after, "{}: {difference}", path.display());
        }
    }
}

/// Folds a model with the flags that a fixture asks for; returns the report.
fn fold(fixture: &Path, model: &Path, out: &Path) -> serde_json::Value {
    let mut arguments: Vec<OsString> = ["fold", "--no-verify", "--format", "json"].map(OsString::from).into();
    let flags = comment(fixture, 1, "run");
    // In the result of the first run, a pattern may match nothing any more.
    let is_pattern = fixture != model && flags.contains("--exclude");
    arguments.extend(flags.split_whitespace().take(if is_pattern { 0 } else { usize::MAX }).map(OsString::from));
    arguments.extend([OsString::from("-o"), out.into(), model.into()]);
    let result = run(&arguments);
    assert_eq!(result.status, Some(0), "{}: {}", fixture.display(), result.stderr);
    result.json()
}

fn names(report: &serde_json::Value, field: &str) -> Vec<String> {
    let names = report[field].as_array().expect("a list");
    names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

/// Puts BatchNormalizations of these names into inference mode.
pub fn infer(model: &mut ModelProto, names: &[String]) {
    let opset = standard_opset(&model.opset_import);
    let graph = model.graph.as_mut().expect("there is a graph");
    graph.node.iter_mut().for_each(|node| infer_node(node, names, opset));
    for function in &mut model.functions {
        let opset = standard_opset(&function.opset_import);
        function.node.iter_mut().for_each(|node| infer_node(node, names, opset));
    }
}

fn infer_node(node: &mut NodeProto, names: &[String], opset: i64) {
    if node.standard_op() == "BatchNormalization" && names.contains(&node.label().to_string()) {
        node.output.truncate(1);
        node.attribute
            .retain(|attribute| text(&attribute.name) != "training_mode" && text(&attribute.name) != "is_test");
        node.attribute.extend((opset < 7).then(|| AttributeProto::int("is_test", 1)));
    }
    for graph in node.subgraphs_mut() {
        graph.node.iter_mut().for_each(|inner| infer_node(inner, names, opset));
    }
}
