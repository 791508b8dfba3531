//! Arrays in `.npz` archives.
//!
//! Format: a zip file (<https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>) of `.npy` files,
//! stored as they are (`numpy.savez`) or deflated (`numpy.savez_compressed`). Those that are stored
//! are read where they are.

use super::bind::Wanted;
use super::dense::{Dense, Stored};
use super::manifest::FileManifest;
use super::unpack::Packed;
use super::{DataError, npy};
use crate::onnx::payload::{FileSlice, Payload};
use crate::onnx::stable_file::StableFile;
use rawzip::{CompressionMethod, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder, ZipLocator};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What such a file begins with: an entry, or nothing but the end.
pub const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// No archive has more arrays.
const MOST_ENTRIES: usize = 1 << 16;

/// A file that is read at places.
struct Reader(Arc<StableFile>);

impl ReaderAt for Reader {
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.0.len().saturating_sub(offset).min(out.len() as u64) as usize;
        self.0.read_at(offset, &mut out[..count])?;
        Ok(count)
    }
}

/// An array of an archive.
struct Entry {
    name: String,
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    encrypted: bool,
    size: u64,
    crc: u32,
}

/// The array for an input; `chosen` names another than that of its name.
///
/// # Errors
/// When the file cannot be read, is no such archive, or has no such array.
pub fn open(
    path: &Path,
    files: FileManifest,
    file: &Arc<StableFile>,
    chosen: Option<&str>,
    wanted: &Wanted,
) -> Result<Dense, DataError> {
    let wrong = |what: String| DataError::format(path, format!("it is a damaged zip archive: {what}"));
    let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
    let located = ZipLocator::new().locate_in_reader(Reader(Arc::clone(file)), &mut buffer, file.len());
    let archive = located.map_err(|(_, error)| wrong(error.to_string()))?;
    let entries = entries(&archive, &mut buffer).map_err(|error| wrong(error.to_string()))?;
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let name = wanted.pick(path, &names, chosen)?;
    // Of several with one name, the last is what unpacking would leave.
    let entry = entries.iter().rfind(|entry| entry.name == name).ok_or_else(|| wrong("an entry is gone".into()))?;
    let place = archive.get_entry(entry.place).map_err(|error| wrong(error.to_string()))?;
    let stored = stored(file, entry, place.compressed_data_range()).map_err(|what| DataError::format(path, what))?;
    npy::open(&path.join(name), files, stored)
}

fn entries(archive: &ZipArchive<Reader>, buffer: &mut [u8]) -> Result<Vec<Entry>, rawzip::Error> {
    let mut records = archive.entries(buffer);
    let mut entries = Vec::new();
    while let Some(record) = records.next_entry()? {
        let name = String::from_utf8_lossy(record.file_path().as_ref()).into_owned();
        if record.is_dir() || entries.len() == MOST_ENTRIES {
            continue;
        }
        entries.push(Entry {
            name: name.strip_suffix(".npy").map(str::to_owned).unwrap_or(name),
            place: record.wayfinder(),
            method: record.compression_method(),
            encrypted: record.flags().is_encrypted(),
            size: record.uncompressed_size_hint(),
            crc: record.crc32(),
        });
    }
    Ok(entries)
}

/// Where the bytes of an entry are.
fn stored(file: &Arc<StableFile>, entry: &Entry, range: (u64, u64)) -> Result<Stored, String> {
    let name = &entry.name;
    if range.0 > range.1 || range.1 > file.len() {
        return Err(format!("`{name}` is not where the archive says"));
    }
    match entry.method {
        _ if entry.encrypted => Err(format!("`{name}` is encrypted")),
        CompressionMethod::STORE => {
            Ok(Stored::Plain(Payload::File(FileSlice::new(Arc::clone(file), range.0, range.1 - range.0))))
        }
        CompressionMethod::DEFLATE => {
            let packed = Packed::deflate(Arc::clone(file), range, entry.size, entry.crc);
            if packed.is_beyond_reason() {
                Err(format!("`{name}` says that it is larger than it can be"))
            } else {
                Ok(Stored::Packed(packed))
            }
        }
        other => Err(format!("`{name}` is compressed by method {}; numpy stores or deflates", other.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::Samples;
    use crate::data::testing::{self, bytes_npy};
    use crate::onnx::element::DataType;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;
    use rawzip::ZipArchiveWriter;
    use std::io::Write;

    /// An archive of these files; deflated ones as `numpy.savez_compressed` writes them.
    fn archive(files: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut archive = ZipArchiveWriter::new(&mut bytes);
        for (name, data) in files {
            let (mut entry, config) = archive.new_file(name).compression_method(method).start().expect("started");
            let descriptor = if method == CompressionMethod::DEFLATE {
                let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
                writer.write_all(data).expect("written");
                let (encoder, descriptor) = writer.finish().expect("finished");
                encoder.finish().expect("finished");
                descriptor
            } else {
                let mut writer = config.wrap(&mut entry);
                writer.write_all(data).expect("written");
                writer.finish().expect("finished").1
            };
            entry.finish(descriptor).expect("finished");
        }
        archive.finish().expect("finished");
        bytes
    }

    fn open(bytes: &[u8], chosen: Option<&str>) -> Result<Dense, DataError> {
        let wanted = testing::wanted("x", DataType::Float, &[0, 2]);
        super::open(Path::new("a.npz"), testing::manifest(bytes), &testing::file(bytes), chosen, &wanted)
    }

    fn two() -> [(&'static str, Vec<u8>); 2] {
        [("x.npy", bytes_npy("2, 2", &[1, 2, 3, 4])), ("y.npy", bytes_npy("2,", &[5, 6]))]
    }

    #[test]
    fn stored_and_deflated_arrays_are_the_same() {
        for method in [CompressionMethod::STORE, CompressionMethod::DEFLATE] {
            let bytes = archive(&two(), method);
            assert!(MAGICS.iter().any(|magic| bytes.starts_with(magic)));
            let x = open(&bytes, None).expect("it opens");
            assert_eq!((x.shape(), x.rows(1, 1).expect("there")), (&[2, 2][..], vec![3, 4]));
            let y = open(&bytes, Some("y")).expect("it opens");
            assert_eq!((y.path(), y.rows(0, 2).expect("there")), (Path::new("a.npz/y"), vec![5, 6]));
        }
    }

    #[test]
    fn fortran_order_inside_of_deflate_is_brought_into_rows() {
        let array = testing::npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2)}", &[1, 3, 2, 4]);
        let bytes = archive(&[("x.npy", array)], CompressionMethod::DEFLATE);
        assert_eq!(open(&bytes, None).expect("it opens").rows(0, 2).expect("there"), [1, 2, 3, 4]);
    }

    #[test]
    fn an_array_that_is_not_there_is_an_error_that_lists_those_that_are() {
        let files = [("a.npy", bytes_npy("1", &[1])), ("b.npy", bytes_npy("1", &[1]))];
        let bytes = archive(&files, CompressionMethod::STORE);
        let error = open(&bytes, None).expect_err("refused").to_string();
        assert!(error.contains("`a`, `b`") && error.contains("a.npz/a"), "{error}");
        assert!(open(&bytes, Some("c")).expect_err("refused").to_string().contains("no array `c`"));
    }

    #[test]
    fn damage_is_an_error() {
        let good = archive(&two(), CompressionMethod::DEFLATE);
        for end in [0, 4, 30, good.len() / 2, good.len() - 1] {
            assert!(open(&good[..end], None).is_err(), "{end}");
        }
        let text = archive(&[("x.txt", b"no array".to_vec())], CompressionMethod::STORE);
        assert!(open(&text, None).expect_err("refused").to_string().contains("no .npy file"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), deflate: bool) {
            let method = if deflate { CompressionMethod::DEFLATE } else { CompressionMethod::STORE };
            let mut bytes = archive(&two(), method);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = open(&bytes, None).map(|array| array.rows(0, 1));
        }
    }
}
