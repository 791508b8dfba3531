//! A hash of a message as it is written: it is encoded into it, block by block.

use super::{EncodeError, Encoder, Message};
use crate::onnx::payload::PayloadError;
use std::io::{self, Write};
use xxhash_rust::xxh3::Xxh3;

/// 128 bits of xxh3 of the bytes on the wire.
///
/// # Errors
/// When a payload cannot be read.
pub fn encoding_hash<M: Message>(message: &M) -> Result<u128, PayloadError> {
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
