//! The bytes of a tensor: in memory, in a file, or computed while they are written.

use super::element::{FloatType, Scaling};
use super::stable_file::StableFile;
use bstr::BString;
use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// Little-endian, row-major elements. Cheap to clone; large ones are never held in memory.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Bytes in memory.
    Memory(Bytes),
    /// A range of a file.
    File(FileSlice),
    /// Another payload times factors, one per channel, computed as it is read.
    Scaled(Arc<Scaled>),
}

/// A range of an open file.
#[derive(Clone, Debug)]
pub struct FileSlice {
    file: Arc<StableFile>,
    offset: u64,
    len: u64,
}

/// A payload of floating-point elements times factors, rounded once.
#[derive(Clone, Debug)]
pub struct Scaled {
    /// Whose payload it is, for error messages.
    pub tensor: BString,
    /// What its owner wants to recognise it by when it overflows.
    pub tag: u32,
    /// What is scaled: never itself scaled.
    pub source: Payload,
    /// The type of the elements.
    pub element: FloatType,
    /// The factors and where they apply; all of them are applied before the one rounding.
    pub scalings: Vec<Scaling>,
}

/// A finite element became infinite when it was scaled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("a scaled element of `{tensor}` does not fit its type")]
pub struct Overflow {
    /// The name of the tensor.
    pub tensor: BString,
    /// The tag of its [`Scaled`].
    pub tag: u32,
}

/// Why a payload cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The file that holds it cannot be read, or was changed meanwhile.
    #[error("reading the weights failed: {0}")]
    Io(#[from] io::Error),
    /// A scaled element does not fit its type.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

impl FileSlice {
    /// The `len` bytes at `offset` of `file`.
    pub fn new(file: Arc<StableFile>, offset: u64, len: u64) -> Self {
        FileSlice { file, offset, len }
    }

    /// Whether it begins at this place of this file.
    pub(super) fn starts_at(&self, file: &Arc<StableFile>, offset: u64) -> bool {
        Arc::ptr_eq(&self.file, file) && self.offset == offset
    }

    fn is(&self, other: &FileSlice) -> bool {
        other.starts_at(&self.file, self.offset) && self.len == other.len
    }
}

impl Payload {
    /// The number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Payload::Memory(bytes) => bytes.len() as u64,
            Payload::File(slice) => slice.len,
            Payload::Scaled(scaled) => scaled.source.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same bytes of the same file or memory, which need not be read to know
    /// that they are equal.
    pub fn is_same_place(&self, other: &Payload) -> bool {
        match (self, other) {
            (Payload::File(a), Payload::File(b)) => a.is(b),
            (Payload::Memory(a), Payload::Memory(b)) => a.as_ptr() == b.as_ptr() && a.len() == b.len(),
            (Payload::Scaled(a), Payload::Scaled(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// What [`read`](Self::read) wants its offset and length to be multiples of.
    pub fn unit(&self) -> usize {
        match self {
            Payload::Scaled(scaled) => scaled.element.size(),
            _ => 1,
        }
    }

    /// Reads `out.len()` bytes from `offset` on.
    ///
    /// # Errors
    /// When the file cannot be read, or a scaled element does not fit its type.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), PayloadError> {
        match self {
            Payload::Memory(bytes) => {
                let start = offset as usize;
                out.copy_from_slice(&bytes[start..start + out.len()]);
            }
            Payload::File(slice) => slice.file.read_at(slice.offset + offset, out)?,
            Payload::Scaled(scaled) => {
                scaled.source.read(offset, out)?;
                let first = offset / scaled.element.size() as u64;
                if !scaled.element.scale(out, first, &scaled.scalings) {
                    scaled.check_overflow(offset, out)?;
                }
            }
        }
        Ok(())
    }

    /// All bytes, in memory.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn to_bytes(&self) -> Result<Bytes, PayloadError> {
        if let Payload::Memory(bytes) = self {
            return Ok(bytes.clone());
        }
        let mut out = vec![0; self.len() as usize];
        self.read(0, &mut out)?;
        Ok(out.into())
    }

    /// Calls `each` with consecutive pieces of at most 64 KiB.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn for_each_piece(&self, mut each: impl FnMut(&[u8])) -> Result<(), PayloadError> {
        let mut block = vec![0; self.len().min(64 << 10) as usize];
        let mut offset = 0;
        while offset < self.len() {
            let piece = (self.len() - offset).min(64 << 10) as usize;
            self.read(offset, &mut block[..piece])?;
            each(&block[..piece]);
            offset += piece as u64;
        }
        Ok(())
    }

    pub(super) fn append(&mut self, more: &Payload) -> io::Result<()> {
        let bytes = |payload: &Payload| payload.to_bytes().map_err(io::Error::other);
        let own = match std::mem::take(self) {
            Payload::Memory(own) => own,
            other => bytes(&other)?,
        };
        // Unique bytes grow in place, so that n appends cost O(n).
        let mut own = own.try_into_mut().unwrap_or_else(|shared| shared.as_ref().into());
        own.extend_from_slice(&bytes(more)?);
        *self = Payload::Memory(own.freeze());
        Ok(())
    }
}

impl Scaled {
    /// Some of the `results` are not finite: were the elements that they come from?
    fn check_overflow(&self, offset: u64, results: &[u8]) -> Result<(), PayloadError> {
        let mut source = vec![0; results.len()];
        self.source.read(offset, &mut source)?;
        let pairs = self.element.decode(&source).into_iter().zip(self.element.decode(results));
        match pairs.into_iter().any(|(old, new)| old.is_finite() && !new.is_finite()) {
            true => Err(Overflow { tensor: self.tensor.clone(), tag: self.tag }.into()),
            false => Ok(()),
        }
    }
}

impl Default for Payload {
    fn default() -> Self {
        Payload::Memory(Bytes::new())
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Payload::Memory(bytes.into())
    }
}

/// Equal when the bytes are; what cannot be read equals nothing but itself.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Payload::Memory(a), Payload::Memory(b)) => a == b,
            (Payload::File(a), Payload::File(b)) if a.is(b) => true,
            _ => self.len() == other.len() && matches!((self.to_bytes(), other.to_bytes()), (Ok(a), Ok(b)) if a == b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubled(values: &[f64]) -> Payload {
        let scaling = Scaling { view: [1, 1, 1, values.len()], factors: [2.0].into() };
        let source = FloatType::F16.encode(values).into();
        Payload::Scaled(Arc::new(Scaled {
            tensor: "w".into(),
            tag: 7,
            source,
            element: FloatType::F16,
            scalings: vec![scaling],
        }))
    }

    #[test]
    fn a_finite_element_that_becomes_infinite_is_an_overflow() {
        let error = doubled(&[1.0, 40000.0]).to_bytes().unwrap_err();
        assert!(matches!(error, PayloadError::Overflow(Overflow { tag: 7, .. })));
    }

    #[test]
    fn what_was_infinite_or_nan_may_stay_so() {
        let bytes = doubled(&[1.0, f64::INFINITY, f64::NAN]).to_bytes().unwrap();
        assert_eq!(FloatType::F16.decode(&bytes)[..2], [2.0, f64::INFINITY]);
    }
}
