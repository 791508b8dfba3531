//! The ONNX file format: schema, tensors, loading and saving. Knows nothing of
//! BatchNormalization.

pub mod access;
mod atomic;
pub mod check;
pub mod element;
pub mod external;
pub mod external_data;
mod load;
mod open_files;
pub mod payload;
mod save;
pub mod schema;
pub mod stable_file;
mod temporary;
mod tensor;
pub mod text;
pub mod wire;

pub(crate) use atomic::AtomicFile;
pub use check::{CheckError, check};
pub use load::{LoadError, Source, load};
pub use save::{SaveError, SaveOptions, Saved, check_saves, is_text, save, save_with, to_bytes};
pub use temporary::remove_temporary_files;
pub use tensor::{TensorError, element_count};
