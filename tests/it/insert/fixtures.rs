//! Every graph of `fixtures/insert`, through the real binary, with the flags of its third line.
//!
//! The result computes the same, bit for bit, where variance + epsilon is rounded as runtimes do
//! it; is a valid model; folds to what the original folds to; and has no place left for another
//! BatchNormalization.

use super::bits;
use crate::fixtures::{expectation, inputs};
use crate::flags::{comment, infer};
use crate::reference;
use crate::tool::{Run, difference, run};
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::{check, load};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

#[test]
fn insert() {
    let wrong = Cell::new(0);
    insta::glob!("../../../fixtures/insert", "*.onnxtxt", |path| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("inserted.onnx");
        match insert_one(path, &out) {
            Ok(report) => insta::assert_snapshot!(snapshot(&report, path, &out)),
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
fn insert_one(path: &Path, out: &Path) -> Result<serde_json::Value, String> {
    let flags = flags(path);
    let result = run_insert(&flags, &["--no-verify", "-o"], &[out, path]);
    if result.status != Some(0) {
        return Err(result.stderr);
    }
    let report = result.json();
    let (found, expected) = (decisions(&report), expectation(path));
    if found != expected {
        return Err(format!("expected {}, found {}", expected.join(", "), found.join(", ")));
    }
    let (before, mut after) = (load(path).expect("it loads"), load(out).expect("it loads"));
    check(&after).map_err(|error| error.to_string())?;
    if report["inserted"] == 0 {
        return if before == after { Ok(report) } else { Err("it is not as it was".into()) };
    }
    // Of training mode there is no identity: the statistics in place are looked at.
    infer(&mut after, &norms(&report));
    same_bits(&before, &after)?;
    if !flags.iter().any(|flag| flag == "--training") {
        same_when_folded(path, out, is_transposed(&report))?;
    }
    let again = run_insert(&flags, &["--check"], &[out]);
    match again.status {
        Some(0) => Ok(report),
        _ => Err(format!("a second run finds a place: {}{}", again.text(), again.stderr)),
    }
}

fn flags(path: &Path) -> Vec<String> {
    let flags = comment(path, 2, "flags");
    if flags == "none" { Vec::new() } else { flags.split_whitespace().map(str::to_owned).collect() }
}

fn run_insert(flags: &[String], words: &[&str], paths: &[&Path]) -> Run {
    let mut arguments: Vec<OsString> = ["insert", "--format", "json"].map(OsString::from).into();
    arguments.extend(flags.iter().map(OsString::from));
    arguments.extend(words.iter().map(OsString::from));
    arguments.extend(paths.iter().map(OsString::from));
    run(&arguments)
}

fn layers(report: &serde_json::Value) -> &[serde_json::Value] {
    report["layers"].as_array().expect("a list")
}

/// What became of each layer.
fn decisions(report: &serde_json::Value) -> Vec<String> {
    let decision = |layer: &serde_json::Value| match layer["outcome"].as_str() {
        Some("inserted") => "inserted".to_owned(),
        _ => format!("keeps {}", layer["refusal"]["code"].as_str().expect("a code")),
    };
    layers(report).iter().map(decision).collect()
}

/// The names of the new nodes.
fn norms(report: &serde_json::Value) -> Vec<String> {
    layers(report).iter().filter_map(|layer| layer["norm"].as_str()).map(str::to_owned).collect()
}

fn is_transposed(report: &serde_json::Value) -> bool {
    layers(report).iter().any(|layer| layer["transposed"] == true)
}

/// The decisions, and what changed in the graph.
fn snapshot(report: &serde_json::Value, path: &Path, out: &Path) -> String {
    let mut text = String::new();
    for layer in layers(report) {
        let said = match layer["outcome"].as_str() {
            Some("inserted") => format!("{} of {} channels", layer["norm"], layer["channels"]),
            _ => format!("{}: {}", layer["refusal"]["code"], layer["refusal"]["detail"]),
        };
        let before = layer["activation"].as_str().map_or(String::new(), |activation| format!(", before {activation}"));
        let (operator, name) = (layer["operator"].as_str(), layer["name"].as_str());
        let line = format!("{} {}: {said}{before}\n", operator.expect("an operator"), name.expect("a name"));
        text += &line.replace('"', "");
    }
    text + "\n" + &difference(path, out)
}

/// Both graphs give the same bits on random inputs; boolean inputs are tried both ways.
fn same_bits(before: &ModelProto, after: &ModelProto) -> Result<(), String> {
    for truth in [0.0, 1.0] {
        let inputs = inputs(before, truth);
        let expected = reference::evaluate_as_runtimes(before, &inputs)?;
        let found = reference::evaluate_as_runtimes(after, &inputs).map_err(|error| format!("the result: {error}"))?;
        if bits(&expected) != bits(&found) {
            return Err("the result computes something else".into());
        }
    }
    Ok(())
}

/// Folded, the result is what the original is when it is folded. Of two Transposes, which stay, and of
/// what does not fold, the constants are still there.
fn same_when_folded(path: &Path, out: &Path, transposed: bool) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fold = |model: &Path, name: &str| {
        let to = folder.path().join(name);
        let words = ["fold", "--no-verify", "--format", "json", "-o"].map(OsString::from);
        let folded = run(&[&words[..], &[to.clone().into(), model.into()]].concat());
        if folded.status == Some(0) { Ok((load(&to).expect("it loads"), folded.json())) } else { Err(folded.stderr) }
    };
    let ((original, _), (back, report)) = (fold(path, "original.onnx")?, fold(out, "back.onnx")?);
    let same = match transposed || report["kept"] != 0 {
        true => constants(&original).is_subset(&constants(&back)),
        false => original == back,
    };
    if same { Ok(()) } else { Err("what is inserted does not fold away".into()) }
}

fn constants(model: &ModelProto) -> BTreeSet<String> {
    let graph = model.graph.as_ref().expect("there is a graph");
    graph.initializer.iter().map(|tensor| format!("{tensor:?}")).collect()
}
