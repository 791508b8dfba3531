//! Values that more nodes read than are looked at.

use bn_tool::onnx::text::parse;
use bn_tool::refusal::Code;
use bn_tool::transform::fold::{FoldOptions, Outcome, fold};

/// A Conv and a BatchNormalization, and so many nodes that take the shape of `value`.
fn outcome(value: &str, readers: usize) -> Outcome {
    let shapes: String = (0..readers).map(|index| format!("h{index} = Shape ({value})\n")).collect();
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]> g (float[1,1,2,2] x) => (float[1,1,2,2] y)
        <float[1,1,1,1] W = {{0.5}}, float[1] s = {{2.0}}, float[1] z = {{0.0}}, float[1] v = {{1.0}}> {{
            c = Conv (x, W) {shapes} y = BatchNormalization (c, s, z, z, v)
        }}"
    );
    let model = parse(text.as_str()).expect("it parses");
    let folded = fold(&model, &FoldOptions::default()).expect("it folds");
    let weights = &folded.model.graph.as_ref().expect("there is a graph").initializer;
    if matches!(folded.report.norms[0].outcome, Outcome::Folded { .. }) {
        let kept = weights.iter().any(|tensor| tensor.name.as_ref().is_some_and(|name| name == "W"));
        let copied = weights.iter().any(|tensor| tensor.name.as_ref().is_some_and(|name| name == "W_folded"));
        assert_eq!((kept, copied), (true, value == "W" && readers > 10_000));
    }
    folded.report.norms[0].outcome.clone()
}

#[test]
fn who_takes_only_the_shape_does_not_count() {
    assert!(matches!(outcome("c", 9_000), Outcome::Folded { .. }));
    assert!(matches!(outcome("W", 9_000), Outcome::Folded { .. }));
}

#[test]
fn a_weight_of_too_many_readers_is_copied() {
    assert!(matches!(outcome("W", 10_001), Outcome::Folded { .. }));
}

#[test]
fn keeps_what_too_many_nodes_read() {
    let outcome = outcome("c", 10_001);
    assert!(matches!(&outcome, Outcome::Kept { refusal } if refusal.code == Code::OtherReader), "{outcome:?}");
}
