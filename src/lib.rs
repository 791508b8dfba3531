//! Fold, verify and inspect BatchNormalization in ONNX models.

pub mod onnx;
