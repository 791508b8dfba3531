//! The ONNX file format: schema, tensors, loading and saving. Knows nothing of
//! BatchNormalization.

pub mod access;
mod atomic;
pub mod check;
pub mod element;
mod external;
mod load;
pub mod payload;
mod save;
pub mod schema;
mod tensor;
pub mod text;
pub mod wire;

pub use check::{CheckError, check};
pub use load::{LoadError, load, load_unchecked};
pub use save::{SaveError, check_saves, is_text, save};
pub use tensor::{TensorError, element_count};
