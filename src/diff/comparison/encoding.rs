//! Are two messages written the same way? They are encoded into a hash, block by block.

use crate::onnx::TensorError;
use crate::onnx::payload::PayloadError;
use crate::onnx::wire::{EncodeError, Encoder, Message};
use std::io::{self, Write};
use xxhash_rust::xxh3::Xxh3;

/// Whether two messages have the same bytes on the wire.
///
/// # Errors
/// When a payload cannot be read.
pub fn same_encoding<M: Message>(a: &M, b: &M) -> Result<bool, TensorError> {
    Ok(a.fields_len() == b.fields_len() && encoding(a)? == encoding(b)?)
}

/// Whether two lists of messages are; what cannot be read is not the same.
pub fn same_encodings<M: Message>(a: &[M], b: &[M]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_encoding(a, b).unwrap_or(false))
}

fn encoding<M: Message>(message: &M) -> Result<u128, TensorError> {
    let mut hash = Hash(Xxh3::new());
    let mut encoder = Encoder::new(&mut hash);
    let encoded = message.encode_fields(&mut encoder).and_then(|()| encoder.finish());
    encoded.map_err(|error| match error {
        EncodeError::Payload(error) => error,
        EncodeError::Write(error) => PayloadError::Io(error),
    })?;
    Ok(hash.0.digest128())
}

struct Hash(Xxh3);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
