//! Reading: a window over a file (or bytes in memory) that walks through metadata and
//! leaves large payloads where they are.

use super::{Input, Message, WireType};
use crate::onnx::payload::{FileSlice, Payload};
use std::io;

/// Payloads from this size on stay in the file. Smaller ones are in the window anyway.
const STAYS_IN_FILE: u64 = 4 << 10;
/// The window grows from the smallest to the largest size while reading is sequential, and
/// shrinks when a payload was skipped: metadata between weights is short.
const WINDOW: std::ops::RangeInclusive<usize> = 4 << 10..=64 << 10;
/// Messages inside messages. C++ protobuf and upb stop at 100 as well.
const NESTING: u32 = 100;

/// Why bytes are not the message that they should be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The input could not be read, or became shorter while it was.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
    /// The bytes at `offset` break the wire format.
    #[error("not a valid ONNX protobuf: {what} at byte {offset}{}", in_field(.field))]
    Malformed {
        /// What is wrong there.
        what: &'static str,
        /// Position in the input, in bytes.
        offset: u64,
        /// The message and field that was being read, innermost, or empty.
        field: String,
    },
    /// Decoding would need far more memory than the input's size justifies.
    #[error("not a plausible ONNX model: decoding would need more than {limit} MB for a file of {size} bytes")]
    TooLarge {
        /// What decoding may allocate, in megabytes.
        limit: u64,
        /// The size of the input, in bytes.
        size: u64,
    },
}

fn in_field(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!(" (in {field})") }
}

/// Reads one message and all that it contains.
pub struct Decoder {
    input: Input,
    window: Vec<u8>,
    /// Offset of `window[0]` in the input.
    window_start: u64,
    next_window: usize,
    position: u64,
    /// End of the innermost message.
    end: u64,
    depth: u32,
    /// The key of the field that is being read.
    key: u64,
    /// Bytes that decoding may still allocate.
    budget: u64,
    limit: u64,
}

impl Decoder {
    /// Decodes a whole input as one message.
    ///
    /// # Errors
    /// When the input cannot be read, is not the wire format, or asks for more memory than
    /// its size justifies.
    pub fn decode<M: Message>(input: &Input) -> Result<M, DecodeError> {
        let len = input.len();
        let limit = len.saturating_mul(64).saturating_add(64 << 20);
        let mut decoder = Decoder {
            input: input.clone(),
            window: Vec::new(),
            window_start: 0,
            next_window: *WINDOW.start(),
            position: 0,
            end: len,
            depth: 0,
            key: 0,
            budget: limit,
            limit,
        };
        let mut message = M::default();
        decoder.fields(&mut message)?;
        Ok(message)
    }

    /// Reads fields into `message` up to the end of the innermost length.
    fn fields<M: Message>(&mut self, message: &mut M) -> Result<(), DecodeError> {
        while self.position < self.end {
            let (number, wire) = self.key()?;
            message.merge_field(number, wire, self).map_err(|error| name_field(error, M::NAME, number))?;
        }
        Ok(())
    }

    /// Reads a length-delimited message that is a field of another one.
    pub(super) fn nested<M: Message>(&mut self, wire: WireType, message: &mut M) -> Result<(), DecodeError> {
        self.expect(wire, WireType::Bytes)?;
        let len = self.length()?;
        if self.depth == NESTING {
            return Err(self.malformed("more than 100 messages inside each other"));
        }
        let outer = std::mem::replace(&mut self.end, self.position + len);
        self.depth += 1;
        self.fields(message)?;
        self.depth -= 1;
        self.end = outer;
        Ok(())
    }

    /// Reads a field's number and wire type.
    pub(super) fn key(&mut self) -> Result<(u32, WireType), DecodeError> {
        let key = self.varint()?;
        self.key = key;
        let wire = WireType::from_code(key & 7).ok_or_else(|| self.malformed("an invalid wire type"))?;
        match u32::try_from(key >> 3) {
            Ok(number) if (1..1 << 29).contains(&number) => Ok((number, wire)),
            _ => Err(self.malformed("an invalid field number")),
        }
    }

    /// How many length-delimited fields with the key that was read last follow each other from
    /// here on, as far as the window shows: at least one.
    pub(super) fn run_length(&self) -> usize {
        let mut rest = self.visible();
        let mut count = 1;
        while let Some(after) = skip_delimited(rest) {
            match after.split_first() {
                Some((next, fields)) if u64::from(*next) == self.key => rest = fields,
                _ => break,
            }
            count += 1;
        }
        count
    }

    /// What is in memory of the rest of the innermost message.
    fn visible(&self) -> &[u8] {
        let (bytes, start) = match &self.input {
            Input::Memory(bytes) => (bytes.as_ref(), 0),
            Input::File(..) => (self.window.as_slice(), self.window_start),
        };
        let from = (self.position - start) as usize;
        let to = bytes.len().min((self.end - start) as usize);
        bytes.get(from..to).unwrap_or_default()
    }

    /// Reads a varint.
    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(self.malformed("a varint above 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.malformed("a varint above 64 bits"))
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        if self.position >= self.end {
            return Err(self.malformed("an unexpected end"));
        }
        let byte = match &self.input {
            Input::Memory(bytes) => bytes[self.position as usize],
            Input::File(..) => {
                self.fill(1)?;
                self.window[(self.position - self.window_start) as usize]
            }
        };
        self.position += 1;
        Ok(byte)
    }

    /// Reads `N` bytes: a fixed-width number.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        self.check_room(N as u64)?;
        self.read_into(&mut out)?;
        Ok(out)
    }

    /// Reads a length and checks that as many bytes are there.
    pub(super) fn length(&mut self) -> Result<u64, DecodeError> {
        let len = self.varint()?;
        self.check_room(len)?;
        Ok(len)
    }

    /// Reads a length and as many bytes, into memory.
    pub(super) fn bytes(&mut self, wire: WireType) -> Result<Vec<u8>, DecodeError> {
        self.expect(wire, WireType::Bytes)?;
        let len = self.length()?;
        self.charge(len)?;
        let mut out = vec![0; len as usize];
        self.read_into(&mut out)?;
        Ok(out)
    }

    /// Reads a length and leaves the bytes where they are, if they are many.
    pub(super) fn payload(&mut self, wire: WireType) -> Result<Payload, DecodeError> {
        self.expect(wire, WireType::Bytes)?;
        let start = self.position;
        let len = self.length()?;
        let offset = self.position;
        debug_assert!(offset > start);
        match &self.input {
            Input::Memory(bytes) => {
                let slice = bytes.slice(offset as usize..(offset + len) as usize);
                self.position += len;
                Ok(Payload::Memory(slice))
            }
            Input::File(file) if len >= STAYS_IN_FILE => {
                let slice = FileSlice::new(file.clone(), offset, len);
                self.position += len;
                self.next_window = *WINDOW.start();
                Ok(Payload::File(slice))
            }
            Input::File(..) => {
                let mut out = vec![0; len as usize];
                self.read_into(&mut out)?;
                Ok(Payload::Memory(out.into()))
            }
        }
    }

    /// Runs `each` until `len` bytes are consumed: the elements of a packed field.
    pub(super) fn packed(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let len = self.length()?;
        let outer = std::mem::replace(&mut self.end, self.position + len);
        while self.position < self.end {
            each(self)?;
        }
        self.end = outer;
        Ok(())
    }

    /// Notes that `bytes` are about to be allocated.
    pub(super) fn charge(&mut self, bytes: u64) -> Result<(), DecodeError> {
        match self.budget.checked_sub(bytes) {
            Some(left) => self.budget = left,
            None => return Err(DecodeError::TooLarge { limit: self.limit >> 20, size: self.input.len() }),
        }
        Ok(())
    }

    pub(super) fn expect(&self, found: WireType, wanted: WireType) -> Result<(), DecodeError> {
        if found == wanted { Ok(()) } else { Err(self.malformed("a field of the wrong wire type")) }
    }

    pub(super) fn malformed(&self, what: &'static str) -> DecodeError {
        DecodeError::Malformed { what, offset: self.position, field: String::new() }
    }

    fn check_room(&self, len: u64) -> Result<(), DecodeError> {
        if len > self.end - self.position {
            return Err(self.malformed("a length past the end (the file is truncated, or not an ONNX model)"));
        }
        Ok(())
    }

    /// Copies the next `out.len()` bytes, which are known to be there.
    fn read_into(&mut self, out: &mut [u8]) -> Result<(), DecodeError> {
        match &self.input {
            Input::Memory(bytes) => {
                let start = self.position as usize;
                out.copy_from_slice(&bytes[start..start + out.len()]);
            }
            Input::File(file) => {
                let in_window = (self.window_start + self.window.len() as u64).saturating_sub(self.position) as usize;
                if in_window < out.len() && out.len() >= *WINDOW.end() {
                    file.read_at(self.position, out)?;
                } else {
                    self.fill(out.len())?;
                    let start = (self.position - self.window_start) as usize;
                    out.copy_from_slice(&self.window[start..start + out.len()]);
                }
            }
        }
        self.position += out.len() as u64;
        Ok(())
    }

    /// Makes sure that the next `wanted` bytes are in the window.
    fn fill(&mut self, wanted: usize) -> Result<(), DecodeError> {
        let Input::File(file) = &self.input else { return Ok(()) };
        let window_end = self.window_start + self.window.len() as u64;
        if self.position >= self.window_start && self.position + wanted as u64 <= window_end {
            return Ok(());
        }
        let size = (self.next_window.max(wanted) as u64).min(file.len() - self.position) as usize;
        self.window.resize(size, 0);
        file.read_at(self.position, &mut self.window)?;
        self.window_start = self.position;
        self.next_window = (self.next_window * 2).min(*WINDOW.end());
        Ok(())
    }
}

/// What follows a length and as many bytes, if they are all there and the length is short.
fn skip_delimited(bytes: &[u8]) -> Option<&[u8]> {
    match *bytes {
        [len @ ..0x80, ref rest @ ..] => rest.get(usize::from(len)..),
        [low, high @ ..0x80, ref rest @ ..] => rest.get(usize::from(low & 0x7f) + (usize::from(high) << 7)..),
        _ => None,
    }
}

/// Notes the innermost field in an error that has none yet.
fn name_field(error: DecodeError, message: &'static str, number: u32) -> DecodeError {
    match error {
        DecodeError::Malformed { what, offset, field } if field.is_empty() => {
            DecodeError::Malformed { what, offset, field: format!("field {number} of {message}") }
        }
        other => other,
    }
}
