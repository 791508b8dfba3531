//! Files for tests.

use super::bind::Wanted;
use super::dense::Stored;
use super::manifest::FileManifest;
use crate::onnx::element::DataType;
use crate::onnx::payload::Payload;
use crate::onnx::stable_file::StableFile;
use std::io::Write;
use std::sync::Arc;

/// An open file of these bytes that has no name any more.
pub fn file(bytes: &[u8]) -> Arc<StableFile> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    Arc::new(StableFile::new(file).expect("it has a length"))
}

/// Bytes, as a reader gets them.
pub fn stored(bytes: &[u8]) -> (FileManifest, Stored) {
    (manifest(bytes), Stored::Plain(Payload::from(bytes.to_vec())))
}

/// What is told of a file of these bytes.
pub fn manifest(bytes: &[u8]) -> FileManifest {
    FileManifest { path: "x".into(), files: 1, bytes: bytes.len() as u64 }
}

/// A `.npy` file of this header.
pub fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A `.npy` file of bytes.
pub fn bytes_npy(shape: &str, data: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape})}}"), data)
}

/// An input of this type and shape, 0 for what is not fixed.
pub fn wanted(name: &str, element: DataType, axes: &[usize]) -> Wanted {
    let axes = axes.iter().map(|length| Some(*length).filter(|length| *length > 0)).collect();
    Wanted { name: name.into(), index: 0, element: Some(element), axes: Some(axes), alone: true }
}
