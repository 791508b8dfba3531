//! An array in a file whose rows are read when they are asked for.

use super::DataError;
use super::fortran::reordered;
use super::manifest::FileManifest;
use super::unpack::Packed;
use crate::onnx::element::DataType;
use crate::onnx::payload::{Payload, PayloadError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// No sample is larger, in bytes.
const LARGEST_SAMPLE: usize = 1 << 30;

/// An array whose first axis counts samples.
pub trait Samples: Send + Sync {
    /// The file or folder.
    fn path(&self) -> &Path;

    /// The type of the elements.
    fn element(&self) -> DataType;

    /// The lengths of the axes, samples first.
    fn shape(&self) -> &[usize];

    /// So many samples, from `first` on: little-endian elements in row-major order.
    ///
    /// # Errors
    /// When they cannot be read, or are not there.
    fn rows(&self, first: usize, count: usize) -> Result<Vec<u8>, DataError>;

    /// The files, for the manifest.
    fn files(&self) -> FileManifest;

    /// What was done to the samples so far, for the manifest.
    fn steps(&self) -> Vec<String>;

    /// Whether they are pictures that were decoded, and have the channels where the model takes them.
    fn are_images(&self) -> bool {
        false
    }
}

/// How the elements of an array are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The type of the elements.
    pub element: DataType,
    /// Whether they are big-endian.
    pub swapped: bool,
    /// Whether the first axis is the fastest.
    pub fortran: bool,
    /// The lengths of the axes.
    pub shape: Vec<usize>,
}

impl Header {
    /// Little-endian elements in row-major order.
    pub fn plain(element: DataType, shape: Vec<usize>) -> Header {
        Header { element, swapped: false, fortran: false, shape }
    }

    /// How many bytes the elements have; `None` if that cannot be, or for types narrower than a byte.
    pub fn bytes(&self) -> Option<usize> {
        let size = self.element.bits().filter(|bits| *bits >= 8)? as usize / 8;
        self.shape.iter().try_fold(size, |bytes, length| bytes.checked_mul(*length))
    }
}

/// Where the bytes of an array are.
#[derive(Debug)]
pub enum Stored {
    /// As they are.
    Plain(Payload),
    /// Compressed: they are unpacked to a file without a name once the first row is read.
    Packed(Packed),
}

impl Stored {
    /// The first bytes: so many, or all if there are fewer.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn start(&self, count: usize) -> io::Result<Vec<u8>> {
        match self {
            Stored::Packed(packed) => packed.start(count),
            Stored::Plain(payload) => {
                let mut bytes = vec![0; payload.len().min(count as u64) as usize];
                payload.read(0, &mut bytes).map_err(io_error)?;
                Ok(bytes)
            }
        }
    }

    /// How many bytes there are, as far as that is known.
    pub fn len(&self) -> Option<u64> {
        match self {
            Stored::Plain(payload) => Some(payload.len()),
            Stored::Packed(packed) => packed.size(),
        }
    }
}

/// The error of the file below.
pub fn io_error(error: PayloadError) -> io::Error {
    match error {
        PayloadError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// An array in a file.
#[derive(Debug)]
pub struct Dense {
    path: PathBuf,
    files: FileManifest,
    stored: Stored,
    /// Where its elements begin.
    offset: u64,
    header: Header,
    /// The lengths of the axes, as they are shown: the same elements as those of the header.
    shape: Vec<usize>,
    steps: Vec<String>,
    /// Rows one after the other, and where they begin; made when the first is read.
    ready: Mutex<Option<(Payload, u64)>>,
}

impl Dense {
    /// An array whose elements begin `offset` bytes behind the start of what is stored.
    ///
    /// # Errors
    /// When there are not as many bytes as the shape says, or a sample is empty or beyond reason.
    pub fn new(
        path: &Path,
        files: FileManifest,
        stored: Stored,
        offset: u64,
        header: Header,
    ) -> Result<Dense, DataError> {
        let shape = header.shape.clone();
        let short = || DataError::format(path, format!("it is too short for the shape {shape:?}"));
        let bytes = header.bytes().ok_or_else(short)? as u64;
        if stored.len().is_some_and(|len| len.checked_sub(offset).is_none_or(|len| len < bytes)) {
            return Err(short());
        }
        let sample = header.bytes().unwrap_or(0) / shape.first().copied().unwrap_or(1).max(1);
        if sample > LARGEST_SAMPLE {
            return Err(DataError::format(path, format!("a sample of it has {sample} bytes, which is beyond reason")));
        }
        if shape.iter().skip(1).any(|length| *length == 0) {
            return Err(DataError::format(path, format!("its samples are empty: its shape is {shape:?}")));
        }
        let (path, ready) = (path.into(), Mutex::new(None));
        Ok(Dense { path, files, stored, offset, header, shape, steps: Vec::new(), ready })
    }

    /// The same elements in another shape, and what to tell of that.
    pub fn reshaped(self, shape: Vec<usize>, step: Option<String>) -> Dense {
        debug_assert_eq!(shape.iter().product::<usize>(), self.header.shape.iter().product::<usize>());
        let steps = self.steps.into_iter().chain(step).collect();
        Dense { shape, steps, ..self }
    }

    /// Rows one after the other, and where they begin.
    fn ready(&self) -> Result<(Payload, u64), DataError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = &*ready {
            return Ok(ready.clone());
        }
        let bytes = self.header.bytes().unwrap_or(0) as u64;
        let payload = match &self.stored {
            Stored::Plain(payload) => payload.clone(),
            Stored::Packed(packed) => packed.unpack(&self.path, self.offset + bytes)?,
        };
        let made = if self.header.fortran && self.header.shape.len() > 1 {
            let size = self.header.element.bits().unwrap_or(8) as usize / 8;
            (reordered(&self.path, &payload, self.offset, &self.header.shape, size)?, 0)
        } else {
            (payload, self.offset)
        };
        Ok(ready.insert(made).clone())
    }
}

impl Samples for Dense {
    fn path(&self) -> &Path {
        &self.path
    }

    fn element(&self) -> DataType {
        self.header.element
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn rows(&self, first: usize, count: usize) -> Result<Vec<u8>, DataError> {
        let missing = || {
            let end = first.saturating_add(count);
            DataError::format(&self.path, format!("it has no positions {first} to {end} along its first axis"))
        };
        let (rows, inner) = self.shape.split_first().ok_or_else(missing)?;
        if first.checked_add(count).is_none_or(|end| end > *rows) {
            return Err(missing());
        }
        let size = self.header.element.bits().unwrap_or(8) as usize / 8;
        let row = size * inner.iter().product::<usize>();
        let (payload, offset) = self.ready()?;
        let mut bytes = vec![0; count * row];
        let read = payload.read(offset + (first * row) as u64, &mut bytes);
        read.map_err(|error| DataError::Io { path: self.path.clone(), source: io_error(error) })?;
        if self.header.swapped {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }

    fn files(&self) -> FileManifest {
        self.files.clone()
    }

    fn steps(&self) -> Vec<String> {
        self.steps.clone()
    }
}
