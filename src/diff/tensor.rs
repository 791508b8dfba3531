//! Two tensors: are they the same, and if not, how far are they apart? Elements are read piece by
//! piece.

use super::report::Difference;
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::payload::{Payload, PayloadError};
use crate::onnx::schema::TensorProto;
use crate::onnx::text::fragment::{content_hash, elements};
use crate::onnx::{TensorError, element_count};

/// Up to so many elements are shown as they are.
const FEW: usize = 4;
/// How many bytes are read at once: whole elements of every type.
const PIECE: usize = 64 << 10;
/// How many numbers are compared at once.
const NUMBERS: u64 = 8 << 10;

/// What can be said of elements that differ.
pub(super) struct Contrast {
    pub before: String,
    pub after: String,
    pub difference: Option<Difference>,
}

/// Compares the elements of two tensors; nothing if they are the same.
pub(super) fn contrast(a: &TensorProto, b: &TensorProto) -> Result<Option<Contrast>, TensorError> {
    let same_shape = a.dims.as_slice() == b.dims.as_slice();
    if same_shape && a.data_type == b.data_type && same_elements(a, b)? {
        return Ok(None);
    }
    let difference = if same_shape { difference(a, b)? } else { None };
    Ok(Some(Contrast { before: content(a)?, after: content(b)?, difference }))
}

/// The elements, if they are few, else the first half of their hash.
pub(super) fn content(tensor: &TensorProto) -> Result<String, TensorError> {
    if tensor.element() != Some(DataType::String) && element_count(&tensor.dims).is_some_and(|count| count <= FEW) {
        return elements(tensor);
    }
    Ok(format!("{:08x}", content_hash(tensor)? >> 32))
}

fn same_elements(a: &TensorProto, b: &TensorProto) -> Result<bool, TensorError> {
    if a.element() == Some(DataType::String) {
        return Ok(a.string_data == b.string_data);
    }
    let (a, b) = (a.little_endian()?, b.little_endian()?);
    Ok(a.is_same_place(&b) || same_bytes(&a, &b)?)
}

fn same_bytes(a: &Payload, b: &Payload) -> Result<bool, PayloadError> {
    let mut same = a.len() == b.len();
    each_pair(a, b, |old, new| {
        same &= old == new;
        same
    })?;
    Ok(same)
}

/// Calls `each` with the same pieces of two payloads of one length, as long as it returns true.
fn each_pair(a: &Payload, b: &Payload, mut each: impl FnMut(&[u8], &[u8]) -> bool) -> Result<(), PayloadError> {
    let mut blocks = [(); 2].map(|()| vec![0; a.len().min(PIECE as u64) as usize]);
    let mut offset = 0;
    while offset < a.len() && a.len() == b.len() {
        let piece = (a.len() - offset).min(PIECE as u64) as usize;
        let [old, new] = &mut blocks;
        a.read(offset, &mut old[..piece])?;
        b.read(offset, &mut new[..piece])?;
        if !each(&old[..piece], &new[..piece]) {
            break;
        }
        offset += piece as u64;
    }
    Ok(())
}

/// How far apart the numbers of two tensors of one shape are, whatever their types; nothing for
/// types that have no numbers of whole bytes.
fn difference(a: &TensorProto, b: &TensorProto) -> Result<Option<Difference>, TensorError> {
    let (Some(old), Some(new)) = (Numbers::of(a)?, Numbers::of(b)?) else { return Ok(None) };
    let mut sums = Sums::default();
    let count = old.count().min(new.count());
    for first in (0..count).step_by(NUMBERS as usize) {
        let piece = NUMBERS.min(count - first);
        old.read(first, piece)?.into_iter().zip(new.read(first, piece)?).for_each(|(old, new)| sums.add(old, new));
    }
    Ok(Some(sums.difference()))
}

/// The elements of a tensor as numbers.
struct Numbers {
    payload: Payload,
    size: u64,
    decode: Decoder,
}

impl Numbers {
    fn of(tensor: &TensorProto) -> Result<Option<Numbers>, TensorError> {
        let Some((element, decode)) = tensor.element().and_then(|element| Some((element, decoder(element)?))) else {
            return Ok(None);
        };
        let size = u64::from(element.bits().unwrap_or(8)) / 8;
        Ok(Some(Numbers { payload: tensor.little_endian()?, size, decode }))
    }

    fn count(&self) -> u64 {
        self.payload.len() / self.size
    }

    fn read(&self, first: u64, count: u64) -> Result<Vec<f64>, PayloadError> {
        let mut bytes = vec![0; (count * self.size) as usize];
        self.payload.read(first * self.size, &mut bytes)?;
        Ok((self.decode)(&bytes))
    }
}

#[derive(Default)]
struct Sums {
    max_abs: f64,
    squared_difference: f64,
    squared_norm: f64,
}

impl Sums {
    fn add(&mut self, old: f64, new: f64) {
        let same = old == new || old.is_nan() && new.is_nan();
        let difference = if same { 0.0 } else { (new - old).abs() };
        // A NaN stays.
        if difference.is_nan() || difference > self.max_abs {
            self.max_abs = difference;
        }
        self.squared_difference += difference * difference;
        self.squared_norm += old * old;
    }

    fn difference(&self) -> Difference {
        let relative = (self.squared_difference / self.squared_norm).sqrt();
        Difference { max_abs: self.max_abs, relative: Some(relative).filter(|relative| relative.is_finite()) }
    }
}

type Decoder = Box<dyn Fn(&[u8]) -> Vec<f64>>;

fn decoder(element: DataType) -> Option<Decoder> {
    fn of<const N: usize>(number: impl Fn([u8; N]) -> f64 + 'static) -> Option<Decoder> {
        Some(Box::new(move |bytes| bytes.as_chunks().0.iter().map(|le| number(*le)).collect()))
    }
    if let Some(float) = element.float() {
        return Some(Box::new(move |bytes| FloatType::decode(float, bytes)));
    }
    match element {
        DataType::Int8 => of(|le| i8::from_le_bytes(le).into()),
        DataType::Uint8 | DataType::Bool => of(|le| u8::from_le_bytes(le).into()),
        DataType::Int16 => of(|le| i16::from_le_bytes(le).into()),
        DataType::Uint16 => of(|le| u16::from_le_bytes(le).into()),
        DataType::Int32 => of(|le| i32::from_le_bytes(le).into()),
        DataType::Uint32 => of(|le| u32::from_le_bytes(le).into()),
        DataType::Int64 => of(|le| i64::from_le_bytes(le) as f64),
        DataType::Uint64 => of(|le| u64::from_le_bytes(le) as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f64]) -> TensorProto {
        TensorProto::floats("w", FloatType::F32, &[values.len()], values)
    }

    #[test]
    fn the_largest_difference_and_the_relative_norm() {
        let contrast = contrast(&floats(&[3.0, 4.0]), &floats(&[3.0, 4.5])).unwrap().unwrap();
        assert_eq!(contrast.difference, Some(Difference { max_abs: 0.5, relative: Some(0.1) }));
        assert_eq!((contrast.before.as_str(), contrast.after.as_str()), ("{3, 4}", "{3, 4.5}"));
    }

    #[test]
    fn a_nan_is_the_same_as_a_nan_and_differs_from_numbers() {
        assert!(contrast(&floats(&[f64::NAN]), &floats(&[f64::NAN])).unwrap().is_none());
        let contrast = contrast(&floats(&[f64::NAN, 0.0]), &floats(&[1.0, 9.0])).unwrap().unwrap();
        let difference = contrast.difference.unwrap();
        assert!(difference.max_abs.is_nan() && difference.relative.is_none());
    }

    #[test]
    fn numbers_of_other_types_are_compared_as_numbers() {
        let half = TensorProto::floats("w", FloatType::F16, &[2], &[3.0, 4.5]);
        let contrast = contrast(&floats(&[3.0, 4.0]), &half).unwrap().unwrap();
        assert_eq!(contrast.difference, Some(Difference { max_abs: 0.5, relative: Some(0.1) }));
    }

    #[test]
    fn pieces_are_put_together() {
        let old: Vec<f64> = (0..50_000).map(f64::from).collect();
        let mut new = old.clone();
        new[49_999] += 2.0;
        let contrast = contrast(&floats(&old), &floats(&new)).unwrap().unwrap();
        assert_eq!(contrast.difference.unwrap().max_abs, 2.0);
        assert_eq!((contrast.before.len(), contrast.after.len()), (8, 8));
        assert_ne!(contrast.before, contrast.after);
    }
}
