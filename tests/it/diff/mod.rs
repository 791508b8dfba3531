//! What differs between two models: pairs of fixtures, random edits of random graphs, and the
//! command.

mod command;
mod edits;
mod hidden;
mod pairs;
mod properties;

use bn_tool::diff::{DiffOptions, ModelDiff};
use bn_tool::onnx::schema::ModelProto;

/// The difference, without context.
fn diff(a: &ModelProto, b: &ModelProto) -> ModelDiff {
    bn_tool::diff::diff(a, b, &DiffOptions::default()).expect("the tensors can be read")
}
