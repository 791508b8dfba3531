//! The digits of the fixtures, written in other formats.

use crate::hostile::run::varint;
use crate::tool::{Run, digits, repository, run};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How many digits there are, each 8 × 8 float32 numbers.
pub const SAMPLES: usize = 100;

/// Bytes of one digit.
pub const SAMPLE: usize = 8 * 8 * 4;

/// A folder with the trained network in it, without its BatchNormalizations: `plain.onnx`.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = folder.path().join("plain.onnx");
    let fold = run(&["fold".as_ref(), "--no-verify".as_ref(), "-o".as_ref(), plain.as_os_str(), digits().as_os_str()]);
    assert_eq!(fold.status, Some(0), "{}", fold.stderr);
    folder
}

/// `insert --init calibrate` of a model of the folder, with these flags.
pub fn calibrate(folder: &TempDir, model: &str, flags: &[String]) -> (Run, PathBuf) {
    let out = folder.path().join("out.onnx");
    let mut words: Vec<OsString> =
        ["insert", "--no-verify", "--init", "calibrate", "--format", "json", "-o"].map(OsString::from).into();
    words.extend([out.clone().into(), folder.path().join(model).into()]);
    words.extend(flags.iter().map(OsString::from));
    (run(&words), out)
}

/// The bytes of the calibrated model.
pub fn calibrated(folder: &TempDir, flags: &[String]) -> Vec<u8> {
    let (result, out) = calibrate(folder, "plain.onnx", flags);
    assert_eq!(result.status, Some(0), "{flags:?}: {}", result.stderr);
    assert_eq!(result.json()["measured"]["samples"], SAMPLES, "{flags:?}");
    fs::read(out).expect("it was written")
}

/// Flags that name data.
pub fn data(path: &Path) -> Vec<String> {
    vec!["--data".into(), path.display().to_string()]
}

/// The digits as `.npy`.
pub fn x_npy() -> PathBuf {
    repository("fixtures/digits/x.npy")
}

/// The numbers of the digits, little-endian.
pub fn numbers() -> Vec<u8> {
    let bytes = fs::read(x_npy()).expect("it is there");
    bytes[bytes.len() - SAMPLES * SAMPLE..].to_vec()
}

/// A `.npy` file.
pub fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape})}}");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A zip archive of files that are stored as they are.
pub fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let offset = bytes.len() as u32;
        // Version, flags, method, time, date; checksum, both sizes; lengths of name and extra field.
        let mut common = [20u16, 0, 0, 0, 0].map(u16::to_le_bytes).concat();
        common.extend([crc.sum(), data.len() as u32, data.len() as u32].map(u32::to_le_bytes).concat());
        common.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        bytes.extend([b"PK\x03\x04", &common[..], name.as_bytes(), data].concat());
        directory
            .extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat());
    }
    let (count, start) = (files.len() as u16, bytes.len() as u32);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].map(u16::to_le_bytes).concat());
    bytes.extend([directory.len() as u32, start].map(u32::to_le_bytes).concat());
    bytes.extend([0, 0]);
    bytes
}

/// A safetensors file of one float32 tensor.
pub fn safetensors(name: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,{}]}}}}"#, data.len());
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// An ONNX tensor of float32: dimensions, type 1, `raw_data`.
pub fn tensor(shape: &[u64], data: &[u8]) -> Vec<u8> {
    let dims = shape.iter().flat_map(|length| [vec![0x08], varint(*length)].concat());
    let head: Vec<u8> = dims.chain([0x10, 1, 0x4a]).chain(varint(data.len() as u64)).collect();
    [&head[..], data].concat()
}

/// An IDX file of float32, big-endian.
pub fn idx(shape: &[u32], little_endian: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0x0d, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(little_endian.as_chunks::<4>().0.iter().flat_map(|[a, b, c, d]| [*d, *c, *b, *a]));
    bytes
}

/// A gzip file.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).expect("written");
    encoder.finish().expect("written")
}

/// A gray PNG image of 8 bits.
pub fn png(height: u32, width: u32, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels)).expect("written");
    bytes
}

/// Writes files into a folder inside of another; the folder.
pub fn write(folder: &TempDir, name: &str, files: &[(String, Vec<u8>)]) -> PathBuf {
    let inner = folder.path().join(name);
    for (name, bytes) in files {
        let path = inner.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    inner
}
