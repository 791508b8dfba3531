//! Damaged models: what must hold for them ([`properties`], [`external`]), and how they are made
//! ([`edited`]). The fuzz targets in `fuzz/` include this module; the tests are those properties
//! on stable Rust, and on whatever fuzzing found.

mod binary;
pub mod edit;
pub mod external;
pub mod properties;
mod run;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tests;
mod text;

use bn_tool::onnx::text::looks_like_text;

/// A model after `edits`, token by token or field by field, with material from a `donor`.
pub fn edited(model: &[u8], donor: &[u8], edits: &[edit::Edit]) -> Vec<u8> {
    let is_text = looks_like_text(&model[..model.len().min(256)]);
    if is_text { text::edited(model, donor, edits) } else { binary::edited(model, donor, edits) }
}
