//! What goes in and comes out: all element types, odd shapes, numbers that are none.

use super::{library, options, parsed};
use bn_tool::onnx::schema::ModelProto;
use bn_tool::verify::{Verification, VerifyError};
use bn_tool::{EngineChoice, VerifyOptions, verify};
use std::path::Path;

fn model(signature: &str, nodes: &str) -> ModelProto {
    parsed(&format!("<ir_version: 8, opset_import: [\"\" : 17]> g {signature} {{ {nodes} }}"))
}

fn with_itself(engine: EngineChoice, library: &Path, model: &ModelProto) -> Result<Verification, VerifyError> {
    verify(model, model, &options(engine, library), &|_, _| {})
}

#[test]
fn all_types_go_in_and_come_out() {
    let Some(library) = library() else { return };
    for (element, shape) in [
        ("float", "2,3"),
        ("double", "2,3"),
        ("float16", "2,3"),
        ("bool", "2,3"),
        ("int8", "2,3"),
        ("int16", "2,3"),
        ("int32", "2,3"),
        ("int64", "2,3"),
        ("uint8", "2,3"),
        ("uint16", "2,3"),
        ("uint32", "2,3"),
        ("uint64", "2,3"),
        ("bfloat16", "2,3"),
        ("float", ""),
        ("int64", "1,1,1,1,1,1"),
    ] {
        let axes = if shape.is_empty() { String::new() } else { format!("[{shape}]") };
        let model = model(&format!("({element}{axes} x) => ({element}{axes} y)"), "y = Identity (x)");
        let verification = with_itself(EngineChoice::Both, &library, &model).expect(element);
        let [tract, onnxruntime] = &verification.engines[..] else { panic!("two engines") };
        assert_eq!((&tract.unavailable, &onnxruntime.unavailable), (&None, &None), "{element}");
        let output = &verification.outputs[0];
        let apart = output.other_engine.as_ref().map(|other| (other.apart.original, other.apart.result));
        assert_eq!((verification.same, apart), (true, Some((0.0, 0.0))), "{element}[{shape}]");
    }
}

#[test]
fn half_floats_come_out_rounded() {
    let Some(library) = library() else { return };
    let model = model("(float16[4] x) => (float16[4] y)", "k = Constant <value = float16[1] {3.0}> () y = Mul (x, k)");
    let verification = with_itself(EngineChoice::Both, &library, &model).expect("runs");
    let other = verification.outputs[0].other_engine.as_ref().expect("two engines");
    // tract gives them in float32.
    assert!(verification.same && other.apart.original > 0.0 && other.apart.original < 4.9e-4, "{:?}", other.apart);
}

#[test]
fn outputs_that_say_nothing_are_no_verdict() {
    let Some(library) = library() else { return };
    for (signature, nodes) in [
        ("(float[2] x) => (float[2] y)", "a = Sub (x, x) y = Div (a, a)"),
        (
            "(float[2] x) => (float[0] y)",
            "s = Constant <value_ints = [0]> () e = Constant <value_ints = [0]> () y = Slice (x, s, e)",
        ),
        (
            "(float[2,3] x) => (float[0,3] y)",
            "s = Constant <value_ints = [0]> () e = Constant <value_ints = [0]> () y = Slice (x, s, e)",
        ),
    ] {
        for engine in [EngineChoice::OnnxRuntime, EngineChoice::Both] {
            let error = with_itself(engine, &library, &model(signature, nodes)).expect_err("nothing to compare");
            assert!(matches!(error, VerifyError::NothingToCompare), "{signature}: {error}");
        }
    }
}

#[test]
fn empty_values_inside_are_no_obstacle() {
    let Some(library) = library() else { return };
    let nodes = "s = Constant <value_ints = [0]> () e = Constant <value_ints = [0]> () n = Slice (x, s, e) y = Concat <axis = 0> (n, x)";
    let verification =
        with_itself(EngineChoice::OnnxRuntime, &library, &model("(float[2,3] x) => (float[2,3] y)", nodes));
    assert!(verification.expect("runs").same);
}

#[test]
fn optional_inputs_may_be_left_out() {
    let Some(library) = library() else { return };
    let model =
        model("(float[2,3] x) => (float[2,3] y)", "h = Constant <value = float {0.5}> () y = Clip (x, \"\", h)");
    assert!(with_itself(EngineChoice::OnnxRuntime, &library, &model).expect("runs").same);
}

#[test]
fn what_cannot_be_compared_is_named() {
    let Some(library) = library() else { return };
    for (signature, nodes, expected) in [
        ("(float[2] x) => (string[2] y)", "y = Cast <to = 8> (x)", "output `y` is of type String"),
        ("(float[2] x) => (seq(float[2]) y)", "y = SequenceConstruct (x)", "output `y` is of type"),
        ("(float[2] x) => (float[2] y)", "y = Frobnicate (x)", "Frobnicate"),
    ] {
        let error = with_itself(EngineChoice::OnnxRuntime, &library, &model(signature, nodes)).expect_err("refused");
        let message = error.to_string();
        assert!(message.contains(expected) && message.lines().count() == 1, "{message}");
    }
}

#[test]
fn an_opset_that_the_library_does_not_know_is_an_error_in_one_line() {
    let Some(library) = library() else { return };
    let model = parsed("<ir_version: 8, opset_import: [\"\" : 99]> g (float[2] x) => (float[2] y) { y = Relu (x) }");
    let message = with_itself(EngineChoice::OnnxRuntime, &library, &model).expect_err("refused").to_string();
    assert!(message.contains("onnxruntime cannot prepare the model") && message.contains("99"), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn of_two_engines_one_may_fail() {
    let Some(library) = library() else { return };
    // onnxruntime has no convolution in float64.
    let model = model(
        "(double[1,1,4,4] x) => (double[1,1,2,2] y)",
        "w = Constant <value = double[1,1,3,3] {1,2,3,4,5,6,7,8,9}> () y = Conv (x, w)",
    );
    let verification = with_itself(EngineChoice::Both, &library, &model).expect("tract runs it");
    assert!(verification.same && verification.sentence().contains("in tract alone"), "{}", verification.sentence());
    let reason = verification.engines[1].unavailable.as_deref().expect("a reason");
    assert!(reason.contains("onnxruntime cannot prepare the model"), "{reason}");
    let neither =
        parsed("<ir_version: 8, opset_import: [\"\" : 17]> g (float[2] x) => (float[2] y) { y = Frobnicate (x) }");
    let error = with_itself(EngineChoice::Both, &library, &neither).expect_err("neither").to_string();
    assert!(
        error.contains("tract: unsupported operator Frobnicate") && error.contains("; onnxruntime cannot"),
        "{error}"
    );
}

#[test]
fn an_engine_that_cannot_run_the_result_alone_does_not_let_it_pass() {
    let Some(library) = library() else { return };
    let good = model("(float[2,3] x) => (float[2,3] y)", "y = Relu (x)");
    let odd = model(
        "(float[2,3] x) => (float[2,3] y)",
        "i = Constant <value = int64 {0}> () s = SequenceConstruct (x) e = SequenceAt (s, i) y = Relu (e)",
    );
    let options = options(EngineChoice::Both, &library);
    let error = verify(&good, &odd, &options, &|_, _| {}).expect_err("tract lacks it").to_string();
    assert!(
        error.contains("the result cannot be run, though the original can: unsupported operator Sequence"),
        "{error}"
    );
    let broken = model("(float[2,3] x) => (float[2,3] y)", "y = Frobnicate (x)");
    let options = VerifyOptions { engine: EngineChoice::OnnxRuntime, ..options };
    let error = verify(&good, &broken, &options, &|_, _| {}).expect_err("nobody has it").to_string();
    assert!(error.contains("the result cannot be run, though the original can: onnxruntime cannot"), "{error}");
}

#[test]
fn what_differs_in_one_engine_is_found_there() {
    let Some(library) = library() else { return };
    // Through float16 and back: tract widens it to float32, and sees nothing.
    let exact = model("(float[2,3] x) => (float[2,3] y)", "a = Relu (x) y = Neg (a)");
    let rounded = model(
        "(float[2,3] x) => (float[2,3] y)",
        "a = Relu (x) h = Cast <to = 10> (a) b = Cast <to = 1> (h) y = Neg (b)",
    );
    let options = options(EngineChoice::Both, &library).tolerance(1e-6, 1e-6).locate();
    let verification = verify(&exact, &rounded, &options, &|_, _| {}).expect("both run both");
    let output = &verification.outputs[0];
    assert!(!verification.same && !output.same && output.within_tolerance, "{}", verification.sentence());
    assert!(verification.sentence().starts_with("in onnxruntime output `y` differs"), "{}", verification.sentence());
    let location = verification.location.expect("it is looked for where it is");
    assert_eq!((location.original.value.as_str(), location.result.value.as_str()), ("a", "b"));
    let alone = VerifyOptions { engine: EngineChoice::Tract, ..options };
    assert!(verify(&exact, &rounded, &alone, &|_, _| {}).expect("tract runs both").same);
}

#[test]
fn a_wrong_weight_is_seen_by_both() {
    let Some(library) = library() else { return };
    let network = |bias: &str| {
        let nodes = format!("b = Constant <value = float[3] {{{bias}}}> () a = Add (x, b) y = Relu (a)");
        model("(float[2,3] x) => (float[2,3] y)", &nodes)
    };
    let (right, wrong) = (network("1.0, 2.0, 3.0"), network("1.0, 2.0, 3.01"));
    let options = options(EngineChoice::Both, &library);
    let verification = verify(&right, &wrong, &options, &|_, _| {}).expect("both run both");
    let output = &verification.outputs[0];
    let other = output.other_engine.as_ref().expect("two engines");
    assert!(!verification.same && !output.within_tolerance && !other.report.same, "{}", verification.sentence());
    assert!(verification.failing.is_some() && other.apart.original < 1e-6, "{:?}", other.apart);
}
