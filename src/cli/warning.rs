//! What a user should know before a file is written.

use super::error::Failure;
use super::one_line;
use super::stderr::stderr;
use crate::onnx::Source;
use crate::onnx::schema::ModelProto;
use crate::onnx::text::{Loss, losses};
use std::io::Write;

/// Says one thing on standard error, also when nothing but errors is wanted.
pub fn warn(message: &str) {
    let style = anstyle::AnsiColor::Yellow.on_default().bold();
    // There is nothing to do about it when standard error is closed.
    let _ = stderr().and_then(|mut out| writeln!(out, "{style}warning{style:#}: {}", one_line(message)));
}

/// Says so if the model will be written in another way than it came, apart from what is edited.
pub fn warn_if_rewritten(source: &Source, model: &ModelProto) -> Result<(), Failure> {
    if let Some(offset) = source.first_difference(model)? {
        warn(&format!(
            "{} is not laid out as protobuf writers do it (from byte {offset} on: fields out of order or given \
             twice, or numbers longer than need be); the result has the same content in the usual layout",
            source.name()
        ));
    }
    Ok(())
}

/// Says how many BatchNormalizations no longer do what they did.
pub fn warn_of_frozen(count: usize) {
    match count {
        0 => {}
        1 => warn("1 BatchNormalization was frozen: its outputs are no longer those of training mode"),
        _ => warn(&format!(
            "{count} BatchNormalizations were frozen: their outputs are no longer those of training mode"
        )),
    }
}

/// Says in one line what a text of the model leaves out.
pub fn warn_of_losses(model: &ModelProto) {
    let losses: Vec<String> = losses(model).iter().map(Loss::to_string).collect();
    if !losses.is_empty() {
        warn(&format!("the text leaves out {}", losses.join(", ")));
    }
}
