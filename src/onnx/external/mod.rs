//! External data: tensors whose elements are in files beside the model.
//!
//! A tensor with `data_location = EXTERNAL` names a file (`location`, relative to the model's
//! folder), an `offset` and a `length` in bytes. Reading attaches the range ([`resolve`]), so that
//! such a tensor is like any other; writing keeps the layout, streams each data file through
//! and computes only the edited ranges anew ([`layout`], [`write`]).
//!
//! Specification: <https://onnx.ai/onnx/repo-docs/ExternalData.html>.

mod layout;
mod location;
mod name;
mod resolve;
mod storage;
mod tensors;
mod write;

use super::payload::{FileSlice, Payload};
use super::schema::{ModelProto, StringStringEntryProto, TensorProto};
use super::stable_file::StableFile;
use super::wire::{DecodeError, Decoder, EncodeError, Encoder, Field, Rare, WireType};
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use location::LocationError;
pub use resolve::ResolveError;
pub(super) use resolve::resolve;
pub use storage::Storage;
pub(super) use storage::{Gather, Plan, inline, plan};
pub(super) use write::write;
pub use write::{StoredFile, WriteError};

/// The entries of `TensorProto.external_data`, and, once they are resolved, the bytes.
#[derive(Clone, Debug, Default)]
pub struct ExternalData {
    entries: Rare<StringStringEntryProto>,
    /// Boxed: a graph has many tensors, and few are external.
    resolved: Option<Box<Resolved>>,
}

/// Where the bytes of a tensor are, and what they are to be.
#[derive(Clone, Debug)]
struct Resolved {
    file: Arc<DataFile>,
    offset: u64,
    payload: Payload,
    edited: bool,
}

/// An open data file.
#[derive(Debug)]
struct DataFile {
    file: Arc<StableFile>,
    path: PathBuf,
}

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

impl DataFile {
    fn slice(&self, offset: u64, len: u64) -> Payload {
        Payload::File(FileSlice::new(self.file.clone(), offset, len))
    }
}

impl ExternalData {
    /// The elements, if the entries were resolved.
    pub fn payload(&self) -> Option<&Payload> {
        self.resolved.as_ref().map(|resolved| &resolved.payload)
    }

    /// Replaces the elements by as many bytes; false when they are not resolved, or not as many.
    pub(super) fn replace(&mut self, payload: &Payload) -> bool {
        match &mut self.resolved {
            Some(resolved) if resolved.payload.len() == payload.len() => {
                resolved.payload = payload.clone();
                resolved.edited = true;
                true
            }
            _ => false,
        }
    }
}

impl Deref for ExternalData {
    type Target = [StringStringEntryProto];

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl From<Vec<StringStringEntryProto>> for ExternalData {
    fn from(entries: Vec<StringStringEntryProto>) -> Self {
        ExternalData { entries: entries.into(), resolved: None }
    }
}

/// Equal when the entries are, and the elements as far as they are known.
impl PartialEq for ExternalData {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries && self.payload() == other.payload()
    }
}

/// On the wire there are only the entries.
impl Field for ExternalData {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        self.entries.merge(wire, input)
    }

    fn encoded_len(&self, number: u32) -> u64 {
        self.entries.encoded_len(number)
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        self.entries.encode(number, out)
    }
}
