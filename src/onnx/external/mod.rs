//! External data: tensors whose elements are in files beside the model.
//!
//! A tensor with `data_location = EXTERNAL` names a file (`location`, relative to the model's
//! folder), an `offset` and a `length` in bytes. Reading attaches the range (`resolve`), so that
//! such a tensor is like any other; writing keeps the layout, streams each data file through
//! and computes only the edited ranges anew (`layout`, `write`).
//!
//! Specification: <https://onnx.ai/onnx/repo-docs/ExternalData.html>.

mod layout;
mod location;
mod name;
mod resolve;
mod storage;
mod tensors;
mod write;

use super::schema::{ModelProto, TensorProto};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub use location::LocationError;
pub use resolve::ResolveError;
pub(super) use resolve::resolve;
pub use storage::Storage;
pub(super) use storage::{Gather, Plan, inline, plan};
pub(super) use write::write;
pub use write::{StoredFile, WriteError};

/// Whether any tensor is in another file.
pub(super) fn any_external(model: &ModelProto) -> bool {
    tensors::any(model, &TensorProto::is_external)
}

/// Whether any tensor is in this very file, by whatever name.
pub(super) fn is_data_of(model: &ModelProto, path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    let id = (metadata.dev(), metadata.ino());
    tensors::any(model, &|tensor| {
        tensor.external_data.resolved.as_ref().is_some_and(|resolved| resolved.file.file.id() == id)
    })
}
