//! Insert, strip, recalibrate, fold, verify and compare BatchNormalization in ONNX models.
//!
//! In inference mode a BatchNormalization is a map per channel, `y = s ⊙ x + t`
//! ([`affine::Affine`]). All that is done to it follows from that:
//!
//! | | |
//! |---|---|
//! | [`load`], [`save`] | models, binary or as text, weights inside or in data files |
//! | [`fold`](fn@fold) | neighbouring linear operators absorb the map |
//! | [`insert`] | a map that changes nothing, between a layer and its activation |
//! | [`strip_bias`] | the bias before a BatchNormalization moves into its mean |
//! | [`recalibrate`](fn@recalibrate) | running means and variances, estimated anew on [`data`] |
//! | [`verify`](fn@verify) | runs two models and compares their outputs, in float64 too |
//! | [`diff`](fn@diff) | what changed in the graph, as a value, a text or a table |
//!
//! Transformations give a new model and a report: what was done, or why not ([`refusal`]). Reports
//! serialise to JSON.
//!
//! ```
//! use bn_tool::{DiffOptions, FoldOptions, VerifyOptions};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = bn_tool::load(Path::new("fixtures/digits/digits.onnx"))?;
//! let folded = bn_tool::fold(&model, &FoldOptions::default())?;
//! assert_eq!((folded.report.folded, folded.report.kept), (4, 0));
//!
//! let verification = bn_tool::verify(&model, &folded.model, &VerifyOptions::default(), &|_, _| {})?;
//! assert!(verification.same);
//!
//! let changes = bn_tool::diff(&model, &folded.model, &DiffOptions::default())?;
//! assert_eq!((changes.summary.nodes.before, changes.summary.nodes.after), (16, 12));
//! # let folder = tempfile::tempdir()?;
//! # let out = folder.path().join("folded.onnx");
//! # let out = out.as_path();
//! bn_tool::save(&folded.model, out)?;
//! # Ok(())
//! # }
//! ```
//!
//! Insertion and folding are inverse to each other:
//!
//! ```
//! use bn_tool::{FoldOptions, InsertOptions, StripOptions};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = bn_tool::load(Path::new("fixtures/digits/digits.onnx"))?;
//! let plain = bn_tool::fold(&model, &FoldOptions::default())?.model;
//!
//! let with_norms = bn_tool::insert(&plain, &InsertOptions::default())?;
//! assert_eq!(with_norms.report.inserted, 4);
//! assert_eq!(bn_tool::fold(&with_norms.model, &FoldOptions::default())?.model, plain);
//!
//! let without_biases = bn_tool::strip_bias(&with_norms.model, &StripOptions::default())?;
//! assert_eq!(without_biases.report.stripped, 4);
//! # Ok(())
//! # }
//! ```
//!
//! Where what comes in is not what came in when a model was trained:
//!
//! ```
//! use bn_tool::RecalibrateOptions;
//! use bn_tool::data::{self, DataOptions, DataSource};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = bn_tool::load(Path::new("fixtures/digits/digits.onnx"))?;
//! let data = data::open(&model, &DataOptions::new(vec![DataSource::parse("fixtures/digits/x.npy")]))?;
//!
//! // A gigabyte for activations that wait; nobody is told of the progress.
//! let options = RecalibrateOptions::new(1 << 30);
//! let recalibrated = bn_tool::recalibrate(&model, &*data, &options, &|_, _, _| {})?;
//! assert_eq!(recalibrated.report.recalibrated, 4);
//! assert!(recalibrated.report.residual.is_some_and(|residual| residual < 1e-5));
//! # Ok(())
//! # }
//! ```
//!
//! Weights stay in their file: a folded model is the old one, a few kilobytes of edits, and one
//! factor per channel; the weights stream through once, when it is saved.
//! `examples/snapshot.rs` shows how to hold what a transformation does to your models in a snapshot
//! test.

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
pub mod parallel;
pub mod passage;
pub mod recalibrate;
pub mod refusal;
pub mod report;
pub mod stats;
pub mod transform;
pub mod verify;

pub use diff::{DiffOptions, diff};
pub use onnx::{load, save};
pub use recalibrate::{RecalibrateOptions, recalibrate};
pub use transform::fold::{FoldOptions, fold};
pub use transform::insert::{InsertOptions, insert};
pub use transform::strip_bias::{StripOptions, strip_bias};
pub use verify::{EngineChoice, VerifyOptions, verify};
