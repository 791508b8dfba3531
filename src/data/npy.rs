//! Arrays in `.npy` files.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, versions 1 to 3.
//! A header that is a Python dictionary literal of three keys, then the elements.

use super::DataError;
use super::dense::{Dense, Header, Stored};
use super::manifest::FileManifest;
use crate::onnx::element::DataType;
use std::path::Path;

/// What such a file begins with.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// No header is longer: the names of fields, which could be many, are not for us.
const LONGEST_HEADER: usize = 1 << 16;

/// Element types, and how NumPy calls them without the order of their bytes.
const TYPES: [(&str, DataType); 12] = [
    ("f2", DataType::Float16),
    ("f4", DataType::Float),
    ("f8", DataType::Double),
    ("i1", DataType::Int8),
    ("i2", DataType::Int16),
    ("i4", DataType::Int32),
    ("i8", DataType::Int64),
    ("u1", DataType::Uint8),
    ("u2", DataType::Uint16),
    ("u4", DataType::Uint32),
    ("u8", DataType::Uint64),
    ("b1", DataType::Bool),
];

/// The array in what is stored.
///
/// # Errors
/// When it cannot be read, is no `.npy` file, holds something else than numbers, or is too short.
pub fn open(path: &Path, files: FileManifest, stored: Stored) -> Result<Dense, DataError> {
    let start = stored.start(12).map_err(DataError::io(path))?;
    let (at, length) = header_place(&start).ok_or_else(|| DataError::format(path, "it is no .npy file"))?;
    if length > LONGEST_HEADER {
        return Err(DataError::format(path, format!("its header has {length} bytes")));
    }
    let start = stored.start(at + length).map_err(DataError::io(path))?;
    let text = start.get(at..at + length).ok_or_else(|| DataError::format(path, "it ends in its header"))?;
    let header = std::str::from_utf8(text).map_err(|_| "its header is no text".to_owned()).and_then(read);
    let header = header.map_err(|what| DataError::format(path, what))?;
    Dense::new(path, files, stored, (at + length) as u64, header)
}

/// What a file of such an array begins with, elements excluded: magic, version 1.0, and a header that ends at
/// a multiple of 64 bytes; `None` if NumPy has no such type.
pub fn header(element: DataType, shape: &[usize]) -> Option<Vec<u8>> {
    let (name, _) = TYPES.iter().find(|(_, known)| *known == element)?;
    let order = if element.bits() == Some(8) { '|' } else { '<' };
    let shape: String = shape.iter().map(|length| format!("{length},")).collect();
    let text = format!("{{'descr': '{order}{name}', 'fortran_order': False, 'shape': ({shape}), }}");
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = [MAGIC, &[1, 0], &u16::try_from(length).ok()?.to_le_bytes()].concat();
    bytes.extend(format!("{text:<width$}\n", width = length - 1).into_bytes());
    Some(bytes)
}

/// Where the header begins, and how long it is; `None` if it is no `.npy` file.
fn header_place(start: &[u8]) -> Option<(usize, usize)> {
    match start.strip_prefix(MAGIC)? {
        [1, _, a, b, ..] => Some((10, u16::from_le_bytes([*a, *b]).into())),
        [2 | 3, _, a, b, c, d, ..] => Some((12, u32::from_le_bytes([*a, *b, *c, *d]) as usize)),
        _ => None,
    }
}

/// Reads a dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn read(text: &str) -> Result<Header, String> {
    let field = |name: &str| {
        let missing = || format!("its header does not say its {name}");
        let quoted = [format!("'{name}'"), format!("\"{name}\"")];
        let found = quoted.iter().find_map(|key| text.split_once(key.as_str())).ok_or_else(missing)?.1;
        found.trim_start().strip_prefix(':').map(str::trim_start).ok_or_else(missing)
    };
    let (element, swapped) = element(field("descr")?)?;
    let order = field("fortran_order")?;
    let fortran = order.starts_with("True");
    if !fortran && !order.starts_with("False") {
        return Err("its header does not say its order".into());
    }
    Ok(Header { element, swapped, fortran, shape: shape(field("shape")?)? })
}

/// A type such as `'<f4'`, and whether its bytes are in the other order.
fn element(text: &str) -> Result<(DataType, bool), String> {
    let quote = text.chars().next().filter(|quote| ['\'', '"'].contains(quote));
    let name = quote.and_then(|quote| text[1..].split(quote).next()).unwrap_or(text);
    let known = || {
        let (order, kind) = (name.chars().next()?, name.get(1..)?);
        let (_, element) = TYPES.iter().find(|(known, _)| *known == kind)?;
        let swapped = match order {
            '<' | '|' | '=' => false,
            '>' => !kind.ends_with('1'),
            _ => return None,
        };
        Some((*element, swapped))
    };
    let shown: String = name.chars().take(40).collect();
    known().ok_or_else(|| format!("its elements are of type {shown}, not integers, booleans or floats"))
}

/// A tuple such as `(3, 4)`, `(3,)` or `()`.
fn shape(text: &str) -> Result<Vec<usize>, String> {
    let wrong = || "its header does not say its shape".to_owned();
    let (inside, _) = text.strip_prefix('(').and_then(|text| text.split_once(')')).ok_or_else(wrong)?;
    let lengths = inside.split(',').map(str::trim).filter(|length| !length.is_empty());
    // Python 2 wrote long integers with an L.
    lengths.map(|length| length.trim_end_matches('L').parse().map_err(|_| wrong())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::Samples;
    use crate::data::testing::{npy, stored};
    use proptest::prelude::*;

    fn open(header: &str, data: &[u8]) -> Result<Dense, DataError> {
        open_bytes(&npy(header, data))
    }

    fn open_bytes(bytes: &[u8]) -> Result<Dense, DataError> {
        let (files, stored) = stored(bytes);
        super::open(Path::new("x.npy"), files, stored)
    }

    #[test]
    fn rows_are_read_in_either_order_of_axes_and_bytes() {
        let c = open("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }", &[1, 2, 3, 4, 5, 6]);
        let c = c.expect("it opens");
        assert_eq!((c.shape(), c.element()), (&[3, 2][..], DataType::Uint8));
        assert_eq!(c.rows(1, 2).expect("there"), [3, 4, 5, 6]);
        assert!(c.rows(2, 2).is_err() && c.rows(usize::MAX, 2).is_err());
        let f = open("{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2), }", &[1, 3, 5, 2, 4, 6]);
        assert_eq!(f.expect("it opens").rows(0, 3).expect("there"), [1, 2, 3, 4, 5, 6]);
        let big = [1i16, -2, 300].map(i16::to_be_bytes).concat();
        let big = open("{\"shape\": (3,), \"descr\": \">i2\", \"fortran_order\": False}", &big).expect("it opens");
        assert_eq!(big.rows(0, 3).expect("there"), [1i16, -2, 300].map(i16::to_le_bytes).concat());
    }

    #[test]
    fn what_is_not_an_array_of_numbers_is_refused() {
        let says = |header: &str, data: &[u8], text: &str| {
            let error = open(header, data).expect_err("refused").to_string();
            assert!(error.contains(text), "{error}");
        };
        let header =
            |descr: &str, shape: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}");
        says(&header("'<f4'", "(3,)"), &[0; 11], "too short for the shape [3]");
        says(&header("'<f4'", "(4294967296, 4294967296, 4)"), &[], "too short");
        says(&header("'<f4'", "(1000000, 0)"), &[], "its samples are empty");
        says(&header("'|O'", "(1,)"), &[0; 8], "of type |O");
        says(&header("[('a', '<f4')]", "(1,)"), &[0; 8], "not integers");
        says(&header("'<f4'", "(-1,)"), &[0; 8], "shape");
        says(&header("'<f4'", "3"), &[0; 12], "shape");
        says("{'descr': '<f4', 'shape': (3,)}", &[0; 12], "fortran_order");
        says("{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}", &[0; 12], "order");
        for bytes in [
            &b""[..],
            b"\x93NUMPY",
            b"\x93NUMPY\x04\0\0\0\0\0",
            b"PK\x03\x04 not numpy",
            b"\x93NUMPY\x02\0\xff\xff\xff\xff",
        ] {
            assert!(matches!(open_bytes(bytes), Err(DataError::Format { .. })), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(header in "[ -~]{0,60}", data in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = open(&header, &data).map(|array| array.rows(0, 1));
        }
    }
}
