//! Writing arrays to `.npz` archives: what `data::open` and NumPy read again.
//!
//! Format: a zip file of `.npy` files of version 1.0, stored as they are.

use super::npy;
use crate::engine::Array;
use crate::onnx::AtomicFile;
use crate::onnx::element::{DataType, FloatType};
use rawzip::ZipArchiveWriter;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::Path;

/// Arrays of one name, one behind the other along the first axis. Their elements wait in a file without a
/// name, so that there may be any number of them.
pub struct Series {
    name: String,
    element: DataType,
    /// The axes behind the first.
    tail: Vec<usize>,
    /// How long the first axis is.
    length: usize,
    bytes: File,
}

impl Series {
    /// None yet, of arrays like this one.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn like(array: &Array, name: String) -> io::Result<Self> {
        let bytes = tempfile::tempfile()?;
        let tail = array.shape().get(1..).unwrap_or_default().to_vec();
        Ok(Series { name, element: stored_type(array), tail, length: 0, bytes })
    }

    /// Puts an array behind the others; a single number counts as an array of one element.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn add(&mut self, array: &Array) -> io::Result<()> {
        self.length += array.shape().first().copied().unwrap_or(1);
        match array.element() {
            DataType::Bfloat16 => self.bytes.write_all(&FloatType::F32.encode(&array.values())),
            _ => self.bytes.write_all(array.bytes()),
        }
    }

    fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        let shape: Vec<usize> = [self.length].into_iter().chain(self.tail.iter().copied()).collect();
        let header = npy::header(self.element, &shape).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("NumPy has no type for {}", self.element.name()))
        })?;
        out.write_all(&header)?;
        self.bytes.rewind()?;
        io::copy(&mut BufReader::new(&self.bytes), out).map(drop)
    }
}

/// NumPy has no bfloat16: its numbers are kept as float32, exactly.
fn stored_type(array: &Array) -> DataType {
    if array.element() == DataType::Bfloat16 { DataType::Float } else { array.element() }
}

/// Writes an archive, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn save_npz(path: &Path, arrays: &mut [Series]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    let mut archive = ZipArchiveWriter::new(BufWriter::new(&mut file));
    for series in arrays {
        let (mut entry, config) = archive.new_file(format!("{}.npy", series.name)).start().map_err(io::Error::other)?;
        let mut out = config.wrap(&mut entry);
        series.write(&mut out)?;
        let (_, descriptor) = out.finish().map_err(io::Error::other)?;
        entry.finish(descriptor).map_err(io::Error::other)?;
    }
    archive.finish().map_err(io::Error::other)?.flush()?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataOptions, DataSource};

    fn floats(shape: &[usize], values: &[f64], element: FloatType) -> Array {
        Array::floats(element, shape.to_vec(), values).expect("consistent")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.npz");
        let arrays = [floats(&[1, 2], &[1.0, 2.0], FloatType::F32), floats(&[1, 2], &[3.0, 4.0], FloatType::F32)];
        let mut series = Series::like(&arrays[0], "x".into()).expect("there is room");
        let mut other = Series::like(&arrays[0], "other-sizes/x".into()).expect("there is room");
        for array in &arrays {
            series.add(array).expect("there is room");
        }
        other.add(&arrays[1]).expect("there is room");
        save_npz(&path, &mut [other, series]).expect("written");
        let text = "<ir_version: 8, opset_import: [\"\" : 17]> g (float[N,2] x) => (float[N,2] y) { y = Relu (x) }";
        let model = crate::onnx::text::parse(text).expect("well-formed");
        let options = DataOptions::new(vec![DataSource::parse(&path.display().to_string())]);
        let data = crate::data::open(&model, &options).expect("it fits");
        assert_eq!(data.samples(), 2);
        assert_eq!(data.run(1).expect("readable").inputs, [arrays[1].clone()]);
    }

    #[test]
    fn bfloat16_is_kept_exactly() {
        let array = floats(&[3], &[1.0, 2.5, -0.0078125], FloatType::Bf16);
        let mut series = Series::like(&array, "x".into()).expect("there is room");
        series.add(&array).expect("there is room");
        let mut bytes = Vec::new();
        series.write(&mut bytes).expect("written");
        let header = String::from_utf8_lossy(&bytes[10..bytes.len() - 12]).into_owned();
        assert!(header.contains("'<f4'") && header.contains("(3,)"), "{header}");
        assert_eq!(bytes[bytes.len() - 12..], FloatType::F32.encode(&[1.0, 2.5, -0.0078125]));
        // NumPy wants elements to begin at a multiple of 64.
        assert_eq!((bytes.len() - 12) % 64, 0);
    }
}
