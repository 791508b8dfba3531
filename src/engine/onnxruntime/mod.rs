//! onnxruntime as a second engine: the only place that knows the crate `ort`.
//!
//! Its shared library is loaded when it is asked for (`library.rs`), and from then on for as long as the
//! process lives. It gets the model as bytes (`model.rs`), or, if it is large, as files, and runs it as it is
//! written (`session.rs`): without its optimiser, one operator after the other. `tensor.rs` carries values
//! there and back.
//!
//! Without the cargo feature `onnxruntime` the same names stand for types without values (`absent.rs`), so
//! that nobody else has to know of the feature.

#[cfg(not(feature = "onnxruntime"))]
mod absent;
mod error;
#[cfg(feature = "onnxruntime")]
mod library;
#[cfg(feature = "onnxruntime")]
mod model;
#[cfg(feature = "onnxruntime")]
mod session;
#[cfg(feature = "onnxruntime")]
mod tensor;

#[cfg(not(feature = "onnxruntime"))]
pub use absent::{Network, OnnxRuntime};
pub use error::LibraryError;
#[cfg(feature = "onnxruntime")]
pub use {library::OnnxRuntime, session::Network};

/// Whether this program was built with the cargo feature `onnxruntime`.
pub const BUILT_IN: bool = cfg!(feature = "onnxruntime");
