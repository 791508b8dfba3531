//! Every graph of `fixtures/merge`: how many merges there are, that the values stay, and what
//! the result looks like.

use super::{fold_and_merge, merge};
use crate::fixtures::{expectation, inputs};
use crate::reference;
use crate::same::compare;
use bn_tool::diff::{DiffOptions, HumanOptions, diff, human};
use bn_tool::onnx::load;
use bn_tool::onnx::schema::ModelProto;

use bn_tool::transform::merge::MergeReport;

#[test]
fn merge_fixtures() {
    insta::glob!("../../../fixtures/merge", "*.onnxtxt", |path| {
        let model = load(path).expect("it loads");
        let (merged, report) = fold_and_merge(&model);
        assert_eq!(report.merges.len().to_string(), expectation(path)[0], "{}: {report:?}", path.display());
        for truth in [0.0, 1.0] {
            let inputs = inputs(&model, truth);
            if reference::evaluate(&model, &inputs).is_err() && merged == model {
                continue;
            }
            let same = compare(&model, &merged, &inputs);
            same.unwrap_or_else(|difference| panic!("{}: {difference}", path.display()));
        }
        let (again, second) = merge(merged.clone());
        assert!(second.merges.is_empty() && again == merged, "{}: {second:?}", path.display());
        insta::assert_snapshot!(snapshot(&report, &model, &merged));
    });
}

/// What was merged and what was not, and what changed in the graph.
fn snapshot(report: &MergeReport, model: &ModelProto, merged: &ModelProto) -> String {
    let mut text = String::new();
    for merge in &report.merges {
        text += &format!("{} into {} {}\n", merge.branches.join(", "), merge.operator, merge.into);
    }
    for kept in &report.kept {
        text += &format!("{} stays in {}: {}\n", kept.branch, kept.sum, kept.reason);
    }
    let changes = diff(model, merged, &DiffOptions::default()).expect("all tensors can be read");
    text + "\n" + &human(&changes, &HumanOptions::default())
}
