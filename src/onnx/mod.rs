//! The ONNX file format: schema, tensors, loading and saving. Knows nothing of
//! BatchNormalization.

pub mod access;
pub mod element;
mod load;
pub mod payload;
pub mod schema;
mod tensor;
pub mod text;
pub mod wire;

pub use load::{LoadError, load};
pub use tensor::TensorError;
