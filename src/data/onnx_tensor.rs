//! Arrays in `.pb` files, as the test data of ONNX models comes in.
//!
//! Format: a `TensorProto`, <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>. Large ones stay
//! in the file.

use super::DataError;
use super::dense::{Dense, Header, Stored};
use super::manifest::FileManifest;
use crate::onnx::access::text;
use crate::onnx::schema::TensorProto;
use crate::onnx::stable_file::StableFile;
use crate::onnx::wire::{Decoder, Input};
use bstr::BString;
use std::path::Path;
use std::sync::Arc;

/// The name of the tensor, and its array.
///
/// # Errors
/// When the file cannot be read, or is no tensor of numbers.
pub fn open(path: &Path, files: FileManifest, file: &Arc<StableFile>) -> Result<(BString, Dense), DataError> {
    let wrong = |what: String| DataError::format(path, what);
    let tensor: TensorProto = Decoder::decode(&Input::File(Arc::clone(file)))
        .map_err(|error| wrong(format!("it is no ONNX tensor: {error}")))?;
    let element = tensor.element().ok_or_else(|| wrong("it is no ONNX tensor: it has no element type".into()))?;
    let shape = tensor.shape().map_err(|error| wrong(error.to_string()))?;
    let payload = tensor.little_endian().map_err(|error| wrong(error.to_string()))?;
    let array = Dense::new(path, files, Stored::Plain(payload), 0, Header::plain(element, shape))?;
    Ok((text(&tensor.name).into(), array))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::Samples;
    use crate::data::testing;
    use crate::onnx::element::{DataType, FloatType};
    use crate::onnx::wire::{Encoder, Message};
    use proptest::prelude::*;

    fn open(bytes: &[u8]) -> Result<(BString, Dense), DataError> {
        super::open(Path::new("input_0.pb"), testing::manifest(bytes), &testing::file(bytes))
    }

    fn encoded(tensor: &TensorProto) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        tensor.encode_fields(&mut encoder).expect("written");
        encoder.finish().expect("written");
        bytes
    }

    #[test]
    fn tensors_are_read_wherever_their_numbers_are() {
        let floats = TensorProto::floats("x", FloatType::F32, &[2, 1], &[1.0, 2.0]);
        let (name, array) = open(&encoded(&floats)).expect("it opens");
        assert_eq!(
            (name, array.shape(), array.rows(1, 1).expect("there")),
            ("x".into(), &[2, 1][..], 2f32.to_le_bytes().to_vec())
        );
        let mut integers = TensorProto::empty("n", DataType::Int64, &[2]);
        integers.int64_data = vec![3, -4].into();
        let (_, array) = open(&encoded(&integers)).expect("it opens");
        assert_eq!(array.rows(1, 1).expect("there"), (-4i64).to_le_bytes());
    }

    #[test]
    fn what_is_no_tensor_of_numbers_is_refused() {
        let mut short = TensorProto::floats("x", FloatType::F32, &[2], &[1.0, 2.0]);
        short.dims = vec![3].into();
        assert!(open(&encoded(&short)).expect_err("refused").to_string().contains("does not match its shape"));
        let strings = TensorProto::empty("s", DataType::String, &[0]);
        assert!(open(&encoded(&strings)).is_err());
        assert!(open(b"").is_err() && open(&[255; 20]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = open(&bytes).map(|(_, array)| array.rows(0, 1));
        }
    }
}
