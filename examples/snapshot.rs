//! A snapshot test of what a transformation does to a model.
//!
//! ```text
//! cargo test --example snapshot
//! ```
//!
//! The snapshot is the difference between the model and the result: one line for each node, weight or
//! input that changed, and nothing that is different from run to run. When a new version of the model,
//! or of the tool, changes something else, the test fails, and `cargo insta review` shows what.
//! Run as a program, it prints the difference.

use bn_tool::diff::{HumanOptions, human};
use bn_tool::{DiffOptions, FoldOptions};
use std::error::Error;
use std::path::Path;

/// What folding changes in a model.
fn difference(path: &Path) -> Result<String, Box<dyn Error>> {
    let model = bn_tool::load(path)?;
    let folded = bn_tool::fold(&model, &FoldOptions::default())?;
    let changes = bn_tool::diff(&model, &folded.model, &DiffOptions::default())?;
    Ok(human(&changes, &HumanOptions::default()))
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", difference(Path::new("fixtures/digits/digits.onnx"))?);
    Ok(())
}

#[test]
fn folding_changes_only_what_it_should() {
    let difference = difference(Path::new("fixtures/digits/digits.onnx")).expect("it folds");
    insta::assert_snapshot!(difference);
}
