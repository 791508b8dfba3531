//! What proptest draws, and the model that it stands for.

use super::Case;
use super::batch_norm::BatchNorm;
use super::builder::Builder;
use super::layer::{Layer, Site, layers};
use super::numbers::{Numbers, Storage, storages};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::AttributeProto;
use ndarray::{ArrayD, IxDyn};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A model `x → linear operator → (Identity | Dropout)* → BatchNormalization → y`.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub layer: Layer,
    pub element: FloatType,
    /// A wish; raised to the first operator set that takes the element type.
    pub opset: i64,
    pub between: Vec<Between>,
    pub batch_norm: BatchNorm,
    /// Of the weight and of the bias.
    pub storage: [Storage; 2],
    /// IR version 3, where every initializer is an input, too.
    pub listed: bool,
    pub seed: u64,
}

/// What passes the channels through.
#[derive(Clone, Copy, Debug)]
pub enum Between {
    Identity,
    Dropout,
}

impl Recipe {
    /// The operator set of the model.
    pub fn opset(&self) -> i64 {
        let first = match (self.element, self.layer.is_convolution()) {
            (FloatType::Bf16, true) => 22,
            (FloatType::Bf16, false) => 14,
            _ => 1,
        };
        self.opset.max(first)
    }

    pub fn build(&self) -> Case {
        let mut builder = Builder::new(self.opset());
        let mut numbers = Numbers(self.seed);
        let shape = self.layer.input();
        let x = numbers.uniform(shape.iter().product(), -1.0, 1.0, self.element);
        let x = ArrayD::from_shape_vec(IxDyn(&shape), x).expect("as many as the shape says");
        builder.input("x", self.element, &shape);
        let (element, storage) = (self.element, self.storage);
        self.layer.build(&mut Site { builder: &mut builder, numbers: &mut numbers, element, storage });
        let last = self.between(&mut builder);
        self.batch_norm.build(&mut builder, &mut numbers, &last, self.layer.channels(), self.element);
        let model = builder.model("y", self.element, shape.len(), if self.listed { 3 } else { 8 });
        Case { model, inputs: BTreeMap::from([("x".to_owned(), x)]) }
    }

    fn between(&self, builder: &mut Builder) -> String {
        let mut last = "l".to_owned();
        for (index, between) in self.between.iter().enumerate() {
            let (op, attributes) = match between {
                Between::Identity => ("Identity", Vec::new()),
                Between::Dropout if builder.opset < 7 => ("Dropout", vec![AttributeProto::int("is_test", 1)]),
                Between::Dropout => ("Dropout", Vec::new()),
            };
            let output = format!("between_{index}");
            builder.node(op, &[&last], &output, attributes);
            last = output;
        }
        last
    }
}

/// Recipes of models that can be folded.
pub fn recipes() -> impl Strategy<Value = Recipe> {
    let floats = || prop::sample::select(vec![FloatType::F32, FloatType::F16, FloatType::Bf16, FloatType::F64]);
    let opset = prop::sample::select(vec![1, 6, 7, 9, 14, 15, 17, 21, 22]);
    let between = vec(prop_oneof![Just(Between::Identity), Just(Between::Dropout)], 0..=2);
    let epsilon = prop::option::of(prop::sample::select(vec![0.0f32, 1e-8, 1e-3, 0.1]));
    let batch_norm = (epsilon, any::<bool>(), [floats(), floats()], prop::array::uniform4(storages()))
        .prop_map(|(epsilon, explicit, types, storage)| BatchNorm { epsilon, explicit, types, storage });
    let storage = [storages(), storages()];
    let recipe = (layers(), floats(), opset, between, batch_norm, storage, prop::bool::weighted(0.1), any::<u64>());
    recipe.prop_map(|(layer, element, opset, between, batch_norm, storage, listed, seed)| Recipe {
        layer,
        element,
        opset,
        between,
        batch_norm,
        storage,
        listed,
        seed,
    })
}
