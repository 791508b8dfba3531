//! Running models: the one place that knows tract and onnxruntime.
//!
//! `runtime.rs` is the choice between the two; all else but `onnxruntime/` is about tract, which also runs
//! models in f64, measures what comes into BatchNormalizations, and stops between nodes. For it a model is converted to tract's schema, checked for what tract would crash on or silently
//! run wrong, and compiled for concrete input shapes. BatchNormalization is an operator of
//! our own that tract cannot fuse with its neighbours: the original of a fold must be run as
//! it is written, not as tract would have folded it.

mod array;
mod batch_norm;
mod branch;
mod check;
mod constant;
mod conv;
mod convert;
mod densify;
mod error;
mod gemm;
mod guard;
mod kernel;
mod matmul;
mod onnxruntime;
mod pointwise;
mod product;
mod recurrent;
mod replace;
mod resize;
mod runtime;
mod session;
mod spill;
mod stages;
pub mod tap;
#[cfg(test)]
pub(crate) mod testing;
mod widen;

pub use array::Array;
pub use check::unsupported_operators;
pub use convert::required_inputs;
pub use error::{EngineError, UnsupportedOperator};
pub(crate) use guard::guarded;
pub use onnxruntime::{BUILT_IN as HAS_ONNXRUNTIME, LibraryError, Network, OnnxRuntime};
pub use runtime::{Compiled, Runner, Runtime};
pub use session::{Session, Worker};
pub use spill::{SpillFile, Spilled};
pub use stages::{Paused, Stages};
pub use widen::lowest_float;
