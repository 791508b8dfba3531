//! Properties of folding, for random graphs.
//!
//! ```text
//! BN_TOOL_CASES=1000000 cargo test --test it random_graphs -- --nocapture
//! ```
//!
//! runs that many instead of a few hundred, and says in the end what was folded and kept.

use crate::folding;
use crate::generate::drawings;
use crate::reference;
use crate::same::compare;
use bn_tool::onnx;
use bn_tool::onnx::schema::{ModelProto, ValueInfoProto};
use bn_tool::transform::fold::{FoldReport, Folded, Outcome};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Folds, without what would overflow.
fn fold(model: &ModelProto) -> Result<Folded, TestCaseError> {
    folding::fold(model, || ()).map_err(|error| TestCaseError::fail(format!("it does not fold: {error}")))
}

/// How often what became of a node.
#[derive(Default)]
struct Tally {
    cases: usize,
    decisions: BTreeMap<String, usize>,
}

impl Tally {
    fn add(&mut self, report: &FoldReport) {
        self.cases += 1;
        for norm in &report.norms {
            let decision = match &norm.outcome {
                Outcome::Folded { operator, .. } => {
                    let producer = norm.producer.as_deref().unwrap_or("an input");
                    let behind = producer.split(' ').next().unwrap_or_default();
                    format!("folded into {operator}, behind {behind}")
                }
                Outcome::Kept { refusal } => format!("kept, {}", refusal.code),
            };
            *self.decisions.entry(decision).or_default() += 1;
        }
    }
}

#[test]
fn random_graphs() {
    let cases = std::env::var("BN_TOOL_CASES").ok().map(|cases| cases.parse().expect("BN_TOOL_CASES is a number"));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(256)) };
    let tally = RefCell::new(Tally::default());
    // Always the same graphs, unless more of them are asked for.
    let fixed = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = match cases {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, fixed),
    };
    let result = runner.run(&drawings(), |drawing| {
        let case = drawing.build();
        holds(&case.model, &case.inputs, &tally)
    });
    let tally = tally.into_inner();
    if cases.is_some() {
        println!("{} graphs: {:#?}", tally.cases, tally.decisions);
    }
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// A BatchNormalization that is left out is a difference, unless nothing depends on it: the bounds
/// are not so wide that everything fits.
#[test]
fn what_is_left_out_is_seen() {
    let mut runner = TestRunner::deterministic();
    let (mut tried, mut seen) = (0, 0);
    for _ in 0..300 {
        let case = drawings().new_tree(&mut runner).expect("a drawing").current().build();
        let mut wrong = case.model.clone();
        let nodes = &mut wrong.graph.as_mut().expect("there is a graph").node;
        let Some(norm) = nodes.iter_mut().find(|node| node.standard_op() == "BatchNormalization") else { continue };
        (norm.op_type, norm.attribute) = (Some("Identity".into()), Default::default());
        norm.input.truncate(1);
        tried += 1;
        seen += usize::from(compare(&case.model, &wrong, &case.inputs).is_err());
    }
    assert!(seen * 100 >= tried * 90, "{seen} of {tried}");
}

/// All that must be true of a graph and what it is folded to.
fn holds(
    model: &ModelProto,
    inputs: &BTreeMap<String, ndarray::ArrayD<f64>>,
    tally: &RefCell<Tally>,
) -> Result<(), TestCaseError> {
    let fail = |text: String| TestCaseError::fail(text);
    onnx::check(model).map_err(|error| fail(format!("the original is not valid: {error}")))?;
    reference::evaluate(model, inputs).map_err(|error| fail(format!("the original cannot be evaluated: {error}")))?;
    let folded = fold(model)?;
    tally.borrow_mut().add(&folded.report);
    onnx::check(&folded.model).map_err(|error| fail(format!("the result is not valid: {error}")))?;
    prop_assert_eq!(names(&folded.model), names(model));
    compare(model, &folded.model, inputs).map_err(fail)?;
    prop_assert_eq!(&fold(&folded.model)?.model, &folded.model, "a second fold folds more");
    Ok(())
}

/// The names that callers of a model use.
fn names(model: &ModelProto) -> [Vec<String>; 2] {
    let graph = model.graph.as_ref().expect("there is a graph");
    let of = |list: &[ValueInfoProto]| list.iter().map(|value| format!("{:?}", value.name)).collect::<Vec<_>>();
    [of(&graph.input), of(&graph.output)]
}
