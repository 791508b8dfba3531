//! Models as other tools write them, which text cannot say.

use crate::reference;
use bn_tool::onnx::schema::{GraphProto, ModelProto, StringStringEntryProto, TrainingInfoProto};
use bn_tool::onnx::text::parse;
use bn_tool::refusal::Code;
use bn_tool::transform::fold::{FoldOptions, Outcome, fold};
use ndarray::ArrayD;
use std::collections::BTreeMap;

const GEMM: &str = "<ir_version: 8, opset_import: [\"\" : 17]>
    g (float[2,2] x) => (float[2,2] y)
    <float[2,2] W = {1, -2, 0.5, 3}, float[2] C = {4, 5}, float[2] s = {2, -1}, float[2] b = {0.5, 1}, float[2] v = {1e-6, 4}>
    {
        [g] p = Gemm <beta: float = 0.0> (x, W, C)
        [n] y = BatchNormalization <epsilon: float = 0.0> (p, s, b, b, v)
    }";

fn model() -> ModelProto {
    parse(GEMM).expect("it parses")
}

fn evaluate(model: &ModelProto) -> ArrayD<f64> {
    let x = ArrayD::from_shape_vec(vec![2, 2], vec![1.0, -2.0, 0.25, 3.0]).expect("four numbers");
    reference::evaluate(model, &BTreeMap::from([("x".into(), x)])).expect("it evaluates")["y"].clone()
}

fn codes(model: &ModelProto) -> Vec<Option<Code>> {
    let folded = fold(model, &FoldOptions::default()).expect("it is a graph");
    let code = |outcome: &Outcome| match outcome {
        Outcome::Folded { .. } => None,
        Outcome::Kept { refusal } => Some(refusal.code),
    };
    folded.report.norms.iter().map(|norm| code(&norm.outcome)).collect()
}

/// Writers that follow proto3 leave out numbers that are 0: the attribute is there, its value is
/// not, and it is not the operator's default.
#[test]
fn an_attribute_without_a_value_is_zero() {
    let mut bare = model();
    for node in &mut bare.graph.as_mut().expect("a graph").node {
        node.attribute.iter_mut().for_each(|attribute| attribute.f = None);
    }
    let expected = evaluate(&model());
    let folded = fold(&bare, &FoldOptions::default()).expect("it folds");
    assert_eq!(folded.report.folded, 1);
    for (expected, actual) in expected.iter().zip(&evaluate(&folded.model)) {
        assert!((expected - actual).abs() <= 1e-6 * expected.abs(), "{expected} {actual}");
    }
}

fn with_training(algorithm: &str, updates: &str) -> ModelProto {
    let algorithm = parse(format!("<ir_version: 8, opset_import: [\"\" : 17]> {algorithm}")).expect("it parses").graph;
    let binding = StringStringEntryProto { key: Some(updates.into()), value: Some("new".into()), ..Default::default() };
    let info = TrainingInfoProto { algorithm, update_binding: vec![binding], ..Default::default() };
    ModelProto { training_info: vec![info], ..model() }
}

#[test]
fn keeps_what_training_updates() {
    assert_eq!(codes(&with_training("t () => (float[2,2] new) { new = Neg (W) }", "W")), [Some(Code::Overridable)]);
}

#[test]
fn what_training_reads_in_a_branch_is_not_edited() {
    let branches = "t (bool c) => (float[2,2] new) {
        new = If (c) <then_branch = a () => (float[2,2] n) { n = Neg (W) }, else_branch = e () => (float[2,2] W_folded) { W_folded = Abs (W) }>
    }";
    let original = with_training(branches, "something_else");
    let folded = fold(&original, &FoldOptions::default()).expect("it folds");
    assert_eq!(folded.report.folded, 1);
    let names = |graph: &GraphProto| -> Vec<String> {
        graph.initializer.iter().filter_map(|tensor| tensor.name.as_ref()).map(ToString::to_string).collect()
    };
    let graph = folded.model.graph.as_ref().expect("a graph");
    let weight = |model: &ModelProto| model.graph.as_ref().expect("a graph").initializer[0].clone();
    assert_eq!(weight(&folded.model), weight(&original), "W is as it was");
    // `W_folded` is taken by the branch.
    assert!(names(graph).contains(&"W_folded_1".to_owned()), "{:?}", names(graph));
}
