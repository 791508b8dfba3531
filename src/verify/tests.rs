//! Whole verifications of small models.

use super::{Limit, Seconds, Verification, VerifyError, VerifyOptions, verify};
use crate::data::{DataOptions, DataSource, Series, save_npz};
use crate::engine::Array;
use crate::engine::testing::{model, node, parameters, value};
use crate::onnx::access::text;
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{ModelProto, NodeProto, TensorProto};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

const AXES: [&str; 4] = ["N", "2", "6", "6"];

fn weight(element: FloatType, factor: f64) -> TensorProto {
    let values: Vec<f64> = (0..54).map(|i| ((i * 7 % 11) as f64 - 5.0) / 10.0 * factor).collect();
    TensorProto::floats("w", element, &[3, 2, 3, 3], &values)
}

/// Conv, then BatchNormalization with its first scale times `factor`.
fn network(element: FloatType, factor: f64) -> ModelProto {
    let mut constants = parameters(element);
    constants[0] = TensorProto::floats("scale", element, &[3], &[1.5 * factor, -0.5, 2.0]);
    constants.push(weight(element, 1.0));
    let nodes =
        vec![node("Conv", "x w", "c", vec![]), node("BatchNormalization", "c scale bias mean var", "y", vec![])];
    let mut network = model(17, (element.data_type(), &AXES), constants, nodes, "y");
    let output = value("y", element.data_type(), &["N", "3", "4", "4"]);
    network.graph.as_mut().expect("there is one").output = vec![output];
    network
}

/// The same, folded by hand.
fn folded(element: FloatType) -> ModelProto {
    let mut model = network(element, 1.0);
    let graph = model.graph.as_mut().expect("there is one");
    let value = |name: &str| {
        let tensor = graph.initializer.iter().find(|tensor| text(&tensor.name) == name);
        tensor.expect("there is one").float_values().expect("floats")
    };
    let [gamma, beta, mean, var] = ["scale", "bias", "mean", "var"].map(value);
    let s: Vec<f64> = (0..3).map(|i| gamma[i] / (var[i] + f64::from(1e-5f32)).sqrt()).collect();
    let t: Vec<f64> = (0..3).map(|i| beta[i] - s[i] * mean[i]).collect();
    let w: Vec<f64> = value("w").iter().enumerate().map(|(i, w)| w * s[i / 18]).collect();
    graph.initializer =
        vec![TensorProto::floats("w", element, &[3, 2, 3, 3], &w), TensorProto::floats("t", element, &[3], &t)];
    graph.node = vec![node("Conv", "x w t", "y", vec![])];
    model
}

fn compare(a: &ModelProto, b: &ModelProto) -> Result<Verification, VerifyError> {
    verify(a, b, &VerifyOptions::default(), &|_, _| {})
}

fn error(a: &ModelProto, b: &ModelProto, options: &VerifyOptions) -> String {
    verify(a, b, options, &|_, _| {}).expect_err("refused").to_string()
}

#[test]
fn a_fold_is_the_same_in_every_type() {
    for element in [FloatType::F16, FloatType::Bf16, FloatType::F32, FloatType::F64] {
        let verification = compare(&network(element, 1.0), &folded(element)).expect("runs");
        assert!(verification.same, "{element:?}: {verification:?}");
        assert_eq!(verification.f64_unavailable.is_some(), element == FloatType::F64);
        assert!(verification.outputs[0].max_rel < 4.0 * element.unit_roundoff(), "{verification:?}");
        assert!(verification.sentence().starts_with("same within "), "{}", verification.sentence());
        assert_eq!(verification.dims, BTreeMap::from([("N".into(), 1)]));
    }
}

#[test]
fn a_wrong_scale_is_named() {
    let verification = compare(&network(FloatType::F32, 1.0), &network(FloatType::F32, 1.01)).expect("runs");
    assert!(!verification.same);
    let output = &verification.outputs[0];
    let worst = output.worst.as_ref().expect("there is one");
    assert_eq!((worst.index.len(), worst.index[1]), (4, 0), "only channel 0 differs");
    let sentence = verification.sentence();
    assert!(sentence.starts_with("output `y` differs by "), "{sentence}");
    assert!(sentence.contains(&format!("at {:?} of sample {}", worst.index, worst.sample)), "{sentence}");
}

#[test]
fn f64_tells_an_error_of_algebra_from_rounding() {
    // Within the tolerance of f32, but ten times what the rounding of the weights explains.
    let verification = compare(&network(FloatType::F32, 1.0), &network(FloatType::F32, 1.0 + 1e-5)).expect("runs");
    let output = &verification.outputs[0];
    assert!(output.within_tolerance && !output.same && !verification.same, "{verification:?}");
    let f64 = output.f64.as_ref().expect("there is one");
    assert!((2e-6..2e-5).contains(&f64.algebra_error) && f64.limit < 4e-6, "{f64:?}");
    assert!(verification.sentence().contains("but rounding explains only"), "{}", verification.sentence());
    let rounding = compare(&network(FloatType::F32, 1.0), &folded(FloatType::F32)).expect("runs");
    let f64 = rounding.outputs[0].f64.as_ref().expect("there is one");
    assert!(f64.algebra_error < 2e-7 && f64.result_error < 4.0 * f64.original_error, "{f64:?}");
}

#[test]
fn a_looser_tolerance_holds_for_both_verdicts() {
    let options = VerifyOptions { rtol: 0.1.into(), ..Default::default() };
    let (a, b) = (network(FloatType::F32, 1.0), network(FloatType::F32, 1.01));
    assert!(verify(&a, &b, &options, &|_, _| {}).expect("runs").same);
    let options = VerifyOptions::default().tolerance(0.0, 0.0);
    assert!(!verify(&a, &folded(FloatType::F32), &options, &|_, _| {}).expect("runs").same);
}

#[test]
fn not_a_number_equals_itself_only() {
    let root = |operator: &str| {
        let nodes = vec![node("Sqrt", "x", "r", vec![]), node(operator, "r", "y", vec![])];
        model(17, (DataType::Float, &["1", "8"]), vec![], nodes, "y")
    };
    assert!(compare(&root("Identity"), &root("Identity")).expect("runs").same);
    let verification = compare(&root("Identity"), &root("IsNaN"));
    assert!(matches!(verification, Err(VerifyError::Signature { .. })), "a truth value is no float");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (a, b) = (network(FloatType::F32, 1.0), folded(FloatType::F32));
    let json = |threads| {
        let options = VerifyOptions { threads, samples: Some(9), seed: 3, ..Default::default() };
        let done = AtomicUsize::new(0);
        let count = |_, total| {
            // 9 samples, then one of another size, and then 2 of both models in f64.
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            assert_eq!(total, if done > 9 { 14 } else { 13 });
        };
        let mut verification = verify(&a, &b, &options, &count).expect("runs");
        assert_eq!((done.into_inner(), verification.samples), (14, 10));
        verification.seconds = Seconds::default();
        serde_json::to_string(&verification).expect("serialises")
    };
    assert_eq!(json(1), json(4));
}

#[test]
fn symbolic_dimensions_are_found_by_trying() {
    // A Reshape that only 48 × 48 survives.
    let shape = TensorProto {
        dims: vec![2].into(),
        data_type: Some(DataType::Int64.code()),
        int64_data: vec![1, 3 * 48 * 48].into(),
        name: Some("shape".into()),
        ..Default::default()
    };
    let nodes = || vec![node("Reshape", "x shape", "y", vec![])];
    let picky = model(17, (DataType::Float, &["batch", "3", "H", "W"]), vec![shape], nodes(), "y");
    let verification = compare(&picky, &picky).expect("runs");
    assert_eq!(verification.inputs[0].shape, [1, 3, 48, 48]);
    assert_eq!(verification.dims, BTreeMap::from([("batch".into(), 1), ("H".into(), 48), ("W".into(), 48)]));
    let told = VerifyOptions { dims: BTreeMap::from([("H".into(), 47)]), ..Default::default() };
    let error = error(&picky, &picky, &told);
    assert!(error.starts_with("the original cannot be run"), "{error}");
}

#[test]
fn integer_inputs_get_values_that_the_original_takes() {
    let table = TensorProto::floats("table", FloatType::F32, &[1, 4], &[1.0, 2.0, 3.0, 4.0]);
    let nodes = vec![node("Gather", "table x", "y", vec![])];
    let lookup = model(17, (DataType::Int64, &["N", "5"]), vec![table], nodes, "y");
    assert!(compare(&lookup, &lookup).expect("0 is an index").same);
}

#[test]
fn different_signatures_are_refused_with_both_sides() {
    let a = network(FloatType::F32, 1.0);
    let mut b = a.clone();
    b.graph.as_mut().expect("there is one").output[0].name = Some("c".into());
    let message = error(&a, &b, &VerifyOptions::default());
    let expected =
        "the models differ in their outputs: the original has `y` float [N,3,4,4], the result has `c` float [N,3,4,4]";
    assert_eq!(message, expected);
    let mut b = a.clone();
    b.graph.as_mut().expect("there is one").input[0] = value("x", DataType::Float, &["N", "2", "8", "6"]);
    assert!(error(&a, &b, &VerifyOptions::default()).contains("[N,2,8,6]"));
}

#[test]
fn an_initializer_that_may_be_overridden_is_not_asked_for() {
    let mut a = network(FloatType::F32, 1.0);
    a.graph.as_mut().expect("there is one").input.push(value("w", DataType::Float, &["3", "2", "3", "3"]));
    assert!(compare(&a, &folded(FloatType::F32)).expect("runs").same);
}

#[test]
fn it_says_which_of_the_two_cannot_run() {
    let (good, mut bad) = (network(FloatType::F32, 1.0), network(FloatType::F32, 1.0));
    let nodes: &mut Vec<NodeProto> = &mut bad.graph.as_mut().expect("there is one").node;
    nodes[0].op_type = Some("Convolve".into());
    assert!(matches!(compare(&bad, &good), Err(VerifyError::Original(_))));
    assert!(matches!(compare(&good, &bad), Err(VerifyError::Result(_))));
    let message = error(&bad, &good, &VerifyOptions::default());
    assert!(message.contains("unsupported operator Convolve (node `c`)"), "{message}");
}

#[test]
fn no_f64_verdict_comes_with_its_reason() {
    let scale = TensorProto::floats("s", FloatType::F32, &[], &[0.1]);
    let nodes = vec![node("QuantizeLinear", "x s", "q", vec![]), node("DequantizeLinear", "q s", "y", vec![])];
    let quantised = model(13, (DataType::Float, &["1", "8"]), vec![scale], nodes, "y");
    let verification = compare(&quantised, &quantised).expect("runs");
    assert!(verification.same);
    assert!(verification.f64_unavailable.is_some(), "{}", verification.sentence());
}

#[test]
fn outputs_that_say_nothing_are_no_agreement() {
    let model = parsed("g (float[1,2] x) => (float[1,2] y) { e = Exp (x) n = Neg (e) y = Sqrt (n) }");
    let error = verify(&model, &model, &VerifyOptions::default(), &|_, _| {}).unwrap_err();
    assert!(matches!(error, VerifyError::NothingToCompare));
}

#[test]
fn names_of_nodes_need_not_differ_and_a_last_input_may_be_omitted() {
    let model = parsed(
        "g (bool c, float[1,1,2,2] x) => (float[1,1,2,2] y) <float[1,1,1,1] W = {2}> {
            [n] v = Conv (x, W, \"\")
            a = If (c) <then_branch = t () => (float[1,1,2,2] p) { [n] p = Relu (v) }, else_branch = e () => (float[1,1,2,2] q) { [n] q = Neg (v) }>
            [n] b = Relu (v)
            [x] y = Add (a, b)
        }",
    );
    assert!(verify(&model, &model, &VerifyOptions::default(), &|_, _| {}).unwrap().same);
}

fn parsed(graph: &str) -> ModelProto {
    crate::onnx::text::parse(format!("<ir_version: 8, opset_import: [\"\" : 17]> {graph}")).unwrap()
}

#[test]
fn a_length_that_was_fixed_by_mistake_is_found() {
    let reshape = |target: &str| {
        parsed(&format!("g (float[N,2,3] x) => (float[M,3] y) <int64[2] t = {{{target}}}> {{ y = Reshape (x, t) }}"))
    };
    let verification = compare(&reshape("-1, 3"), &reshape("-1, 3")).unwrap();
    let other = verification.other_dims.expect("N is open");
    assert_eq!((other.samples, other.shapes), (1, vec![vec![2, 2, 3]]));
    // With N = 1 both are the same.
    let error = error(&reshape("-1, 3"), &reshape("2, 3"), &VerifyOptions::default());
    assert!(error.starts_with("the result cannot be run, though the original can"), "{error}");
    let told = VerifyOptions::default().dim("N", 1);
    let verification = verify(&reshape("-1, 3"), &reshape("2, 3"), &told, &|_, _| {}).unwrap();
    assert!(verification.same && verification.other_dims.is_none());
}

#[test]
fn all_rows_of_a_table_are_looked_up() {
    let table = |last: f64| {
        let rows: String = (0..40).map(|row| format!("{row}, ")).collect();
        parsed(&format!("g (int64[N] i) => (float[N,1] y) <float[41,1] t = {{{rows}{last}}}> {{ y = Gather (t, i) }}"))
    };
    let options = VerifyOptions { dims: BTreeMap::from([("N".into(), 1000)]), ..Default::default() };
    let verification = verify(&table(1.0), &table(2.0), &options, &|_, _| {}).unwrap();
    assert!(!verification.same, "row 40 is never looked up");
}

#[test]
fn values_stay_in_the_range_that_was_asked_for() {
    let model = |operator: &str| parsed(&format!("g (float[1,64] x) => (float[1,64] y) {{ y = {operator} (x) }}"));
    // They are the same from 0 on.
    let options = VerifyOptions::default().range("x", 0.0, 2.0);
    assert!(!compare(&model("Relu"), &model("Identity")).unwrap().same);
    assert!(verify(&model("Relu"), &model("Identity"), &options, &|_, _| {}).unwrap().same);
    let unknown = error(&model("Relu"), &model("Relu"), &VerifyOptions::default().range("z", 0.0, 1.0));
    assert_eq!(unknown, "no input is called `z`; there is `x`");
}

#[test]
fn an_output_may_have_a_tolerance_of_its_own() {
    let model = |factor: f64| {
        parsed(&format!(
            "g (float[1,64] x) => (float[1,64] y, float[1,64] z) <float[1] f = {{{factor}}}> {{ y = Relu (x) z = Mul (x, f) }}"
        ))
    };
    let rtol = |output: &str| {
        let of = BTreeMap::from([(output.to_owned(), 0.1)]);
        VerifyOptions { rtol: Limit { all: None, of }, ..Default::default() }
    };
    let same = |output| verify(&model(1.0), &model(1.01), &rtol(output), &|_, _| {}).unwrap().same;
    assert!(same("z") && !same("y"));
    assert_eq!(error(&model(1.0), &model(1.0), &rtol("w")), "no output is called `w`; there is `y`, `z`");
}

#[test]
fn what_is_measured_is_what_it_is_called() {
    let model = |factor: f64| {
        parsed(&format!("g (float[1,64] x) => (float[1,64] y) <float[1] f = {{{factor}}}> {{ y = Mul (x, f) }}"))
    };
    let verification = compare(&model(1.0), &model(1.001)).unwrap();
    let output = &verification.outputs[0];
    // The difference is a thousandth of the original: 10·log₁₀ 10⁶.
    assert!((output.sqnr_db.unwrap() - 60.0).abs() < 0.01, "{output:?}");
    assert!((output.max_rel - 1e-3).abs() < 1e-6 && output.mismatched > 0.5, "{output:?}");
    // A thousandth of a number is 2²³/1000 to 2²⁴/1000 units of its last place: 8389 to 16777.
    let ulps = output.ulps.as_ref().unwrap();
    assert!((8388..16778).contains(&ulps.largest), "{ulps:?}");
    assert_eq!((ulps.histogram[..14].iter().sum::<u64>(), ulps.histogram[14..].iter().sum::<u64>()), (0, 64 * 4));
    assert_eq!((output.top1_agreement, output.top5_agreement), (Some(1.0), Some(1.0)));
}

#[test]
fn the_failing_case_fails_again() {
    let model = |operator: &str| parsed(&format!("g (float[1,8] x) => (float[1,8] y) {{ y = {operator} (x) }}"));
    let (a, b) = (model("Relu"), model("Identity"));
    let verification = compare(&a, &b).unwrap();
    let failing = verification.failing.expect("they differ");
    let worst = verification.outputs[0].worst.as_ref().unwrap();
    let [(name, x)] = &failing.inputs[..] else { panic!("one input") };
    assert_eq!((name.as_str(), failing.sample), ("x", worst.sample));
    // Where the result has x itself, and the original 0.
    assert_eq!((x.values()[worst.index[1]], worst.original), (worst.result, 0.0));
    assert!(compare(&a, &a).unwrap().failing.is_none());
}

#[test]
fn data_takes_the_place_of_random_samples() {
    let model = |operator: &str| parsed(&format!("g (float[N,2] x) => (float[N,2] y) {{ y = {operator} (x) }}"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npz");
    let on = |values: &[f64]| {
        let x = Array::floats(FloatType::F32, vec![values.len() / 2, 2], values).unwrap();
        let mut series = Series::like(&x, "x".into()).unwrap();
        series.add(&x).unwrap();
        save_npz(&path, &mut [series]).unwrap();
        let data = DataOptions::new(vec![DataSource::parse(&path.display().to_string())]);
        verify(&model("Relu"), &model("Identity"), &VerifyOptions::default().data(data), &|_, _| {}).unwrap()
    };
    let positive = on(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(positive.same);
    assert_eq!((positive.samples, positive.seed, positive.dims), (3, None, BTreeMap::from([("N".into(), 1)])));
    let negative = on(&[1.0, 2.0, 3.0, -4.0]);
    assert_eq!(negative.failing.map(|failing| failing.sample), Some(1));
}
