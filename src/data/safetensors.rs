//! Arrays in safetensors files.
//!
//! Format: <https://huggingface.co/docs/safetensors>: the length of a header, the header, which is JSON,
//! and the elements, little-endian in row-major order.

use super::DataError;
use super::bind::Wanted;
use super::dense::{Dense, Header, Stored};
use super::manifest::FileManifest;
use crate::onnx::element::DataType;
use crate::onnx::payload::{FileSlice, Payload};
use crate::onnx::stable_file::StableFile;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// No header is longer, as the reference implementation has it.
const LONGEST_HEADER: u64 = 100_000_000;

/// Element types and their names; those that are not here cannot be computed with.
const TYPES: [(&str, DataType); 13] = [
    ("BOOL", DataType::Bool),
    ("U8", DataType::Uint8),
    ("I8", DataType::Int8),
    ("I16", DataType::Int16),
    ("U16", DataType::Uint16),
    ("F16", DataType::Float16),
    ("BF16", DataType::Bfloat16),
    ("I32", DataType::Int32),
    ("U32", DataType::Uint32),
    ("F32", DataType::Float),
    ("F64", DataType::Double),
    ("I64", DataType::Int64),
    ("U64", DataType::Uint64),
];

/// What the header says of a tensor.
#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// Whether a file of this length that begins so may be one.
pub fn is_safetensors(start: &[u8], len: u64) -> bool {
    let length = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    length.is_some_and(|length| length <= LONGEST_HEADER && length < len) && start.get(8) == Some(&b'{')
}

/// The tensor for an input; `chosen` names another than that of its name.
///
/// # Errors
/// When the file cannot be read, is no safetensors file, or has no such tensor.
pub fn open(
    path: &Path,
    files: FileManifest,
    file: &Arc<StableFile>,
    chosen: Option<&str>,
    wanted: &Wanted,
) -> Result<Dense, DataError> {
    let wrong = |what: String| DataError::format(path, what);
    let header = header(path, file)?;
    let length = header.len() as u64;
    let tensors = tensors(&header).map_err(|error| wrong(format!("its header is damaged: {error}")))?;
    let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
    let name = wanted.pick(path, &names, chosen)?;
    let Tensor { dtype, shape, data_offsets: (start, end) } = &tensors[name];
    let element = TYPES.iter().find(|(known, _)| known == dtype).map(|(_, element)| *element);
    let shown: String = dtype.chars().take(40).collect();
    let element = element.ok_or_else(|| wrong(format!("the elements of `{name}` are of type {shown}")))?;
    let header = Header::plain(element, shape.clone());
    let data = file.len() - 8 - length;
    if start > end || *end > data || header.bytes().map(|bytes| bytes as u64) != Some(end - start) {
        return Err(wrong(format!("the bytes of `{name}` are not where its header says, or too few")));
    }
    let slice = FileSlice::new(Arc::clone(file), 8 + length + start, end - start);
    Dense::new(path, files, Stored::Plain(Payload::File(slice)), 0, header)
}

/// The bytes of the header.
fn header(path: &Path, file: &StableFile) -> Result<Vec<u8>, DataError> {
    let mut length = [0; 8];
    file.read_at(0, &mut length).map_err(DataError::io(path))?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || length > file.len() - 8 {
        return Err(DataError::format(path, format!("its header has {length} bytes")));
    }
    let mut header = vec![0; length as usize];
    file.read_at(8, &mut header).map_err(DataError::io(path))?;
    Ok(header)
}

fn tensors(header: &[u8]) -> serde_json::Result<BTreeMap<String, Tensor>> {
    let mut entries: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)?;
    entries.remove("__metadata__");
    let tensor = |(name, value)| Ok((name, serde_json::from_value(value)?));
    entries.into_iter().map(tensor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::Samples;
    use crate::data::testing;
    use proptest::prelude::*;

    fn bytes(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn open(bytes: &[u8]) -> Result<Dense, DataError> {
        let wanted = testing::wanted("x", DataType::Float, &[0, 2]);
        super::open(Path::new("x.safetensors"), testing::manifest(bytes), &testing::file(bytes), None, &wanted)
    }

    #[test]
    fn the_tensor_named_like_the_input_is_read() {
        let header = r#"{"__metadata__":{"a":"b"},
            "w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
            "x":{"dtype":"U8","shape":[2,2],"data_offsets":[4,8]}}"#;
        let file = bytes(header, &[0, 0, 0, 0, 1, 2, 3, 4]);
        assert!(is_safetensors(&file[..16], file.len() as u64));
        let array = open(&file).expect("it opens");
        assert_eq!((array.shape(), array.rows(1, 1).expect("there")), (&[2, 2][..], vec![3, 4]));
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let says = |tensor: &str, text: &str| {
            let error = open(&bytes(&format!(r#"{{"x":{tensor}}}"#), &[0; 8])).expect_err("refused").to_string();
            assert!(error.contains(text), "{error}");
        };
        says(r#"{"dtype":"F32","shape":[2],"data_offsets":[1,9]}"#, "not where its header says");
        says(r#"{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#, "not where its header says");
        says(r#"{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#, "too few");
        says(r#"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}"#, "too few");
        says(r#"{"dtype":"F8_E5M2","shape":[8],"data_offsets":[0,8]}"#, "of type F8_E5M2");
        says(r#"{"dtype":"F32"}"#, "header is damaged");
        assert!(open(&[255; 8]).is_err() && open(&[]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(header in r#"\{"x":\{"dtype":"U8","shape":\[[0-9,]{0,9}\],"data_offsets":\[[0-9,]{0,9}\]\}\}"#, data in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = open(&bytes(&header, &data)).map(|array| array.rows(0, 1));
            let _ = open(&data);
        }
    }
}
