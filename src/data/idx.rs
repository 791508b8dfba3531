//! Arrays in IDX files, as MNIST comes in.
//!
//! Format: <http://yann.lecun.com/exdb/mnist/>, at its end: two zero bytes, the type of the elements,
//! the number of axes, their lengths, the elements, all big-endian in row-major order.

use super::DataError;
use super::dense::{Dense, Header, Stored};
use super::manifest::FileManifest;
use crate::onnx::element::DataType;
use std::path::Path;

/// Element types and their codes.
const TYPES: [(u8, DataType); 6] = [
    (0x08, DataType::Uint8),
    (0x09, DataType::Int8),
    (0x0b, DataType::Int16),
    (0x0c, DataType::Int32),
    (0x0d, DataType::Float),
    (0x0e, DataType::Double),
];

/// Whether a file that begins so may be one.
pub fn is_idx(start: &[u8]) -> bool {
    matches!(start, [0, 0, code, 1..=8, ..] if TYPES.iter().any(|(known, _)| known == code))
}

/// The array in what is stored.
///
/// # Errors
/// When it cannot be read, is no IDX file, or is too short.
pub fn open(path: &Path, files: FileManifest, stored: Stored) -> Result<Dense, DataError> {
    let start = stored.start(4 + 4 * 8).map_err(DataError::io(path))?;
    let (header, offset) = header(&start).ok_or_else(|| DataError::format(path, "it is no IDX file"))?;
    Dense::new(path, files, stored, offset, header)
}

fn header(start: &[u8]) -> Option<(Header, u64)> {
    let [0, 0, code, axes, lengths @ ..] = start else { return None };
    let (_, element) = *TYPES.iter().find(|(known, _)| known == code)?;
    let axes = usize::from(*axes);
    let lengths = lengths.as_chunks().0.get(..axes)?;
    let shape = lengths.iter().map(|length| u32::from_be_bytes(*length) as usize).collect();
    let swapped = element.bits() != Some(8);
    Some((Header { element, swapped, fortran: false, shape }, 4 + 4 * axes as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::Samples;
    use crate::data::testing;
    use proptest::prelude::*;

    fn open(bytes: &[u8]) -> Result<Dense, DataError> {
        let (files, stored) = testing::stored(bytes);
        super::open(Path::new("x"), files, stored)
    }

    #[test]
    fn images_and_labels_are_read() {
        let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 3, 4]].concat();
        let images = open(&images).expect("it opens");
        assert_eq!((images.shape(), images.element()), (&[2, 1, 2][..], DataType::Uint8));
        assert_eq!(images.rows(1, 1).expect("there"), [3, 4]);
        let floats = [&[0, 0, 0x0d, 1, 0, 0, 0, 1][..], &1.5f32.to_be_bytes()].concat();
        assert_eq!(open(&floats).expect("it opens").rows(0, 1).expect("there"), 1.5f32.to_le_bytes());
    }

    #[test]
    fn what_is_too_short_is_refused() {
        for bytes in
            [&b""[..], &[0, 0, 8, 1], &[0, 0, 8, 1, 0, 0, 0, 2, 1], &[0, 0, 7, 1, 0, 0, 0, 1, 1], &[0, 0, 8, 9]]
        {
            assert!(matches!(open(bytes), Err(DataError::Format { .. })), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), idx: bool) {
            let bytes = if idx { [&[0, 0, 8, 2], &bytes[..]].concat() } else { bytes };
            let _ = open(&bytes).map(|array| array.rows(0, 1));
        }
    }
}
