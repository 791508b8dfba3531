//! Writing: everything is produced in one block, which is written when it is full.
//!
//! Payloads that still lie in the input are read into the block with `pread`, and scaled
//! there if they are to be scaled. Whatever the size of the model, nothing but the block is
//! allocated. A block of 128 to 512 KiB stays in the L2 cache; smaller or larger ones are
//! 5–15 % slower.

use super::{WireType, key_len, varint_len};
use crate::onnx::payload::{Payload, PayloadError};
use std::io::{self, Write};

const BLOCK: usize = 256 << 10;

/// Why a message could not be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The output could not be written.
    #[error("writing failed: {0}")]
    Write(#[source] io::Error),
    /// A payload could not be read or scaled.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// Where encoded bytes go.
pub(super) trait Sink {
    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Whether a payload that belongs at `position` is known to be there.
    fn has(&self, _payload: &Payload, _position: u64) -> bool {
        false
    }

    /// The next `len` bytes are those that it [has](Self::has).
    fn skip(&mut self, _len: u64) {}
}

impl<W: Write> Sink for W {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }
}

/// Encodes messages into a writer, block by block.
pub struct Encoder<'w> {
    out: &'w mut dyn Sink,
    block: Box<[u8]>,
    filled: usize,
    written: u64,
}

impl<'w> Encoder<'w> {
    /// An encoder that writes to `out`, in blocks of 256 KiB.
    pub fn new(out: &'w mut impl Write) -> Self {
        Encoder::into_sink(out)
    }

    pub(super) fn into_sink(out: &'w mut dyn Sink) -> Self {
        Encoder { out, block: vec![0; BLOCK].into_boxed_slice(), filled: 0, written: 0 }
    }

    /// Writes what is left and returns the number of bytes that were encoded.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> Result<u64, EncodeError> {
        self.flush()?;
        Ok(self.written)
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        let filled = std::mem::take(&mut self.filled);
        self.written += filled as u64;
        self.out.take(&self.block[..filled]).map_err(EncodeError::Write)
    }

    /// The free part of the block: at least one byte.
    fn room(&mut self) -> Result<&mut [u8], EncodeError> {
        if self.filled == BLOCK {
            self.flush()?;
        }
        Ok(&mut self.block[self.filled..])
    }

    /// Appends bytes.
    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<(), EncodeError> {
        while !bytes.is_empty() {
            let room = self.room()?;
            let len = room.len().min(bytes.len());
            room[..len].copy_from_slice(&bytes[..len]);
            self.filled += len;
            bytes = &bytes[len..];
        }
        Ok(())
    }

    pub(super) fn varint(&mut self, mut value: u64) -> Result<(), EncodeError> {
        let mut bytes = [0u8; 10];
        let mut len = 0;
        while value >= 0x80 {
            bytes[len] = value as u8 | 0x80;
            value >>= 7;
            len += 1;
        }
        bytes[len] = value as u8;
        self.put(&bytes[..=len])
    }

    pub(super) fn key(&mut self, number: u32, wire: WireType) -> Result<(), EncodeError> {
        self.varint(u64::from(number) << 3 | wire.code())
    }

    /// Appends a payload, produced piece by piece in the block itself.
    ///
    /// # Errors
    /// When the payload cannot be read or scaled, or the output not be written.
    pub fn payload(&mut self, payload: &Payload) -> Result<(), EncodeError> {
        let unit = payload.unit();
        let len = payload.len();
        if self.out.has(payload, self.written + self.filled as u64) {
            self.flush()?;
            self.out.skip(len);
            self.written += len;
            return Ok(());
        }
        let mut offset = 0;
        while offset < len {
            let room = self.room()?;
            let piece = (room.len() as u64).min(len - offset) as usize / unit * unit;
            if piece == 0 {
                // The block's last few bytes hold no whole element.
                let mut element = [0u8; 8];
                payload.read(offset, &mut element[..unit])?;
                self.put(&element[..unit])?;
                offset += unit as u64;
                continue;
            }
            payload.read(offset, &mut room[..piece])?;
            self.filled += piece;
            offset += piece as u64;
        }
        Ok(())
    }
}

/// The length of a length-delimited field with its key.
pub(super) fn delimited_len(number: u32, len: u64) -> u64 {
    key_len(number) + varint_len(len) + len
}
