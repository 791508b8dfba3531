//! Fold, verify and inspect BatchNormalization in ONNX models.

pub mod affine;
pub mod batch_norm;
pub mod cli;
pub mod engine;
pub mod graph;
pub mod linear;
pub mod onnx;
pub mod refusal;
pub mod report;
pub mod transform;
pub mod verify;
