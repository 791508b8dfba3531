//! Fold, verify and inspect BatchNormalization in ONNX models.

pub mod engine;
pub mod onnx;
pub mod verify;
