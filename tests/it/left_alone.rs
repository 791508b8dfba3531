//! What a fold leaves alone although it could be folded: nodes that are not selected, and values that
//! an annotation names.

use bn_tool::onnx::schema::{ModelProto, TensorAnnotation};
use bn_tool::onnx::text::parse;
use bn_tool::refusal::Code;
use bn_tool::transform::fold::{FoldOptions, Outcome, fold};
use bn_tool::transform::selection::Selection;

/// A Conv `c` and these nodes, of one channel.
fn model(nodes: &str) -> ModelProto {
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]> g (float[1,1,2,2] x) => (float[1,1,2,2] y)
        <float[1,1,1,1] W = {{0.5}}, float[1] s = {{2.0}}, float[1] z = {{0.0}}, float[1] v = {{1.0}},
         float[1,1,1] k = {{3.0}}> {{ c = Conv (x, W) {nodes} }}"
    );
    parse(text).expect("it parses")
}

/// What remains of a model: its operators, and why BatchNormalizations stay.
fn folded(model: &ModelProto, exclude: &[&str]) -> (Vec<String>, Vec<Option<Code>>) {
    let exclude: Vec<String> = exclude.iter().map(|name| (*name).to_owned()).collect();
    let selection = Selection::new(&[], &exclude).expect("they are globs");
    let folded = fold(model, &FoldOptions::new(selection)).expect("it folds");
    let graph = folded.model.graph.expect("there is a graph");
    let operators = graph.node.iter().map(|node| node.standard_op().to_string()).collect();
    let code = |outcome: &Outcome| match outcome {
        Outcome::Kept { refusal } => Some(refusal.code),
        Outcome::Folded { .. } => None,
    };
    (operators, folded.report.norms.iter().map(|norm| code(&norm.outcome)).collect())
}

/// One that is not selected does not go along with the one behind it, but takes it in.
#[test]
fn a_batch_norm_that_is_not_selected_stays() {
    let model = model("n = BatchNormalization (c, s, z, z, v)  y = BatchNormalization (n, s, z, z, v)");
    assert_eq!(folded(&model, &[]), (vec!["Conv".into()], vec![None, None]));
    let kept = (vec!["Conv".into(), "BatchNormalization".into()], vec![Some(Code::NotSelected), None]);
    assert_eq!(folded(&model, &["n"]), kept);
}

#[test]
fn arithmetic_that_is_not_selected_stays() {
    let model = model(
        "n = BatchNormalization (c, s, z, z, v)  r = Relu (n)  d = Conv (r, W)  n_mul = Mul (d, k)  y = Relu (n_mul)",
    );
    let operators = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(folded(&model, &[]).0, operators(&["Conv", "Relu", "Conv", "Relu"]));
    let kept = operators(&["Conv", "BatchNormalization", "Relu", "Conv", "Mul", "Relu"]);
    assert_eq!(folded(&model, &["n*"]).0, kept);
    assert_eq!(folded(&model, &["n_mul"]).0, operators(&["Conv", "Relu", "Conv", "Mul", "Relu"]));
}

/// What an annotation says of a value would not be true of another one.
#[test]
fn a_value_that_an_annotation_names_is_kept() {
    let mut model = model("y = BatchNormalization (c, s, z, z, v)");
    assert_eq!(folded(&model, &[]).1, [None]);
    let annotation = TensorAnnotation { tensor_name: Some("c".into()), ..Default::default() };
    model.graph.as_mut().expect("there is a graph").quantization_annotation.push(annotation);
    assert_eq!(folded(&model, &[]).1, [Some(Code::OtherReader)]);
}
