//! Samples that wait on disk, or in memory of a fixed size.
//!
//! Only dense tensors of some size go there; what is small, or has a form of its own inside the engine,
//! stays as it is.

use super::stages::Paused;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tract_onnx::prelude::*;

/// Smaller tensors are not worth a place in the file.
const SMALLEST: usize = 4096;

/// A file without a name, or memory, for the values of samples.
#[derive(Debug)]
pub struct SpillFile {
    storage: Storage,
    end: AtomicU64,
}

#[derive(Debug)]
enum Storage {
    File(File),
    /// All of it is taken with the first value, and kept.
    Memory {
        bytes: Mutex<Vec<u8>>,
        capacity: usize,
    },
}

impl Storage {
    fn write(&self, values: &[u8], offset: u64) -> io::Result<()> {
        match self {
            Storage::File(file) => file.write_all_at(values, offset),
            Storage::Memory { bytes, capacity } => {
                let (mut bytes, offset) = (bytes.lock().unwrap_or_else(PoisonError::into_inner), offset as usize);
                let needed = bytes.len().max(*capacity).max(offset + values.len());
                bytes.resize(needed, 0);
                bytes[offset..offset + values.len()].copy_from_slice(values);
                Ok(())
            }
        }
    }

    fn read(&self, values: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Storage::File(file) => file.read_exact_at(values, offset),
            Storage::Memory { bytes, .. } => {
                let (bytes, offset) = (bytes.lock().unwrap_or_else(PoisonError::into_inner), offset as usize);
                let found = bytes.get(offset..offset + values.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
                values.copy_from_slice(found);
                Ok(())
            }
        }
    }
}

/// A sample whose values are in a file.
#[derive(Debug)]
pub struct Spilled(Vec<(usize, TVec<Place>)>);

/// Where one value is.
#[derive(Debug)]
enum Place {
    Memory(TValue),
    File { kind: DatumType, shape: Vec<usize>, offset: u64 },
}

impl Spilled {
    /// How many bytes of it are in the file.
    pub fn bytes(&self) -> u64 {
        self.0.iter().flat_map(|(_, places)| places).map(Place::bytes).sum()
    }
}

impl Place {
    fn bytes(&self) -> u64 {
        match self {
            Place::Memory(_) => 0,
            Place::File { kind, shape, .. } => (shape.iter().product::<usize>() * kind.size_of()) as u64,
        }
    }
}

impl SpillFile {
    /// A new one, in the folder for temporary files.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new() -> io::Result<SpillFile> {
        Ok(SpillFile { storage: Storage::File(tempfile::tempfile()?), end: AtomicU64::new(0) })
    }

    /// As if it were a file, in memory that is taken once and kept: so many bytes, more only if they do not
    /// do.
    pub fn in_memory(capacity: u64) -> SpillFile {
        let capacity = usize::try_from(capacity).unwrap_or(0);
        SpillFile { storage: Storage::Memory { bytes: Mutex::default(), capacity }, end: AtomicU64::new(0) }
    }

    /// Forgets all that is in it.
    pub fn clear(&self) {
        self.end.store(0, Ordering::Relaxed);
    }

    /// Puts a sample away.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, sample: Paused) -> io::Result<Spilled> {
        let put =
            |values: TVec<TValue>| values.into_iter().map(|value| self.put_value(value)).collect::<io::Result<_>>();
        sample.0.into_iter().map(|(node, values)| Ok((node, put(values)?))).collect::<io::Result<_>>().map(Spilled)
    }

    fn put_value(&self, value: TValue) -> io::Result<Place> {
        let plain = value.try_as_plain_ram().ok().filter(|_| value.datum_type().is_copy());
        let length = value.len() * value.datum_type().size_of();
        let bytes = plain.filter(|_| length >= SMALLEST).and_then(|plain| plain.as_bytes().get(..length));
        let Some(bytes) = bytes else { return Ok(Place::Memory(value)) };
        let offset = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.storage.write(bytes, offset)?;
        Ok(Place::File { kind: value.datum_type(), shape: value.shape().to_vec(), offset })
    }

    /// Brings a sample back.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn get(&self, sample: &Spilled) -> io::Result<Paused> {
        let get = |places: &TVec<Place>| places.iter().map(|place| self.get_value(place)).collect::<io::Result<_>>();
        sample.0.iter().map(|(node, places)| Ok((*node, get(places)?))).collect::<io::Result<_>>().map(Paused)
    }

    fn get_value(&self, place: &Place) -> io::Result<TValue> {
        let (kind, shape, offset) = match place {
            Place::Memory(value) => return Ok(value.clone()),
            Place::File { kind, shape, offset } => (*kind, shape, *offset),
        };
        let mut tensor = Tensor::zero_dt(kind, shape).map_err(io::Error::other)?;
        let mut plain = tensor.try_as_plain_ram_mut().map_err(io::Error::other)?;
        let length = shape.iter().product::<usize>() * kind.size_of();
        self.storage.read(&mut plain.as_bytes_mut()[..length], offset)?;
        Ok(tensor.into_tvalue())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        come_back(&SpillFile::new().expect("a file"));
        come_back(&SpillFile::in_memory(100));
    }

    fn come_back(file: &SpillFile) {
        let large =
            Tensor::from_shape(&[40, 50], &(0..2000).map(|i| i as f32).collect::<Vec<_>>()).expect("consistent");
        let values = || tvec!(large.clone().into_tvalue(), tensor1(&[1i64, 2]).into_tvalue());
        let sample = || Paused(vec![(3, values()), (7, tvec!(large.clone().into_tvalue()))]);
        let (first, second) = (file.put(sample()).expect("room"), file.put(sample()).expect("room"));
        assert_eq!((first.bytes(), file.end.load(Ordering::Relaxed)), (2 * 8000, 4 * 8000));
        assert_eq!(file.get(&second).expect("it is there").0, sample().0);
        assert_eq!(file.get(&first).expect("it is there").0, sample().0);
        file.clear();
        let other = file.put(sample()).expect("room");
        assert_eq!(file.get(&other).expect("it is there").0, sample().0);
    }
}
