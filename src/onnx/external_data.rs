//! What a tensor knows of its elements in another file. Finding and writing them is the work of
//! `external`.

use super::payload::{FileSlice, Payload};
use super::stable_file::StableFile;
use super::wire::{DecodeError, Decoder, EncodeError, Encoder, Field, Rare, Value, WireType};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

/// The entries of `TensorProto.external_data`, of the type `E`, and, once they are resolved, the
/// bytes.
#[derive(Clone, Debug, Default)]
pub struct ExternalData<E> {
    pub(super) entries: Rare<E>,
    /// Boxed: a graph has many tensors, and few are external.
    pub(super) resolved: Option<Box<Resolved>>,
}

/// Where the bytes of a tensor are, and what they are to be.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub file: Arc<DataFile>,
    pub offset: u64,
    pub payload: Payload,
    pub edited: bool,
}

/// An open data file.
#[derive(Debug)]
pub(super) struct DataFile {
    pub file: Arc<StableFile>,
    pub path: PathBuf,
}

impl DataFile {
    /// A range of it.
    pub fn slice(&self, offset: u64, len: u64) -> Payload {
        Payload::File(FileSlice::new(self.file.clone(), offset, len))
    }
}

impl<E> ExternalData<E> {
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

impl<E> Deref for ExternalData<E> {
    type Target = [E];

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl<E> From<Vec<E>> for ExternalData<E> {
    fn from(entries: Vec<E>) -> Self {
        ExternalData { entries: entries.into(), resolved: None }
    }
}

/// Equal when the entries are, and the elements as far as they are known.
impl<E: PartialEq> PartialEq for ExternalData<E> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries && self.payload() == other.payload()
    }
}

/// On the wire there are only the entries.
impl<E: Value> Field for ExternalData<E> {
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
