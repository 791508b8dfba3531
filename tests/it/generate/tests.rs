//! The generated models are what they should be.

use super::recipes;
use crate::reference;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::wire::{Decoder, Encoder, Input, Message};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn every_recipe_evaluates_to_finite_numbers(recipe in recipes()) {
        let case = recipe.build();
        let outputs = reference::evaluate(&case.model, &case.inputs);
        let outputs = outputs.map_err(TestCaseError::fail)?;
        prop_assert!(!outputs["y"].is_empty());
        prop_assert!(outputs["y"].iter().all(|value| value.is_finite()));
        prop_assert_eq!(outputs["y"].shape()[1], recipe.layer.channels());
    }

    #[test]
    fn every_recipe_survives_the_wire(recipe in recipes()) {
        let model = recipe.build().model;
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        model.encode_fields(&mut encoder).expect("memory takes everything");
        encoder.finish().expect("memory takes everything");
        let decoded: ModelProto = Decoder::decode(&Input::Memory(bytes.into())).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(decoded, model);
    }
}
