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

use super::external_data::Resolved;
use super::schema::{ModelProto, TensorProto};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use location::LocationError;
pub use resolve::ResolveError;
pub(super) use resolve::resolve;
pub use storage::Storage;
pub(super) use storage::{Gather, Plan, inline, plan};
pub(super) use write::{Pending, write};
pub use write::{StoredFile, WriteError};

/// Whether any tensor is in another file.
pub(super) fn any_external(model: &ModelProto) -> bool {
    tensors::any(model, &TensorProto::is_external)
}

/// The data files that a model was read from, by device and inode.
pub(super) fn data_files(model: &ModelProto) -> BTreeMap<(u64, u64), PathBuf> {
    let files = RefCell::new(BTreeMap::new());
    tensors::any(model, &|tensor| {
        if let Some(Resolved { file, .. }) = tensor.external_data.resolved.as_deref() {
            files.borrow_mut().entry(file.file.id()).or_insert_with(|| file.path.clone());
        }
        false
    });
    files.into_inner()
}
