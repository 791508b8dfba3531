//! The command line of `recalibrate`.

use super::data::{Data, save};
use super::{folder, recalibrate, recalibrated, write};
use crate::reference;
use crate::tool::{Run, digits, repository, run};
use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::load;
use bn_tool::onnx::schema::ModelProto;
use ndarray::{ArrayD, IxDyn};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn tool(words: &[&str], paths: &[&Path]) -> Run {
    let words = words.iter().map(OsString::from);
    run(&words.chain(paths.iter().map(OsString::from)).collect::<Vec<_>>())
}

fn x() -> String {
    repository("fixtures/digits/x.npy").display().to_string()
}

fn y() -> String {
    repository("fixtures/digits/y.npy").display().to_string()
}

/// Two BatchNormalizations, and 24 samples.
fn small(folder: &TempDir) -> (std::path::PathBuf, Data) {
    let text = fs::read_to_string(repository("fixtures/recalibrate/keeps_not_selected.onnxtxt")).expect("it is there");
    let path = write(folder, "model.onnxtxt", &text);
    let data = Data::random(&load(&path).expect("it loads"), 24, 1);
    (path, data)
}

#[test]
fn a_dry_run_prints_the_report_and_writes_nothing() {
    let folder = folder();
    let (model, data) = small(&folder);
    let before = fs::read(&model).expect("it is there");
    let dry = recalibrate(&model, &data, &[]);
    assert_eq!(dry.status, Some(0), "{}", dry.stderr);
    let text = dry.text();
    assert!(
        text.contains("2 recalibrated, by up to ") && text.contains(" σ, 0 kept · exact, 1 pass · 24 samples"),
        "{text}"
    );
    assert!(text.contains("no -o OUT") && text.contains("only 24 samples"), "{text}");
    assert_eq!(fs::read(&model).expect("it is there"), before);
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
}

#[test]
fn the_model_goes_where_it_is_asked_for() {
    let folder = folder();
    let (model, data) = small(&folder);
    let text = folder.path().join("out.onnxtxt");
    let written = recalibrated(&model, &data, &[]).expect("it is written");
    assert!(written.report["written"].as_str().expect("a file").ends_with("out.onnx"));

    let streamed = recalibrate(&model, &data, &["-o", "-"]);
    assert_eq!(streamed.status, Some(0), "{}", streamed.stderr);
    assert!(streamed.stdout == written.bytes, "the same bytes");
    assert!(streamed.stderr.contains("2 recalibrated"), "{}", streamed.stderr);

    assert_eq!(recalibrate(&model, &data, &["-q", "-o", text.to_str().unwrap()]).text(), "");
    assert_eq!(load(&text).expect("it loads"), written.model);

    let in_place = recalibrate(&model, &data, &["--in-place", "--format", "json"]);
    assert_eq!(in_place.status, Some(0), "{}", in_place.stderr);
    assert_eq!(load(&model).expect("it loads"), written.model);
}

#[test]
fn quiet_it_says_nothing() {
    let folder = folder();
    let (model, data) = small(&folder);
    let quiet = recalibrate(&model, &data, &["-q", "--in-place"]);
    assert_eq!((quiet.status, quiet.text().as_str(), quiet.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn check_tells_statistics_that_are_off_from_those_that_are_not() {
    let folder = folder();
    let (model, data) = small(&folder);
    let before = fs::read(&model).expect("it is there");
    assert_eq!(recalibrate(&model, &data, &["--check"]).status, Some(1));
    assert_eq!(recalibrate(&model, &data, &["--check", "--stale", "1000"]).status, Some(0));
    assert_eq!(fs::read(&model).expect("it is there"), before);
    assert_eq!(recalibrate(&model, &data, &["-q", "--in-place"]).status, Some(0));
    assert_eq!(recalibrate(&model, &data, &["--check", "--stale", "0"]).status, Some(0));
}

/// NaN is no number that is near enough.
#[test]
fn check_finds_statistics_that_are_no_numbers() {
    let folder = folder();
    let (model, data) = small(&folder);
    let mut broken = load(&model).expect("it loads");
    let graph = broken.graph.as_mut().expect("a graph");
    let mean = graph.initializer.iter_mut().find(|tensor| tensor.name.as_ref().is_some_and(|name| name == "m"));
    mean.expect("a mean").set_elements(FloatType::F32.encode(&[f64::NAN, 0.0]).into());
    let path = folder.path().join("nan.onnx");
    bn_tool::onnx::save(&broken, &path).expect("it can be written");
    assert_eq!(recalibrate(&path, &data, &["--check", "--stale", "1000"]).status, Some(1));
    let found = recalibrated(&path, &data, &[]).expect("it is written");
    assert_eq!((&found.report["largest_change"], &found.report["norms"][0]["change"]), (&Value::Null, &Value::Null));
    assert_eq!(found.model, recalibrated(&model, &data, &[]).expect("it is written").model);
}

#[test]
fn a_selection_must_match_something() {
    let folder = folder();
    let (model, data) = small(&folder);
    let unmatched = recalibrate(&model, &data, &["--select", "nothing*"]);
    assert_eq!(unmatched.status, Some(2));
    assert!(unmatched.stderr.contains("`nothing*` matches no BatchNormalization"), "{}", unmatched.stderr);
    let none = recalibrated(&model, &data, &["--exclude", "*"]).expect("it is written");
    assert_eq!((&none.report["recalibrated"], &none.report["kept"]), (&0.into(), &2.into()));
    assert_eq!(none.model, load(&model).expect("it loads"));
    assert_eq!(recalibrate(&model, &data, &["--exclude", "*", "--check"]).status, Some(0));
}

#[test]
fn diff_shows_statistics_and_nothing_else() {
    let folder = folder();
    let (model, data) = small(&folder);
    let diff = recalibrate(&model, &data, &["--diff"]).text();
    for name in ["m", "v", "n", "u"] {
        assert!(diff.lines().any(|line| line.contains(&format!(" {name} "))), "{name}: {diff}");
    }
    let json = recalibrate(&model, &data, &["--diff", "--format", "json"]).json();
    let graph = &json["diff"]["graphs"][0];
    let mut changed: Vec<&str> = Vec::new();
    for constant in graph["initializers"].as_array().expect("a list") {
        changed.extend(constant["name"]["before"].as_str());
    }
    assert_eq!(changed, ["m", "v", "n", "u"], "{graph}");
    assert_eq!(graph["nodes"], serde_json::json!([]), "{graph}");
}

#[test]
fn data_that_is_not_finite_is_told() {
    let folder = folder();
    let (model, _) = small(&folder);
    let mut samples = vec![ArrayD::from_elem(IxDyn(&[1, 2]), 1.0); 4];
    samples[2][[0, 1]] = f64::NAN;
    let kept = recalibrated(&model, &Data::floats("x", samples), &[]).expect("it is no error");
    let codes: Vec<&Value> =
        kept.report["norms"].as_array().expect("a list").iter().map(|norm| &norm["refusal"]["code"]).collect();
    assert_eq!(codes, ["not-finite", "not-finite"]);
    assert!(kept.report["norms"][0]["refusal"]["detail"].as_str().expect("text").contains("channel 1"));
    assert_eq!(kept.model, load(&model).expect("it loads"));
}

/// 255 samples are few, 256 are not.
#[test]
fn few_samples_are_a_warning() {
    let folder = folder();
    let (model, _) = small(&folder);
    let warnings = |samples| {
        let data = Data::random(&load(&model).expect("it loads"), samples, 3);
        recalibrated(&model, &data, &[]).expect("it is written").report["warnings"].clone()
    };
    let few = warnings(64);
    assert!(few[0].as_str().expect("text").contains("only 64 samples: a mean is known to about 12 %"), "{few}");
    assert_eq!(warnings(256), serde_json::json!([]));
}

#[test]
fn what_is_behind_training_mode_is_a_warning() {
    let path = repository("fixtures/recalibrate/keeps_training.onnxtxt");
    let data = Data::random(&load(&path).expect("it loads"), 300, 3);
    let warnings =
        |flags: &[&str]| recalibrated(&path, &data, flags).expect("it is written").report["warnings"].clone();
    assert!(warnings(&[])[0].as_str().expect("text").starts_with("k in training mode: each sample was normalised"));
    assert_eq!(warnings(&["--freeze"]), serde_json::json!([]));
}

fn graph(body: &str, more: &str) -> String {
    format!(
        "<ir_version: 8, opset_import: [\"\" : 17, \"loc\" : 1]> g (float[N,2] x) => (float[N,2] y) <
           float[2] s = {{1, 2}}, float[2] m = {{0, 0}}, float half = {{0.5}}, bool yes = {{1}}> {{ {body} }} {more}"
    )
}

/// Exit status 2, and one line that says this.
fn assert_fails(model: &Path, data: &Data, flags: &[&str], says: &str) {
    let result = recalibrate(model, data, flags);
    assert_eq!(result.status, Some(2), "{flags:?}: {}", result.stderr);
    assert!(result.stderr.contains(says), "`{says}` is not in: {}", result.stderr);
    assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
}

#[test]
fn what_the_engine_cannot_run_is_an_error_that_names_it() {
    let folder = folder();
    let function = graph(
        "k = BatchNormalization (x, s, m, m, s) y = loc.block (k)",
        "<domain: \"loc\", opset_import: [\"\" : 17]> block (a) => (r) { r = Relu (a) }",
    );
    let dropout = graph("k = Dropout (x, half, yes) y = BatchNormalization (k, s, m, m, s)", "");
    let repeated = graph(
        "n = Constant <value_int = 2> () y = Loop (n, , x) <body = turn (int64 i, bool p, float[N,2] a) => (bool q, float[N,2] r)
           { q = Identity (p) r = BatchNormalization (a, s, m, m, s) }>",
        "",
    );
    for (text, says) in [(function, "loc::block"), (dropout, "Dropout"), (repeated, "Loop")] {
        let model = write(&folder, "model.onnxtxt", &text);
        let data = Data::random(&load(&model).expect("it loads"), 4, 1);
        assert_fails(&model, &data, &[], says);
    }
}

#[test]
fn what_cannot_be_meant_is_an_error() {
    let folder = folder();
    let (model, data) = small(&folder);
    assert_fails(&model, &data, &["--data", "z=/no/such.npy"], "there is no input `z`");
    assert_fails(&model, &data, &["--labels", "/no/such.npy"], "/no/such.npy");
    for (flags, says) in [
        (&["--momentum", "1"][..], "expected 0 or more, less than 1"),
        (&["--batch-size", "0"], "expected a positive number"),
        (&["--tolerance=-1"], "expected a number that is not negative"),
        (&["--tolerance", "NaN"], "expected a number that is not negative"),
        (&["--memory", "much"], "much"),
        (&["--eval-data", "x.npy"], "--labels"),
    ] {
        let result = recalibrate(&model, &data, flags);
        assert_eq!(result.status, Some(2), "{flags:?}: {}", result.stderr);
        assert!(result.stderr.contains(says), "`{says}` is not in: {}", result.stderr);
    }
    let without = tool(&["recalibrate"], &[&model]);
    assert_eq!(without.status, Some(2));
    assert!(without.stderr.contains("--data"), "{}", without.stderr);
}

/// The statistics of the trained network, all of them spoiled.
fn spoiled(folder: &TempDir) -> std::path::PathBuf {
    let mut model = load(&digits()).expect("it loads");
    let graph = model.graph.as_mut().expect("a graph");
    let norms = graph.node.iter().filter(|node| node.standard_op() == "BatchNormalization");
    let statistics: BTreeSet<_> = norms.flat_map(|node| node.input[3..5].to_vec()).collect();
    for tensor in &mut graph.initializer {
        if tensor.name.as_ref().is_some_and(|name| statistics.contains(name)) {
            let values = tensor.float_values().expect("floats");
            let off: Vec<f64> =
                values.iter().enumerate().map(|(i, value)| 0.3 * value + 0.7 + (i % 3) as f64).collect();
            tensor.set_elements(FloatType::F32.encode(&off).into());
        }
    }
    let path = folder.path().join("spoiled.onnx");
    bn_tool::onnx::save(&model, &path).expect("it can be written");
    path
}

/// The 100 images, the class of each, and how often the reference evaluator finds it.
fn right(model: &ModelProto) -> usize {
    let floats = |path: &str, bytes: usize| {
        let file = fs::read(repository(path)).expect("it is there");
        file[file.len() - bytes..].to_vec()
    };
    let images = FloatType::F32.decode(&floats("fixtures/digits/x.npy", 100 * 64 * 4));
    let labels = floats("fixtures/digits/y.npy", 100 * 8);
    let labels = labels.as_chunks().0.iter().map(|label| i64::from_le_bytes(*label) as usize);
    let name = model.graph.as_ref().expect("a graph").input[0].name.clone().expect("a name").to_string();
    let images = ArrayD::from_shape_vec(IxDyn(&[100, 1, 8, 8]), images).expect("as many");
    let outputs = reference::evaluate(model, &BTreeMap::from([(name, images)])).expect("it runs");
    let scores: Vec<f64> = outputs.values().next().expect("an output").iter().copied().collect();
    let best = |row: &[f64]| (0..10).max_by(|a, b| row[*a].total_cmp(&row[*b])).expect("ten classes");
    scores.chunks(10).map(best).zip(labels).filter(|(found, label)| found == label).count()
}

#[test]
fn the_accuracy_before_and_after_is_what_the_evaluator_finds() {
    let folder = folder();
    let (model, out) = (spoiled(&folder), folder.path().join("out.onnx"));
    let flags = ["recalibrate", "--format", "json", "--data", &x(), "--labels", &y(), "-o"];
    let result = tool(&flags, &[&out, &model]);
    assert_eq!(result.status, Some(0), "{}", result.stderr);
    let top1 = &result.json()["top1"];
    let (before, after) = (right(&load(&model).expect("it loads")), right(&load(&out).expect("it loads")));
    assert_eq!((&top1["before"]["right"], &top1["before"]["samples"]), (&before.into(), &100.into()));
    assert_eq!((&top1["after"]["right"], &top1["on_calibration_data"]), (&after.into(), &true.into()));
    assert!(before < 60 && after >= 97, "{before} became {after}");
    let human = tool(&["recalibrate", "--data", &x(), "--labels", &y()], &[&model]).text();
    assert!(human.contains(&format!("top-1 {before}.00 % → {after}.00 % on 100 samples")), "{human}");
}

#[test]
fn labels_belong_to_the_evaluation_data_if_there_is_some() {
    let folder = folder();
    let [few_x, few_y] = ["few_x.npy", "few_y.npy"].map(|name| folder.path().join(name));
    save(&few_x, &[3, 1, 8, 8], DataType::Float, &[0.5; 3 * 64]);
    save(&few_y, &[3], DataType::Int64, &[0.0, 1.0, 2.0]);
    let of = |flags: &[&str]| tool(&[&["recalibrate", "--format", "json"], flags].concat(), &[&digits()]);
    let (few_x, few_y) = (few_x.to_str().unwrap(), few_y.to_str().unwrap());
    let found = of(&["--data", &x(), "--labels", few_y, "--eval-data", few_x]).json();
    // Three times the same image: whatever its class is, it is one of ten.
    assert_eq!((&found["top1"]["after"]["samples"], &found["samples"]), (&3.into(), &100.into()));
    assert_eq!(found["top1"]["on_calibration_data"], false);
    assert!(found["top1"]["after"]["right"].as_u64().expect("a number") <= 1);
    let wrong = of(&["--data", &x(), "--labels", few_y]);
    assert_eq!(wrong.status, Some(2));
    assert!(wrong.stderr.contains("there are 3 labels, but sample 3 is row 3"), "{}", wrong.stderr);
}

#[test]
fn a_model_that_does_not_classify_has_no_accuracy() {
    let folder = folder();
    let path = repository("fixtures/recalibrate/rank_3.onnxtxt");
    let data = Data::random(&load(&path).expect("it loads"), 3, 1);
    let labels = folder.path().join("y.npy");
    save(&labels, &[3], DataType::Int64, &[0.0; 3]);
    assert_fails(&path, &data, &["--labels", labels.to_str().unwrap()], "no score per class");
}
