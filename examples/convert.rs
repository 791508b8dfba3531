//! Converts a model between its binary and its text form: the name of the output decides.
//!
//! ```text
//! cargo run --example convert -- model.onnx model.onnxtxt
//! ```

use bn_tool::onnx::{load, save};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &arguments[..] else { return Err("usage: convert IN OUT".into()) };
    save(&load(Path::new(from))?, Path::new(to))?;
    Ok(())
}
