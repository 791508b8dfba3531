//! Parallel branches become one operator, and the model computes what it did.

mod fixtures;
mod properties;

use bn_tool::graph::Graph;
use bn_tool::onnx::check;
use bn_tool::onnx::schema::ModelProto;
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
