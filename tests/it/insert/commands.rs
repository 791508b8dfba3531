//! The command line of `insert`.

use crate::tool::{Run, digits, repository, run};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::load;
use bn_tool::onnx::schema::ModelProto;
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn tool(words: &[&str], paths: &[&Path]) -> Run {
    let words = words.iter().map(OsString::from);
    run(&words.chain(paths.iter().map(OsString::from)).collect::<Vec<_>>())
}

fn data() -> String {
    repository("fixtures/digits/x.npy").display().to_string()
}

/// The trained network without its BatchNormalizations.
fn plain(folder: &TempDir) -> PathBuf {
    let plain = folder.path().join("plain.onnx");
    assert_eq!(tool(&["fold", "--no-verify", "-o"], &[&plain, &digits()]).status, Some(0));
    plain
}

/// Inserts into the plain network with these flags; the report, and the file.
fn insert(folder: &TempDir, flags: &[&str]) -> (Value, PathBuf) {
    let out = folder.path().join("inserted.onnx");
    let result = tool(&[&["insert", "--format", "json"], flags, &["-o"]].concat(), &[&out, &plain(folder)]);
    assert_eq!(result.status, Some(0), "{}{}", result.text(), result.stderr);
    (result.json(), out)
}

#[test]
fn what_is_inserted_is_verified_and_folds_to_the_same_bytes() {
    let folder = folder();
    let (report, out) = insert(&folder, &[]);
    assert_eq!((&report["inserted"], &report["kept"], &report["init"]), (&4.into(), &1.into(), &"identity".into()));
    assert_eq!((&report["verification"]["same"], &report["preserves"]), (&true.into(), &true.into()));
    assert_eq!(report["verification"]["outputs"][0]["max_abs"], 0.0);
    assert_eq!(report["written"], out.to_str().unwrap());
    let back = folder.path().join("back.onnx");
    assert_eq!(tool(&["fold", "-o"], &[&back, &out]).status, Some(0));
    assert!(fs::read(&back).unwrap() == fs::read(plain(&folder)).unwrap(), "the same bytes");
}

#[test]
fn a_dry_run_a_check_and_a_second_run_write_nothing() {
    let folder = folder();
    let plain = plain(&folder);
    let before = fs::read(&plain).unwrap();
    let dry = tool(&["insert"], &[&plain]);
    assert_eq!(dry.status, Some(0));
    assert!(dry.text().contains("4 inserted (identity), 1 left") && dry.text().contains("no -o OUT"), "{}", dry.text());
    assert_eq!(tool(&["insert", "--check"], &[&plain]).status, Some(1));
    assert_eq!(fs::read(&plain).unwrap(), before);
    assert_eq!(tool(&["insert", "--in-place", "-q"], &[&plain]).status, Some(0));
    let once = fs::read(&plain).unwrap();
    assert_eq!(tool(&["insert", "--check"], &[&plain]).status, Some(0));
    assert_eq!(tool(&["insert", "--in-place"], &[&plain]).status, Some(0));
    assert_eq!(fs::read(&plain).unwrap(), once);
}

#[test]
fn calibrated_it_computes_the_same_with_the_statistics_of_the_data() {
    let folder = folder();
    let (report, out) = insert(&folder, &["--init", "calibrate", "--data", &data()]);
    assert_eq!((&report["measured"]["samples"], &report["measured"]["passes"]), (&100.into(), &1.into()));
    assert_eq!(report["verification"]["same"], true);
    let model = load(&out).expect("it loads");
    assert_eq!(tensor(&model, "/c1/Conv_bn_bias"), tensor(&model, "/c1/Conv_bn_mean"));
    assert!(tensor(&model, "/c1/Conv_bn_var").iter().any(|variance| (variance - 1.0).abs() > 0.01));
    assert_eq!(tool(&["verify"], &[&plain(&folder), &out]).status, Some(0));
}

/// γ is one rounding off √(σ² + ε), and so is each weight off what it was: no further than to the next
/// number, which is two unit roundoffs away at most.
#[test]
fn calibrated_and_folded_the_weights_are_within_one_rounding() {
    let folder = folder();
    let (_, out) = insert(&folder, &["--init", "calibrate", "--data", &data()]);
    let back = folder.path().join("back.onnx");
    assert_eq!(tool(&["fold", "-o"], &[&back, &out]).status, Some(0));
    let (before, after) = (load(&plain(&folder)).expect("it loads"), load(&back).expect("it loads"));
    let names = before.graph.as_ref().expect("a graph").initializer.iter().filter_map(|tensor| tensor.name.clone());
    let unit = FloatType::F32.unit_roundoff();
    for name in names.map(|name| name.to_string()) {
        let (before, after) = (tensor(&before, &name), tensor(&after, &name));
        let mean = before.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        for (before, after) in before.iter().zip(&after) {
            // A bias moves by a rounding of the mean as well, which is as large as the biases or activations are.
            let allowed = if name.contains("weight") { 2.0 * unit * before.abs() } else { 16.0 * unit * (1.0 + mean) };
            assert!((before - after).abs() <= allowed, "{name}: {before} became {after}");
        }
    }
}

/// The numbers of an initializer.
fn tensor(model: &ModelProto, name: &str) -> Vec<f64> {
    let initializers = &model.graph.as_ref().expect("a graph").initializer;
    let found = initializers.iter().find(|tensor| tensor.name.as_ref().is_some_and(|own| own == name));
    found.expect(name).float_values().expect("floats")
}

#[test]
fn standardised_it_computes_something_else_and_says_so() {
    let folder = folder();
    let (report, out) = insert(&folder, &["--init", "standardize", "--data", &data()]);
    assert_eq!((&report["preserves"], &report["verification"]["same"]), (&false.into(), &false.into()));
    // One after the other, four in a row: what is measured in the end is what is in place.
    assert!(report["measured"]["residual"].as_f64().unwrap() <= 1e-4, "{}", report["measured"]);
    assert!(report["measured"]["passes"].as_u64().unwrap() <= 5, "{}", report["measured"]);
    let human = tool(&["insert", "--init", "standardize", "--data", &data()], &[&plain(&folder)]);
    assert_eq!(human.status, Some(0));
    assert!(human.text().contains("computes something else, as asked"), "{}", human.text());
    assert_eq!(tool(&["verify"], &[&plain(&folder), &out]).status, Some(1));
}

#[test]
fn a_standardised_input_is_measured_as_it_is_in_the_file() {
    let folder = folder();
    let (report, out) = insert(&folder, &["--site", "input", "--init", "standardize", "--data", &data()]);
    assert_eq!((&report["inserted"], &report["layers"][0]["norm"]), (&1.into(), &"input_bn".into()));
    // 100 images of 8 × 8 numbers at the end of the file.
    let bytes = fs::read(data()).expect("it can be read");
    let values = FloatType::F32.decode(&bytes[bytes.len() - 100 * 64 * 4..]);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
    let model = load(&out).expect("it loads");
    let rounded = |value| [FloatType::F32.round(value)];
    assert_eq!(tensor(&model, "input_bn_mean"), rounded(mean));
    assert_eq!(tensor(&model, "input_bn_var"), rounded(variance));
    assert_eq!((tensor(&model, "input_bn_scale"), tensor(&model, "input_bn_bias")), (vec![1.0], vec![0.0]));
}

/// The layer gives [x₀ + x₁ + 1, 2·x₁], and for the rows (1, 2), (3, 0), (5, 1) so (4, 4), (4, 0), (7, 2).
#[test]
fn each_channel_is_measured_where_it_is_behind_the_layer() {
    let folder = folder();
    let [model, array, out] = ["layer.onnxtxt", "x.npy", "out.onnx"].map(|name| folder.path().join(name));
    let text = "<ir_version: 8, opset_import: [\"\" : 17]> g (float[N,2] x) => (float[N,2] y)
        <float[2,2] W = {1, 0, 1, 2}, float[2] b = {1, 0}> { c = Gemm (x, W, b) y = Relu (c) }";
    fs::write(&model, text).expect("it is written");
    let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (3, 2)}";
    let numbers = [1i16, 2, 3, 0, 5, 1].into_iter().flat_map(i16::to_le_bytes).collect::<Vec<u8>>();
    let start = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    fs::write(&array, [start, numbers].concat()).expect("it is written");
    let flags = ["insert", "--init", "standardize", "--data", array.to_str().unwrap(), "-o"];
    let result = tool(&flags, &[&out, &model]);
    assert_eq!(result.status, Some(0), "{}", result.stderr);
    let model = load(&out).expect("it loads");
    assert_eq!(tensor(&model, "c_bn_mean"), [5.0, 2.0]);
    assert_eq!(tensor(&model, "c_bn_var"), [2.0, 8.0 / 3.0].map(|value| FloatType::F32.round(value)));
}

#[test]
fn the_threads_do_not_change_the_statistics() {
    let folder = folder();
    let with = |threads: &str| {
        let (_, out) = insert(&folder, &["--init", "calibrate", "--data", &data(), "--threads", threads]);
        fs::read(out).unwrap()
    };
    assert!(with("1") == with("3"));
}

#[test]
fn training_mode_is_not_verified() {
    let folder = folder();
    let (report, out) = insert(&folder, &["--training"]);
    assert_eq!(
        (&report["training"], &report["preserves"], &report["verification"]),
        (&true.into(), &false.into(), &Value::Null)
    );
    let kept = tool(&["fold", "--no-verify", "--format", "json"], &[&out]).json();
    assert_eq!((&kept["kept"], &kept["norms"][0]["refusal"]["code"]), (&4.into(), &"training-mode".into()));
    let frozen = tool(&["fold", "--freeze", "--no-verify", "--format", "json"], &[&out]).json();
    assert_eq!(frozen["folded"], 4);
}

#[test]
fn explain_says_what_to_do_about_layers_that_are_left() {
    let folder = folder();
    let text = tool(&["insert", "--explain"], &[&plain(&folder)]).text();
    assert!(text.contains("no-activation") && text.contains("--site after-affine"), "{text}");
    assert!(tool(&["explain", "already-normalised"], &[]).text().contains("LayerNormalization"));
}

/// Exit status 2, and one line that says this.
fn assert_fails(flags: &[&str], says: &str) {
    let folder = folder();
    let result = tool(&[&["insert"], flags].concat(), &[&plain(&folder)]);
    assert_eq!(result.status, Some(2), "{flags:?}: {}", result.stderr);
    assert!(result.stderr.contains(says), "`{says}` is not in: {}", result.stderr);
    assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
}

#[test]
fn what_cannot_be_meant_is_an_error() {
    assert_fails(&["--init", "calibrate"], "--init calibrate needs --data");
    assert_fails(&["--data", "x.npy"], "--data is for --init calibrate or standardize");
    assert_fails(&["--epsilon", "1"], "epsilon must be at least 0 and less than 1");
    assert_fails(&["--epsilon", "NaN"], "epsilon must be");
    assert_fails(&["--momentum", "2"], "momentum must be between 0 and 1");
    assert_fails(&["--select", "nothing*"], "`nothing*` matches no Conv, ConvTranspose, Gemm or MatMul");
    assert_fails(&["--site", "input", "--select", "x*"], "`x*` matches no input of the model");
    assert_fails(&["--init", "calibrate", "--data", "/no/such.npy"], "cannot read `/no/such.npy`");
    assert_fails(
        &["--init", "calibrate", "--data", &format!("z={}", data())],
        "there is no input `z`; the inputs of the model are: `input`",
    );
    let labels = repository("fixtures/digits/y.npy").display().to_string();
    assert_fails(&["--init", "calibrate", "--data", &labels], "it is int64 [100], the input takes float [?, 1, 8, 8]");
    let model = digits().display().to_string();
    assert_fails(&["--init", "calibrate", "--data", &model], "it is no .npy, .npz, safetensors");
}
