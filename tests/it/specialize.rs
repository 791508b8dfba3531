//! Functions that are many, deep, or hostile.

use crate::same::compare;
use crate::tool::run;
use bn_tool::onnx::load;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::text::parse;
use bn_tool::transform::fold::{FoldOptions, fold};
use bn_tool::transform::specialize::{Specialized, specialize};
use ndarray::ArrayD;

const HEADER: &str = "<ir_version: 8, opset_import: [\"\" : 17, \"loc\" : 1]>";
const IMPORTS: &str = "<domain: \"loc\", opset_import: [\"\" : 17, \"loc\" : 1]>";
const GRAPH: &str = "g (float[1,2,1,1] x) => (float[1,2,1,1] y)
    <float[2,2,1,1] W = {1, 2, 3, 4}, float[2] s = {0.5, 2}, float[2] b = {1, 3}>";
const INNERMOST: &str = "(x, w, s, b) => (y) { c = Conv (x, w) y = BatchNormalization (c, s, b, b, s) }";

fn model(body: &str, functions: &[String]) -> ModelProto {
    let functions: String = functions.iter().map(|function| format!("{IMPORTS} {function}\n")).collect();
    parse(format!("{HEADER}\n{GRAPH} {{ {body} }}\n{functions}")).expect("it parses")
}

fn specialized(model: &ModelProto) -> Specialized {
    specialize(model.clone(), &FoldOptions::default()).expect("a valid model")
}

/// Functions that call each other in a row: `f0` the next, and so on.
fn chain(depth: usize, calls: &str) -> Vec<String> {
    let call =
        |at: usize| format!("f{at} (x, w, s, b) => (y) {{ {} }}", calls.replace("next", &format!("loc.f{}", at + 1)));
    (0..depth).map(call).chain([format!("f{depth} {INNERMOST}")]).collect()
}

#[test]
fn thirty_functions_deep() {
    let model = model("y = loc.f0 (x, W, s, b)", &chain(30, "y = next (x, w, s, b)"));
    let Specialized { model: result, copies } = specialized(&model);
    assert_eq!(copies.len(), 31);
    let folded = fold(&result, &FoldOptions::default()).unwrap();
    assert_eq!((folded.report.folded, folded.report.kept), (1, 0));
    assert!(folded.model.graph.as_ref().unwrap().initializer.is_empty());
    let inputs = [("x".to_owned(), ArrayD::from_elem(vec![1, 2, 1, 1], 1.5))].into();
    compare(&model, &folded.model, &inputs).unwrap();
}

#[test]
fn calls_that_double_are_not_copies_that_double() {
    let twice = "z = next (x, w, s, b) y = next (z, w, s, b)";
    let model = model("y = loc.f0 (x, W, s, b)", &chain(30, twice));
    assert_eq!(specialized(&model).copies.len(), 31);
}

#[test]
fn copies_are_not_made_without_bound() {
    // Each call passes another constant, so that there would be 2^40 copies.
    let twice = "v = Neg (w) u = Abs (w) z = next (x, v, s, b) y = next (z, u, s, b)";
    let model = model("y = loc.f0 (x, W, s, b)", &chain(40, twice));
    let result = specialized(&model);
    assert!(result.copies.len() < 1_000_000);
}

#[test]
fn functions_deeper_than_the_limit_stay() {
    let model = model("y = loc.f0 (x, W, s, b)", &chain(200, "y = next (x, w, s, b)"));
    assert_eq!(specialized(&model).model, model);
}

#[test]
fn recursion_ends() {
    // A model that is loaded has none; these are not, and cannot be saved.
    let recursive = |functions: &[String]| {
        let result = specialize(model("y = loc.f (x, W, s, b)", functions), &FoldOptions::default());
        assert!(result.is_err_and(|error| error.to_string().contains("calls itself")));
    };
    let itself =
        "f (x, w, s, b) => (y) { v = loc.f (x, w, s, b) c = Conv (v, w) y = BatchNormalization (c, s, b, b, s) }";
    recursive(&[itself.into()]);
    let mutual = [
        "f (x, w, s, b) => (y) { y = loc.g (x, w, s, b) }".to_owned(),
        "g (x, w, s, b) => (y) { v = loc.f (x, w, s, b) c = Conv (v, w) y = BatchNormalization (c, s, b, b, s) }"
            .into(),
    ];
    recursive(&mutual);
}

#[test]
fn weights_in_another_file_are_shared_by_copies() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let weight: Vec<String> = (0..256).map(|at| format!("{:?}", f32::from(at as u8) / 64.0 - 2.0)).collect();
    let scale = |from: f32| (0..16).map(|at| (at as f32 / 8.0 + from).to_string()).collect::<Vec<_>>().join(", ");
    let text = format!(
        "{HEADER} g (float[1,16,1,1] x) => (float[1,16,1,1] y)
        <float[16,16,1,1] W = {{ {} }}, float[16] s = {{ {} }}, float[16] t = {{ {} }}>
        {{ v = loc.f (x, W, s) y = loc.f (v, W, t) }}
        {IMPORTS} f (x, w, s) => (y) {{ c = Conv (x, w) y = BatchNormalization (c, s, s, s, s) }}",
        weight.join(", "),
        scale(0.5),
        scale(1.25)
    );
    std::fs::write(path("text.onnxtxt"), &text).unwrap();
    let fold = |flags: &[&str], from: &str, to: &str| {
        let words = [&["fold", "--no-verify"], flags].concat().into_iter().map(std::ffi::OsString::from);
        let result = run(&words.chain(["-o".into(), path(to).into(), path(from).into()]).collect::<Vec<_>>());
        assert_eq!(result.status, Some(0), "{}", result.stderr);
    };
    fold(&["--external-data", "weights.bin"], "text.onnxtxt", "external.onnx");
    fold(&["--specialize-functions"], "external.onnx", "out.onnx");
    assert!(std::fs::metadata(path("out.onnx")).unwrap().len() < 2048, "the weights are in the other file");
    let inputs = [("x".to_owned(), ArrayD::from_elem(vec![1, 16, 1, 1], 0.75))].into();
    compare(&parse(text).unwrap(), &load(&path("out.onnx")).unwrap(), &inputs).unwrap();
}

#[test]
fn a_model_without_functions_is_as_it_was() {
    let text = format!("{HEADER}\n{GRAPH} {{ c = Conv (x, W) y = BatchNormalization (c, s, b, b, s) }}");
    let model = parse(text).unwrap();
    assert_eq!(specialized(&model).model, model);
}

#[test]
fn what_folds_nothing_is_as_it_was() {
    let relu = "f (x, s, b) => (y) { c = Relu (x) y = BatchNormalization (c, s, b, b, s) }".to_owned();
    let model = model("y = loc.f (x, s, b)", &[relu]);
    let Specialized { model: result, copies } = specialized(&model);
    assert!(copies.is_empty());
    assert_eq!(result, model);
}
