//! Random models of one linear operator and one BatchNormalization, all of which can be
//! folded, with input data; and random graphs, in `graph`.
//!
//! A recipe is what proptest draws and shrinks; the model is built from it, always the same
//! one.

pub mod attribute;
mod batch_norm;
mod builder;
mod graph;
mod layer;
mod numbers;
mod recipe;
mod tests;
mod window;

pub use builder::Builder;
pub use graph::drawings;
pub use numbers::{Numbers, Storage};
pub use recipe::recipes;

use bn_tool::onnx::schema::ModelProto;
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// A model that can be folded, and something to feed it.
pub struct Case {
    pub model: ModelProto,
    pub inputs: BTreeMap<String, ArrayD<f64>>,
}
