//! Compressed data, unpacked once to a file without a name: rows can be read at random then, and
//! memory stays what it is.

use super::DataError;
use super::fortran::payload;
use crate::onnx::payload::Payload;
use crate::onnx::stable_file::StableFile;
use flate2::Crc;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Deflate makes of one byte no more than these: the longest match is 258 bytes, in two bits.
const LARGEST_RATIO: u64 = 1032;

/// A compressed range of a file.
#[derive(Clone, Debug)]
pub struct Packed {
    file: Arc<StableFile>,
    offset: u64,
    len: u64,
    /// Of deflated data without a frame of its own: how many bytes it makes, and their checksum. Gzip
    /// has both behind the data.
    claim: Option<(u64, u32)>,
}

impl Packed {
    /// A gzip file.
    pub fn gzip(file: Arc<StableFile>) -> Packed {
        Packed { offset: 0, len: file.len(), file, claim: None }
    }

    /// Deflated data in a range of a file: how many bytes it makes, and their CRC-32.
    pub fn deflate(file: Arc<StableFile>, (start, end): (u64, u64), size: u64, crc: u32) -> Packed {
        Packed { file, offset: start, len: end.saturating_sub(start), claim: Some((size, crc)) }
    }

    /// How many bytes it makes, if that is known.
    pub fn size(&self) -> Option<u64> {
        self.claim.map(|(size, _)| size)
    }

    /// Whether it says that it makes more bytes than any compression could.
    pub fn is_beyond_reason(&self) -> bool {
        self.size().is_some_and(|size| size / LARGEST_RATIO > self.len)
    }

    fn reader(&self) -> Box<dyn Read> {
        let range = Range { file: Arc::clone(&self.file), offset: self.offset, left: self.len };
        let range = BufReader::with_capacity(64 << 10, range);
        if self.claim.is_some() { Box::new(DeflateDecoder::new(range)) } else { Box::new(MultiGzDecoder::new(range)) }
    }

    /// The first bytes: so many, or all if there are fewer.
    ///
    /// # Errors
    /// When they cannot be read or unpacked.
    pub fn start(&self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().take(count as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// All bytes, of which there must be `expected`.
    ///
    /// # Errors
    /// When they cannot be read or unpacked, are others than expected, or cannot be written.
    pub fn unpack(&self, path: &Path, expected: u64) -> Result<Payload, DataError> {
        let made = tempfile::tempfile().map_err(|error| DataError::unpack(path, error))?;
        let (size, crc) = self.copy(path, &made, expected)?;
        if self.claim.is_some_and(|claim| claim != (size, crc)) || size != expected {
            return Err(DataError::format(path, "its compressed data is damaged: its size or checksum is wrong"));
        }
        payload(made).map_err(|error| DataError::unpack(path, error))
    }

    /// Unpacks no more than one byte more than expected; how many bytes there were, and their checksum.
    fn copy(&self, path: &Path, mut to: &File, expected: u64) -> Result<(u64, u32), DataError> {
        let mut reader = self.reader().take(expected.saturating_add(1));
        let mut buffer = vec![0; 64 << 10];
        let (mut size, mut crc) = (0, Crc::new());
        loop {
            let damaged = |error| DataError::format(path, format!("its compressed data is damaged: {error}"));
            let read = match reader.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(damaged)?,
            };
            if read == 0 {
                return Ok((size, crc.sum()));
            }
            to.write_all(&buffer[..read]).map_err(|error| DataError::unpack(path, error))?;
            crc.update(&buffer[..read]);
            size += read as u64;
        }
    }
}

/// A range of a file, read from its start to its end.
struct Range {
    file: Arc<StableFile>,
    offset: u64,
    left: u64,
}

impl Read for Range {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.left.min(out.len() as u64) as usize;
        self.file.read_at(self.offset, &mut out[..count])?;
        (self.offset, self.left) = (self.offset + count as u64, self.left - count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn packed(bytes: &[u8]) -> Packed {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        Packed::gzip(Arc::new(StableFile::new(file).expect("it has a length")))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("written")
    }

    #[test]
    fn what_is_unpacked_is_what_was_packed() {
        let bytes: Vec<u8> = (0..200_000u32).map(|number| (number.wrapping_mul(number) >> 7) as u8).collect();
        let packed = packed(&gzip(&bytes));
        assert_eq!(packed.start(5).expect("unpacked"), bytes[..5]);
        let all = packed.unpack(Path::new("x"), bytes.len() as u64).expect("unpacked");
        assert!(all.to_bytes().expect("read") == bytes);
    }

    #[test]
    fn damage_and_bombs_are_errors() {
        let good = gzip(&[7; 1000]);
        let error = |bytes: &[u8], expected: u64| {
            packed(bytes).unpack(Path::new("x"), expected).expect_err("refused").to_string()
        };
        assert!(error(&good, 999).contains("damaged"));
        assert!(error(&good, 1001).contains("damaged"));
        assert!(error(&good[..good.len() - 3], 1000).contains("damaged"));
        let mut flipped = good.clone();
        let last = flipped.len() - 6;
        flipped[last] ^= 1;
        assert!(error(&flipped, 1000).contains("damaged"));
        // Ten megabytes of zeros, of which no more than asked for are written.
        assert!(error(&gzip(&vec![0; 10 << 20]), 10).contains("damaged"));
        let claim = Packed { claim: Some((1 << 50, 0)), ..packed(&good) };
        assert!(claim.is_beyond_reason());
    }
}
