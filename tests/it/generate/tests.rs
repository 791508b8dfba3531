//! The generated models are what they should be.

use super::{drawings, recipes};
use crate::reference;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::wire::{Decoder, Encoder, Input, Message};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::path::PathBuf;

fn encode(model: &ModelProto) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    model.encode_fields(&mut encoder).expect("memory takes everything");
    encoder.finish().expect("memory takes everything");
    bytes
}

/// For other tools to look at, such as ONNX's checker (`tests/python/check_generated.py`).
#[test]
#[ignore = "needs a folder to write to in GENERATED"]
fn write_some_recipes() {
    let folder = PathBuf::from(std::env::var("GENERATED").expect("GENERATED names a folder"));
    let mut runner = TestRunner::deterministic();
    let write = |name: String, model: &ModelProto| std::fs::write(folder.join(name), encode(model)).expect("a file");
    for index in 0..1000 {
        let recipe = recipes().new_tree(&mut runner).expect("a recipe").current();
        write(format!("{index}.onnx"), &recipe.build().model);
        let drawing = drawings().new_tree(&mut runner).expect("a drawing").current();
        write(format!("graph_{index}.onnx"), &drawing.build().model);
    }
}

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
        let bytes = encode(&model);
        let decoded: ModelProto = Decoder::decode(&Input::Memory(bytes.into())).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(decoded, model);
    }
}
