//! Converts a model between its binary and its text form: the name of the output decides. The
//! model need not be valid.
//!
//! ```text
//! cargo run --example convert -- model.onnx model.onnxtxt
//! ```

use bn_tool::onnx::Source;
use bn_tool::onnx::text::{PrintOptions, print};
use bn_tool::onnx::wire::{Encoder, Message};
use std::fs::File;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &arguments[..] else { return Err("usage: convert IN OUT".into()) };
    let model = Source::open(Path::new(from))?.decode()?;
    let mut out = File::create(to)?;
    if to.ends_with(".onnxtxt") {
        return Ok(print(&model, &PrintOptions { weights: true }, &mut out)?);
    }
    let mut encoder = Encoder::new(&mut out);
    model.encode_fields(&mut encoder)?;
    encoder.finish()?;
    Ok(())
}
