//! Properties of inserting, for random graphs.

use super::bits;
use crate::generate::drawings;
use crate::reference::evaluate_as_runtimes;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::{check, check_saves};
use bn_tool::transform::fold::{FoldOptions, fold};
use bn_tool::transform::insert::{InsertOptions, Inserted, Site, insert};
use proptest::prelude::*;
use proptest::test_runner::{TestRng, TestRunner};
use std::cell::Cell;

const SITES: [Site; 4] = [Site::BeforeActivation, Site::AfterAffine, Site::BeforeAffine, Site::Input];

fn inserted(model: &ModelProto, site: Site, transpose: bool) -> Inserted {
    insert(model, &InsertOptions::default().site(site).transpose(transpose)).expect("every drawing is a valid model")
}

fn folded(model: &ModelProto) -> ModelProto {
    fold(model, &FoldOptions::default()).expect("every drawing can be folded").model
}

/// What is inserted in random graphs changes no bit, and a second run inserts nothing.
#[test]
fn what_is_inserted_changes_no_bit() {
    let total = Cell::new(0);
    let each = |model: &ModelProto, inputs: &_, site, transpose| {
        let result = inserted(model, site, transpose);
        total.set(total.get() + result.report.inserted);
        check(&result.model).map_err(|error| TestCaseError::fail(format!("the result is not valid: {error}")))?;
        let expected = evaluate_as_runtimes(model, inputs).map_err(TestCaseError::fail)?;
        let found = evaluate_as_runtimes(&result.model, inputs).map_err(TestCaseError::fail)?;
        prop_assert_eq!(bits(&expected), bits(&found), "{:?} changes values", site);
        prop_assert_eq!(inserted(&result.model, site, transpose).report.inserted, 0, "a second run inserts more");
        Ok(())
    };
    run(&each);
    assert!(total.get() > 200, "only {} were inserted", total.get());
}

/// Where folding changes nothing, folding what was inserted gives the original back.
#[test]
fn what_is_inserted_behind_layers_folds_away() {
    let total = Cell::new(0);
    let each = |model: &ModelProto, _: &_, site, _| {
        let plain = folded(model);
        // What overflows is not for here.
        if matches!(site, Site::BeforeActivation | Site::AfterAffine) && check_saves(&plain).is_ok() {
            let plain = folded(&plain);
            let result = inserted(&plain, site, false);
            total.set(total.get() + result.report.inserted);
            prop_assert_eq!(folded(&result.model), plain);
        }
        Ok(())
    };
    run(&each);
    assert!(total.get() > 100, "only {} were inserted", total.get());
}

type Inputs = std::collections::BTreeMap<String, ndarray::ArrayD<f64>>;

/// What has to hold of a graph, at a site, with `--transpose` or without.
type Each<'a> = dyn Fn(&ModelProto, &Inputs, Site, bool) -> Result<(), TestCaseError> + 'a;

/// Always the same graphs; all sites in turn.
fn run(each: &Each) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) };
    let random = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, random);
    let result = runner.run(&(drawings(), prop::sample::select(SITES.to_vec()), any::<bool>()), |drawn| {
        let (drawing, site, transpose) = drawn;
        let case = drawing.build();
        each(&case.model, &case.inputs, site, transpose)
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
