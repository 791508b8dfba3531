//! Arrays in `.npy` files.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, versions 1 to 3.
//! A header that is a Python dictionary literal of three keys, then the elements. Those in C order
//! are read from the file when they are asked for; in Fortran order, they are brought into C order
//! in memory once. Nothing is allocated that the file is not long enough for.

use super::DataError;
use crate::engine::Array;
use crate::onnx::element::DataType;
use crate::onnx::stable_file::StableFile;
use std::fs::File;
use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"\x93NUMPY";

/// No header is longer: the names of fields, which could be many, are not for us.
const LONGEST_HEADER: u64 = 1 << 16;

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

/// An array in a file.
#[derive(Debug)]
pub struct Npy {
    path: PathBuf,
    element: DataType,
    /// Bytes per element.
    size: usize,
    swapped: bool,
    shape: Vec<usize>,
    elements: Elements,
}

/// Where the elements are, in C order.
#[derive(Debug)]
enum Elements {
    File { file: StableFile, offset: u64 },
    Memory(Vec<u8>),
}

/// What the header says.
#[derive(Debug, PartialEq)]
struct Header {
    element: DataType,
    swapped: bool,
    fortran: bool,
    shape: Vec<usize>,
}

impl Npy {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When it cannot be read, is no `.npy` file, holds something else than numbers, or is too short.
    pub fn open(path: &Path) -> Result<Npy, DataError> {
        let io = |source| DataError::Io { path: path.into(), source };
        let file = StableFile::new(File::open(path).map_err(io)?).map_err(io)?;
        let wrong = |what: String| DataError::Format { path: path.into(), what };
        let (start, length) = header_place(&file).map_err(io)?.ok_or_else(|| wrong("it is no .npy file".into()))?;
        if length > LONGEST_HEADER || start + length > file.len() {
            return Err(wrong(format!("its header has {length} bytes")));
        }
        let mut text = vec![0; length as usize];
        file.read_at(start, &mut text).map_err(io)?;
        let header = std::str::from_utf8(&text).map_err(|_| "its header is no text".to_owned()).and_then(Header::read);
        let Header { element, swapped, fortran, shape } = header.map_err(wrong)?;
        let size = element.bits().unwrap_or(8) as usize / 8;
        let offset = start + length;
        let bytes = shape.iter().try_fold(size, |bytes, length| bytes.checked_mul(*length));
        let bytes = bytes.filter(|bytes| *bytes as u64 <= file.len() - offset);
        let bytes = bytes.ok_or_else(|| wrong(format!("it is too short for the shape {shape:?}")))?;
        let elements = if fortran && shape.len() > 1 {
            let mut stored = vec![0; bytes];
            file.read_at(offset, &mut stored).map_err(io)?;
            Elements::Memory(c_order(&stored, &shape, size))
        } else {
            Elements::File { file, offset }
        };
        Ok(Npy { path: path.into(), element, size, swapped, shape, elements })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the elements.
    pub fn element(&self) -> DataType {
        self.element
    }

    /// So many positions along the first axis, from `first` on.
    ///
    /// # Errors
    /// When they cannot be read, or are not there.
    pub fn rows(&self, first: usize, count: usize) -> Result<Array, DataError> {
        let missing = || DataError::Format {
            path: self.path.clone(),
            what: format!("it has no positions {first} to {} along its first axis", first.saturating_add(count)),
        };
        let (rows, inner) = self.shape.split_first().ok_or_else(missing)?;
        if first.checked_add(count).is_none_or(|end| end > *rows) {
            return Err(missing());
        }
        let row = self.size * inner.iter().product::<usize>();
        let mut bytes = match &self.elements {
            Elements::Memory(all) => all[first * row..(first + count) * row].to_vec(),
            Elements::File { file, offset } => {
                let mut bytes = vec![0; count * row];
                let read = file.read_at(offset + (first * row) as u64, &mut bytes);
                read.map_err(|source| DataError::Io { path: self.path.clone(), source })?;
                bytes
            }
        };
        if self.swapped {
            bytes.chunks_exact_mut(self.size).for_each(<[u8]>::reverse);
        }
        let shape = std::iter::once(count).chain(inner.iter().copied()).collect();
        Array::new(self.element, shape, bytes).ok_or_else(missing)
    }
}

/// Where the header begins, and how long it is; `None` if it is no `.npy` file.
fn header_place(file: &StableFile) -> std::io::Result<Option<(u64, u64)>> {
    let mut start = [0; 12];
    let there = file.len().min(12) as usize;
    file.read_at(0, &mut start[..there])?;
    Ok(match start {
        _ if there < 10 || start[..6] != *MAGIC => None,
        [.., 1, _, a, b, _, _] => Some((10, u16::from_le_bytes([a, b]).into())),
        [.., 2 | 3, _, a, b, c, d] if there == 12 => Some((12, u32::from_le_bytes([a, b, c, d]).into())),
        _ => None,
    })
}

/// Elements in Fortran order, the first axis fastest, as in C order, the last axis fastest.
fn c_order(stored: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let mut strides = vec![size; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let mut ordered = Vec::with_capacity(stored.len());
    let (mut index, mut at) = (vec![0; shape.len()], 0);
    for _ in 0..stored.len() / size {
        ordered.extend_from_slice(&stored[at..at + size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * index[axis];
            index[axis] = 0;
        }
    }
    ordered
}

impl Header {
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
    use proptest::prelude::*;

    fn file(header: &str, data: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let bytes = [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat();
        std::fs::write(file.path(), bytes).expect("it is written");
        file
    }

    fn open(header: &str, data: &[u8]) -> Result<Npy, DataError> {
        Npy::open(file(header, data).path())
    }

    #[test]
    fn rows_are_read_in_either_order_of_axes_and_bytes() {
        let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let c = open("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", &floats(&[1., 2., 3., 4., 5., 6.]));
        let c = c.expect("it opens");
        assert_eq!((c.shape(), c.element()), (&[3, 2][..], DataType::Float));
        assert_eq!(c.rows(1, 2).expect("there").values(), [3., 4., 5., 6.]);
        assert_eq!(c.rows(1, 2).expect("there").shape(), [2, 2]);
        assert!(c.rows(2, 2).is_err() && c.rows(usize::MAX, 2).is_err());
        let f = open("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", &floats(&[1., 3., 5., 2., 4., 6.]));
        assert_eq!(f.expect("it opens").rows(0, 3).expect("there").values(), [1., 2., 3., 4., 5., 6.]);
        let big = [1i16, -2, 300].iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
        let big = open("{\"shape\": (3,), \"descr\": \">i2\", \"fortran_order\": False}", &big).expect("it opens");
        assert_eq!(big.rows(0, 3).expect("there").values(), [1., -2., 300.]);
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
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), bytes).expect("it is written");
            assert!(matches!(Npy::open(file.path()), Err(DataError::Format { .. })), "{bytes:?}");
        }
        assert!(matches!(Npy::open(Path::new("/no/such/file.npy")), Err(DataError::Io { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(header in "[ -~]{0,60}", data in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = open(&header, &data).map(|npy| npy.rows(0, 1));
        }

        #[test]
        fn fortran_order_is_the_transposed_array(shape in prop::collection::vec(1usize..4, 1..4)) {
            let count: usize = shape.iter().product();
            // Element `i` in C order is the number `i`.
            let mut stored = vec![0; count];
            for (at, index) in crate::affine::positions(&shape).enumerate() {
                let place = index.iter().zip(&shape).rev().fold(0, |place, (index, length)| place * length + index);
                stored[place] = at as u8;
            }
            prop_assert_eq!(c_order(&stored, &shape, 1), (0..count as u8).collect::<Vec<_>>());
        }
    }
}
