//! Where the bytes of a message come from.

use crate::onnx::stable_file::StableFile;
use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// Where the bytes come from.
#[derive(Clone, Debug)]
pub enum Input {
    /// A regular file, read with `pread`.
    File(Arc<StableFile>),
    /// Bytes in memory (standard input, tests).
    Memory(Bytes),
}

impl Input {
    /// The number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Input::File(file) => file.len(),
            Input::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A part of it, in memory.
    ///
    /// # Errors
    /// When the file cannot be read, or has changed.
    pub fn read(&self, offset: u64, len: u64) -> io::Result<Bytes> {
        match self {
            Input::Memory(bytes) => Ok(bytes.slice(offset as usize..(offset + len) as usize)),
            Input::File(file) => {
                let mut out = vec![0; len as usize];
                file.read_at(offset, &mut out)?;
                Ok(out.into())
            }
        }
    }
}
