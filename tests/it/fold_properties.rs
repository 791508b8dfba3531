//! Properties of folding, for random models that can be folded.

use crate::generate::recipes;
use crate::same::{assert_same, batch_norms};
use bn_tool::onnx::schema::ModelProto;
use bn_tool::transform::fold::FoldOptions;
use proptest::prelude::*;

/// The function under test. This is the only place that calls it.
fn fold(model: &ModelProto) -> ModelProto {
    bn_tool::transform::fold::fold(model, &FoldOptions::default()).expect("every generated model can be folded").model
}

/// The names that callers of a model use.
fn interface(model: &ModelProto) -> Vec<String> {
    let graph = model.graph.as_ref().expect("there is a graph");
    let constants: Vec<_> = graph.initializer.iter().map(|tensor| &tensor.name).collect();
    let inputs = graph.input.iter().map(|input| &input.name).filter(|name| !constants.contains(name));
    inputs.chain(graph.output.iter().map(|output| &output.name)).map(|name| format!("{name:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn folding_changes_no_more_than_one_rounding(recipe in recipes()) {
        let case = recipe.build();
        assert_same(&case.model, &fold(&case.model), &case.inputs);
    }

    #[test]
    fn folding_leaves_no_batch_norm(recipe in recipes()) {
        let folded = fold(&recipe.build().model);
        prop_assert_eq!(batch_norms(folded.graph.as_ref().expect("there is a graph")), 0);
    }

    #[test]
    fn folding_twice_is_folding_once(recipe in recipes()) {
        let once = fold(&recipe.build().model);
        prop_assert_eq!(&fold(&once), &once);
    }

    #[test]
    fn inputs_and_outputs_keep_their_names(recipe in recipes()) {
        let model = recipe.build().model;
        prop_assert_eq!(interface(&fold(&model)), interface(&model));
    }

    /// At IR version 3 every initializer is listed as an input.
    #[test]
    fn the_listing_of_initializers_stays_complete(recipe in recipes()) {
        let folded = fold(&recipe.build().model);
        if folded.ir_version == Some(3) {
            let graph = folded.graph.expect("there is a graph");
            let listed = |name| graph.input.iter().any(|input| input.name == name);
            prop_assert!(graph.initializer.iter().all(|tensor| listed(tensor.name.clone())));
        }
    }
}
