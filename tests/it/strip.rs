//! Every graph of `fixtures/strip`, through the real binary.
//!
//! The result computes the same up to one rounding of each mean, is a valid model, and has no bias left
//! that could be stripped; report and difference are held in a snapshot.

use crate::fixtures::{expectation, inputs};
use crate::generate::drawings;
use crate::reference;
use crate::same::compare;
use crate::tool::{difference, digits, run};
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::{check, check_saves, load};
use bn_tool::transform::insert::{InsertOptions, Site, insert};
use bn_tool::transform::strip_bias::{StripOptions, strip_bias, strip_where};
use proptest::test_runner::{Config, TestCaseError, TestRng, TestRunner};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

type Inputs = BTreeMap<String, ndarray::ArrayD<f64>>;

#[test]
fn strip() {
    let wrong = Cell::new(0);
    insta::glob!("../../fixtures/strip", "*.onnxtxt", |path| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("stripped.onnx");
        match strip_one(path, &out) {
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
fn strip_one(path: &Path, out: &Path) -> Result<serde_json::Value, String> {
    let strip = |words: &[&str], paths: &[&Path]| {
        let words = ["strip-bias", "--format", "json"].iter().chain(words).map(OsStr::new);
        run(&words.chain(paths.iter().map(|path| path.as_os_str())).collect::<Vec<_>>())
    };
    let result = strip(&["--no-verify", "-o"], &[out, path]);
    if result.status != Some(0) {
        return Err(result.stderr);
    }
    let report = result.json();
    let (found, expected) = (decisions(&report), expectation(path));
    if found != expected {
        return Err(format!("expected {}, found {}", expected.join(", "), found.join(", ")));
    }
    let (before, after) = (load(path).expect("it loads"), load(out).expect("it loads"));
    check(&after).map_err(|error| error.to_string())?;
    if report["stripped"] == 0 {
        return if before == after { Ok(report) } else { Err("it is not as it was".into()) };
    }
    let trains = report["norms"].as_array().is_some_and(|norms| norms.iter().any(|norm| norm["trains"] == true));
    for truth in [0.0, 1.0] {
        let inputs = inputs(&before, truth);
        if trains { same_statistics(&before, &after, &inputs)? } else { compare(&before, &after, &inputs)? }
    }
    match strip(&["--check"], &[out]).status {
        Some(0) => Ok(report),
        _ => Err("a second run finds something to strip".to_owned()),
    }
}

/// In training mode the stored mean is not used: nothing is rounded but by evaluation itself.
fn same_statistics(before: &ModelProto, after: &ModelProto, inputs: &Inputs) -> Result<(), String> {
    let (expected, actual) = (reference::evaluate(before, inputs)?, reference::evaluate(after, inputs)?);
    for (name, expected) in &expected {
        let far = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-12 * (1.0 + a.abs());
        if expected.shape() != actual[name].shape() || expected.iter().zip(&actual[name]).any(far) {
            return Err(format!("`{name}` was {expected} and became {}", actual[name]));
        }
    }
    Ok(())
}

fn decisions(report: &serde_json::Value) -> Vec<String> {
    let norms = report["norms"].as_array().expect("a list");
    let decision = |norm: &serde_json::Value| match norm["outcome"].as_str().expect("an outcome") {
        "kept" => format!("keeps {}", norm["refusal"]["code"].as_str().expect("a code")),
        outcome => outcome.to_owned(),
    };
    norms.iter().map(decision).collect()
}

/// The reasons, and what changed in the graph.
fn snapshot(report: &serde_json::Value, path: &Path, out: &Path) -> String {
    let mut text = String::new();
    for norm in report["norms"].as_array().expect("a list") {
        let said = match norm["outcome"].as_str() {
            Some("stripped") => format!("stripped of {}, at most {}", norm["from"], norm["largest"]),
            Some("no_bias") => "no bias".to_owned(),
            _ => format!("{}: {}", norm["refusal"]["code"], norm["refusal"]["detail"]),
        };
        text += &format!("{}: {said}\n", norm["name"].as_str().expect("a name"));
    }
    text + "\n" + &difference(path, out)
}

/// What is stripped from random graphs computes the same, and a second run finds nothing.
#[test]
fn random_graphs() {
    let stripped = Cell::new(0);
    run_random(|model, inputs| {
        let once = strip_bias(model, &StripOptions::default()).map_err(fail)?;
        stripped.set(stripped.get() + once.report.stripped);
        check_saves(&once.model).map_err(fail)?;
        let again = strip_bias(&once.model, &StripOptions::default()).map_err(fail)?;
        proptest::prop_assert!(again.model == once.model, "a second run changes something");
        compare(model, &once.model, inputs).map_err(fail)
    });
    assert!(stripped.get() > 50, "only {} were stripped", stripped.get());
}

/// BatchNormalizations that are inserted behind layers take in their biases.
#[test]
fn what_is_inserted_can_be_stripped() {
    let stripped = Cell::new(0);
    run_random(|model, inputs| {
        let inserted = insert(model, &InsertOptions::default().site(Site::AfterAffine)).map_err(fail)?;
        let norms = inserted.report.norms();
        let once = strip_where(inserted.model.clone(), |name| norms.contains(&name)).map_err(fail)?;
        stripped.set(stripped.get() + once.report.stripped);
        compare(&inserted.model, &once.model, inputs).map_err(fail)
    });
    assert!(stripped.get() > 50, "only {} were stripped", stripped.get());
}

fn fail(problem: impl ToString) -> TestCaseError {
    TestCaseError::fail(problem.to_string())
}

/// Always the same graphs, unless `BN_TOOL_CASES` asks for more.
fn run_random(holds: impl Fn(&ModelProto, &Inputs) -> Result<(), TestCaseError>) {
    let cases = std::env::var("BN_TOOL_CASES").ok().map(|cases| cases.parse().expect("BN_TOOL_CASES is a number"));
    let config = Config { failure_persistence: None, ..Config::with_cases(cases.unwrap_or(1024)) };
    let random = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = match cases {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, random),
    };
    let result = runner.run(&drawings(), |drawing| {
        let case = drawing.build();
        holds(&case.model, &case.inputs)
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn inserting_can_strip_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (folded, out) = (folder.path().join("folded.onnx"), folder.path().join("out.onnx"));
    let tool = |words: &[&str], paths: &[&Path]| {
        let words = words.iter().map(OsStr::new);
        run(&words.chain(paths.iter().map(|path| path.as_os_str())).collect::<Vec<_>>())
    };
    assert_eq!(tool(&["fold", "-o"], &[&folded, &digits()]).status, Some(0));
    let inserted = tool(&["insert", "--strip-bias", "--format", "json", "-o"], &[&out, &folded]);
    assert_eq!(inserted.status, Some(0), "{}", inserted.stderr);
    let report = inserted.json();
    assert_eq!((&report["inserted"], &report["stripped_biases"]), (&4.into(), &4.into()));
    assert_eq!(report["verification"]["same"], true);
    assert_eq!(tool(&["strip-bias", "--check"], &[&out]).status, Some(0));
}

/// `--diff` says of each transformation what `diff` says of its result.
#[test]
fn a_transformation_shows_its_own_difference() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for command in ["fold", "insert", "strip-bias"] {
        let out = folder.path().join(format!("{command}.onnx"));
        let model = digits();
        let arguments = [command.as_ref(), "--diff".as_ref(), "-q".as_ref(), "-o".as_ref(), out.as_os_str()];
        let result = run(&[&arguments[..], &[model.as_os_str()]].concat());
        assert_eq!(result.status, Some(0), "{}", result.stderr);
        assert_eq!(result.text(), difference(&model, &out), "{command}");
        let json = run(&[command.as_ref(), "--diff".as_ref(), "--format".as_ref(), "json".as_ref(), model.as_os_str()]);
        assert!(json.json()["diff"]["summary"]["nodes"].is_object(), "{command}");
    }
}
