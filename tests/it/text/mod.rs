//! The textual syntax, from outside.

mod arbitrary;
mod errors;
mod examples;
mod losses;
mod properties;

use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::text::{PrintOptions, print};

/// A model as text.
fn text(model: &ModelProto, weights: bool) -> Vec<u8> {
    let mut out = Vec::new();
    print(model, &PrintOptions { weights }, &mut out).expect("the model can be printed");
    out
}
