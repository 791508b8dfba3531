//! Fold, insert, verify and inspect BatchNormalization in ONNX models.
//!
//! In inference mode a BatchNormalization is a map per channel, `y = s ⊙ x + t`
//! ([`affine::Affine`]). [`transform::fold`] lets the linear operator before it absorb
//! the map, or says why not ([`refusal`]); [`verify`] runs both models and compares.
//! [`transform::insert`] puts maps that change nothing in front of activations, and [`initialize`]
//! measures statistics for them.
//!
//! ```
//! use bn_tool::{onnx, transform::fold, verify};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = onnx::load(Path::new("fixtures/digits/digits.onnx"))?;
//! let folded = fold::fold(&model, &fold::FoldOptions::default())?;
//! assert_eq!((folded.report.folded, folded.report.kept), (4, 0));
//!
//! let verification = verify::verify(&model, &folded.model, &Default::default(), &|_, _| {})?;
//! assert!(verification.same);
//! # let folder = tempfile::tempdir()?;
//! # let out = folder.path().join("folded.onnx");
//! # let out = out.as_path();
//! onnx::save(&folded.model, out)?;
//! # Ok(())
//! # }
//! ```
//!
//! Weights stay in their file: a folded model is the old one, a few kilobytes of edits, and one
//! factor per channel; the weights stream through once, when it is saved.

pub mod affine;
pub mod arithmetic;
pub mod batch_norm;
pub mod cli;
pub mod data;
pub mod diff;
pub mod engine;
pub mod graph;
pub mod initialize;
pub mod linear;
pub mod onnx;
pub mod operator;
pub mod passage;
pub mod refusal;
pub mod report;
pub mod stats;
pub mod transform;
pub mod verify;
