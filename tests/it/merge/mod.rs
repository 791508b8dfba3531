//! Parallel branches become one operator, and the model computes what it did.

mod fixtures;
mod products;
mod properties;

use bn_tool::graph::Graph;
use bn_tool::onnx::check;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::text::parse;
use bn_tool::transform::fold::{FoldOptions, fold};
use bn_tool::transform::merge::{MergeReport, merge_branches};

/// Folds, then merges: what `fold --merge-branches` does.
fn fold_and_merge(model: &ModelProto) -> (ModelProto, MergeReport) {
    merge(fold(model, &FoldOptions::default()).expect("the model is valid").model)
}

fn merge(model: ModelProto) -> (ModelProto, MergeReport) {
    let mut graph = Graph::new(model).expect("the model is valid");
    let report = merge_branches(&mut graph);
    let merged = graph.into_model();
    check(&merged).expect("the result is valid");
    (merged, report)
}

#[test]
fn a_folded_weight_is_merged_before_it_is_rounded() {
    let model = parse(
        "<ir_version: 8, opset_import: [\"\" : 17]>
        g (float[1,1,2] x) => (float[1,1,2] y)
        <float[1,1,1] V = {3}, float[1,1,1] W = {-1}, float[1] a = {0.1}, float[1] b = {0.3}, float[1] zero = {0}, float[1] one = {1}> {
            c = Conv (x, V)
            d = BatchNormalization <epsilon = 0.0> (c, a, zero, zero, one)
            e = Conv (x, W)
            f = BatchNormalization <epsilon = 0.0> (e, b, zero, zero, one)
            y = Add (d, f)
        }",
    );
    let (merged, report) = fold_and_merge(&model.expect("it parses"));
    assert_eq!(report.merges.len(), 1);
    let weight = &merged.graph.expect("there is a graph").initializer[0];
    // Rounded first, both were 0.3.
    let exact = 3.0 * f64::from(0.1f32) - f64::from(0.3f32);
    assert!(exact != 0.0);
    assert_eq!(weight.float_values().expect("it is in memory"), [exact]);
}

#[test]
fn of_very_many_branches_only_the_first_are_merged() {
    let names: Vec<String> = (0..20_000).map(|index| format!("c{index}")).collect();
    let convs: String = names.iter().map(|name| format!("{name} = Conv (x, W, b)\n")).collect();
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]>
        g (float[1,1,2] x) => (float[1,1,2] y) <float[1,1,1] W = {{3}}, float[1] b = {{1}}> {{ {convs} y = Sum ({}) }}",
        names.join(", ")
    );
    let (merged, report) = merge(parse(text).expect("it parses"));
    assert_eq!(report.merges.len(), 1);
    // All pairs would be too many: it is only the first hundred that are looked at.
    assert_eq!(merged.graph.expect("there is a graph").node.len(), 20_001 - 99);
}

#[test]
fn a_long_chain_of_sums_is_one_sum() {
    let chain: String = (1..20_000).map(|index| format!("s{index} = Add (s{}, z)\n", index - 1)).collect();
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]>
        g (float[1,1,2] x, float[1,1,2] z) => (float[1,1,2] y) <float[1,1,1] W = {{3}}, float[1,1,1] V = {{2}}> {{
            s0 = Conv (x, W)
            {chain}
            c = Conv (x, V)
            y = Sub (s19999, c)
        }}"
    );
    let (merged, report) = merge(parse(text).expect("it parses"));
    assert_eq!(report.merges.len(), 1);
    assert_eq!(merged.graph.expect("there is a graph").node.len(), 20_000);
}
