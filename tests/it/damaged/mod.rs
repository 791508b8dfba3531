//! Damaged models: what must hold for it ([`properties`]), and how it is made from models
//! ([`binary`] and [`text`] apply [`edit::Edit`]s). The fuzz targets in `fuzz/` include this
//! module; the tests are those properties on stable Rust, and on whatever fuzzing found.

pub mod binary;
pub mod edit;
pub mod properties;
mod run;
#[cfg(test)]
mod tests;
pub mod text;
