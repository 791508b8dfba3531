//! Every graph of `fixtures/fold`, through the real binary.
//!
//! Each is folded, the decisions are compared with the `# expect:` line, both graphs are
//! evaluated by the reference evaluator, and report and difference are held in a snapshot.

use crate::reference;
use crate::same::compare;
use crate::tool::{difference, repository, run};
use bn_tool::onnx::element::DataType;
use bn_tool::onnx::load;
use bn_tool::onnx::schema::{ModelProto, ValueInfoProto};
use bn_tool::refusal::Code;
use ndarray::ArrayD;
use rand::{Rng, RngExt};
use rand_pcg::Pcg64Mcg;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;

#[test]
fn fold() {
    let wrong = Cell::new(0);
    insta::glob!("../../fixtures/fold", "*.onnxtxt", |path| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("folded.onnx");
        match fold_one(path, &out) {
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
fn fold_one(path: &Path, out: &Path) -> Result<serde_json::Value, String> {
    let arguments = ["fold".as_ref(), "--no-verify".as_ref(), "-o".as_ref(), out.as_os_str(), path.as_os_str()];
    let json = run(&[&arguments[..], &["--format".as_ref(), OsStr::new("json")]].concat());
    if json.status != Some(0) {
        return Err(json.stderr);
    }
    let (found, expected) = (decisions(&json.json()), expectation(path));
    if found != expected {
        return Err(format!("expected {}, found {}", expected.join(", "), found.join(", ")));
    }
    same_values(path, out)?;
    let again = run(&["fold".as_ref(), "--check".as_ref(), out.as_os_str()]);
    match again.status {
        Some(0) => Ok(json.json()),
        _ => Err("a second run finds something to fold".to_owned()),
    }
}

/// What the second comment of a fixture says.
pub fn expectation(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the fixture can be read");
    let line = text.lines().nth(1).and_then(|line| line.strip_prefix("# expect: "));
    let line = line.unwrap_or_else(|| panic!("{}: the second line is not `# expect: …`", path.display()));
    if line == "none" { Vec::new() } else { line.split(", ").map(str::to_owned).collect() }
}

pub fn decisions(report: &serde_json::Value) -> Vec<String> {
    let norms = report["norms"].as_array().expect("a list");
    let decision = |norm: &serde_json::Value| match norm["outcome"].as_str() {
        Some("folded") => "folded".to_owned(),
        _ => format!("keeps {}", norm["refusal"]["code"].as_str().expect("a code")),
    };
    norms.iter().map(decision).collect()
}

/// The reasons, and what changed in the graph.
pub fn snapshot(report: &serde_json::Value, path: &Path, out: &Path) -> String {
    let mut text = String::new();
    for norm in report["norms"].as_array().expect("a list") {
        let name = norm["name"].as_str().expect("a name");
        let said = match norm["outcome"].as_str() {
            Some("folded") => format!("folded into {} {}", norm["operator"], norm["into"]),
            _ => format!("{}: {}", norm["refusal"]["code"], norm["refusal"]["detail"]),
        };
        text += &format!("{name}: {}\n", said.replace('"', ""));
    }
    text + "\n" + &difference(path, out)
}

/// Both graphs give the same, up to one rounding of each weight, on random inputs; boolean
/// inputs are tried both ways.
fn same_values(original: &Path, folded: &Path) -> Result<(), String> {
    let (before, after) = (load(original).expect("it loads"), load(folded).expect("it loads"));
    for truth in [0.0, 1.0] {
        let inputs = inputs(&before, truth);
        if reference::evaluate(&before, &inputs).is_err() && before == after {
            // Foreign operators cannot be evaluated; then nothing may have been folded.
            return Ok(());
        }
        compare(&before, &after, &inputs)?;
    }
    Ok(())
}

pub fn inputs(model: &ModelProto, truth: f64) -> BTreeMap<String, ArrayD<f64>> {
    let graph = model.graph.as_ref().expect("there is a graph");
    let initialized: BTreeSet<_> = graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
    let mut random = Pcg64Mcg::new(7);
    let asked = graph.input.iter().filter(|input| !initialized.contains(&input.name));
    asked.map(|input| (input.name.clone().expect("a name").to_string(), values(input, truth, &mut random))).collect()
}

/// Values of an input: floats at random, booleans as given, integers 2; symbolic axes have length 2.
fn values(input: &ValueInfoProto, truth: f64, random: &mut impl Rng) -> ArrayD<f64> {
    let tensor = input.tensor_type().expect("a tensor");
    let axes = tensor.axes().unwrap_or_default();
    let shape: Vec<usize> = axes.iter().map(|axis| axis.dim_value.map_or(2, |length| length as usize)).collect();
    ArrayD::from_shape_simple_fn(shape, || match tensor.element() {
        Some(DataType::Bool) => truth,
        Some(DataType::Int64 | DataType::Int32) => 2.0,
        _ => random.random_range(-2.0..2.0),
    })
}

#[test]
fn every_code_has_a_fixture() {
    let folders = ["fixtures/fold", "fixtures/insert", "fixtures/recalibrate"]
        .map(|folder| std::fs::read_dir(repository(folder)));
    let entries = folders.into_iter().flat_map(|folder| folder.expect("the folder is there"));
    let seen: BTreeSet<String> = entries.flat_map(|entry| expectation(&entry.expect("an entry").path())).collect();
    for code in Code::ALL {
        // A selection is a matter of the command line, and what is malformed is an error:
        // tests/it/cli.rs and fixtures/broken show them.
        let shown = matches!(code, Code::NotSelected | Code::Malformed) || seen.contains(&format!("keeps {code}"));
        assert!(shown, "no fixture produces `{code}`");
    }
}
