//! Arrays in Fortran order, rows one after the other.
//!
//! In Fortran order the first axis is the fastest: the elements of one sample are as far from each
//! other as there are samples. They are brought together once, in a file without a name, block by
//! block of samples: memory stays within a block.

use super::DataError;
use super::dense::io_error;
use crate::onnx::payload::{FileSlice, Payload};
use crate::onnx::stable_file::StableFile;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// Bytes of samples that are brought together at a time.
const BLOCK: usize = 64 << 20;

/// The elements of this shape, `size` bytes each, from `offset` on, in row-major order.
///
/// # Errors
/// When they cannot be read, or a temporary file cannot be written.
pub fn reordered(
    path: &Path,
    stored: &Payload,
    offset: u64,
    shape: &[usize],
    size: usize,
) -> Result<Payload, DataError> {
    let made = tempfile::tempfile().map_err(|error| DataError::unpack(path, error))?;
    let reordering = Reordering { path, stored, offset, shape, size };
    reordering.write(&made, BLOCK)?;
    payload(made).map_err(|error| DataError::unpack(path, error))
}

/// All of a file that is written.
///
/// # Errors
/// When its length cannot be told.
pub fn payload(file: File) -> io::Result<Payload> {
    let file = Arc::new(StableFile::new(file)?);
    let len = file.len();
    Ok(Payload::File(FileSlice::new(file, 0, len)))
}

struct Reordering<'a> {
    path: &'a Path,
    stored: &'a Payload,
    offset: u64,
    /// `[N, d₁ … dₖ]`, N not 0.
    shape: &'a [usize],
    size: usize,
}

impl Reordering<'_> {
    fn write(&self, to: &File, block: usize) -> Result<(), DataError> {
        let samples = self.shape[0];
        let rows = (block / (self.inner() * self.size).max(1)).clamp(1, samples.max(1));
        let mut out = BufWriter::new(to);
        for first in (0..samples).step_by(rows) {
            let block = self.block(first, rows.min(samples - first))?;
            out.write_all(&block).map_err(|error| DataError::unpack(self.path, error))?;
        }
        out.flush().map_err(|error| DataError::unpack(self.path, error))
    }

    /// How many elements a sample has.
    fn inner(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// So many samples from `first` on: of each element, those of all samples are together.
    fn block(&self, first: usize, rows: usize) -> Result<Vec<u8>, DataError> {
        let (size, samples, inner) = (self.size, self.shape[0], self.inner());
        let mut block = vec![0; rows * inner * size];
        // Elements of the next places are right behind if all samples are wanted.
        let at_once = if rows == samples { ((1 << 20) / (rows * size)).clamp(1, inner) } else { 1 };
        let mut column = vec![0; at_once * rows * size];
        let mut places = Places::new(&self.shape[1..]);
        for start in (0..inner).step_by(at_once) {
            let column = &mut column[..at_once.min(inner - start) * rows * size];
            let from = self.offset + ((start * samples + first) * size) as u64;
            let read = self.stored.read(from, column);
            read.map_err(|error| DataError::Io { path: self.path.into(), source: io_error(error) })?;
            for of_samples in column.chunks_exact(rows * size) {
                let place = places.next();
                for (row, element) in of_samples.chunks_exact(size).enumerate() {
                    let at = (row * inner + place) * size;
                    block[at..at + size].copy_from_slice(element);
                }
            }
        }
        Ok(block)
    }
}

/// The elements of a sample in Fortran order, and where they are in row-major order.
struct Places<'a> {
    shape: &'a [usize],
    strides: Vec<usize>,
    index: Vec<usize>,
    place: usize,
}

impl<'a> Places<'a> {
    fn new(shape: &'a [usize]) -> Self {
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        Places { shape, strides, index: vec![0; shape.len()], place: 0 }
    }

    /// The place of the next element.
    fn next(&mut self) -> usize {
        let place = self.place;
        for axis in 0..self.shape.len() {
            self.index[axis] += 1;
            self.place += self.strides[axis];
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.place -= self.strides[axis] * self.index[axis];
            self.index[axis] = 0;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_transposed_array(shape in prop::collection::vec(1usize..5, 2..5), block in 1usize..40) {
            let count: usize = shape.iter().product();
            // Element `i` in C order is the number `i`.
            let mut stored = vec![0u8; 3 + 2 * count];
            for (at, index) in crate::affine::positions(&shape).enumerate() {
                let place = index.iter().zip(&shape).rev().fold(0, |place, (index, length)| place * length + index);
                stored[3 + 2 * place..][..2].copy_from_slice(&(at as u16).to_le_bytes());
            }
            let stored = Payload::from(stored);
            let file = tempfile::tempfile().expect("a file");
            let reordering = Reordering { path: Path::new("x"), stored: &stored, offset: 3, shape: &shape, size: 2 };
            reordering.write(&file, block).expect("written");
            let bytes = payload(file).expect("it has a length").to_bytes().expect("read");
            let wanted: Vec<u8> = (0..count as u16).flat_map(u16::to_le_bytes).collect();
            prop_assert_eq!(&bytes[..], &wanted[..]);
        }
    }
}
