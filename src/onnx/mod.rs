//! The ONNX file format: schema, tensors, loading and saving. Knows nothing of
//! BatchNormalization.

pub mod access;
mod atomic;
pub mod element;
mod external;
mod load;
pub mod payload;
mod save;
pub mod schema;
mod temporary;
mod tensor;
pub mod text;
pub mod wire;

pub use load::{LoadError, load};
pub use save::{SaveError, check_saves, save};
pub use temporary::remove_temporary_files;
pub use tensor::{TensorError, element_count};
