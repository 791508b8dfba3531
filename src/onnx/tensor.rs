//! Tensors: sizes, values, and where the schema lets them be stored.

use super::access::text;
use super::element::{DataType, FloatType};
use super::external_data::ExternalData;
use super::payload::{Payload, PayloadError};
use super::schema::TensorProto;
use super::wire::Numbers;
use bstr::BString;

/// Why the values of a tensor cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TensorError {
    /// The tensor contradicts itself.
    #[error("tensor `{tensor}` is malformed: {what}")]
    Malformed {
        /// The name of the tensor.
        tensor: BString,
        /// What is wrong.
        what: &'static str,
    },
    /// The elements are in another file, which was not looked for.
    #[error("tensor `{tensor}` is external data that was not loaded")]
    External {
        /// The name of the tensor.
        tensor: BString,
    },
    /// The bytes cannot be read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// How many elements a tensor of these dimensions has; `None` when one is negative, or there
/// are more than could be addressed, however wide they are: their bits can be counted as well.
pub fn element_count(dims: &[i64]) -> Option<usize> {
    let count = dims.iter().try_fold(1usize, |count, dim| count.checked_mul(usize::try_from(*dim).ok()?))?;
    (count < isize::MAX as usize / 128).then_some(count)
}

impl TensorProto {
    /// A tensor of floats, each rounded once, stored as `raw_data`.
    pub fn floats(name: impl Into<BString>, element: FloatType, dims: &[usize], values: &[f64]) -> Self {
        debug_assert_eq!(dims.iter().product::<usize>(), values.len());
        let mut tensor = TensorProto::empty(name, element.data_type(), dims);
        tensor.set_elements(element.encode(values).into());
        tensor
    }

    /// A tensor of this type and shape that has no elements yet.
    pub fn empty(name: impl Into<BString>, element: DataType, dims: &[usize]) -> Self {
        TensorProto {
            dims: Numbers::from(dims.iter().map(|dim| *dim as i64).collect::<Vec<_>>()),
            data_type: Some(element.code()),
            name: Some(name.into()),
            ..Default::default()
        }
    }

    /// The lengths of the axes.
    ///
    /// # Errors
    /// When one is negative or the number of elements overflows.
    pub fn shape(&self) -> Result<Vec<usize>, TensorError> {
        let shape: Option<Vec<usize>> = self.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
        let shape = shape.ok_or_else(|| self.malformed("a negative dimension"))?;
        element_count(&self.dims).map(|_| shape).ok_or_else(|| self.malformed("its dimensions overflow"))
    }

    /// `TensorProto.DataLocation` of a tensor whose elements are in another file.
    pub const EXTERNAL: i32 = 1;

    /// Whether the elements are in another file (`data_location = EXTERNAL`).
    pub fn is_external(&self) -> bool {
        self.data_location == Some(Self::EXTERNAL)
    }

    /// The elements as little-endian bytes, wherever the schema put them, and only if there
    /// are as many as the shape says.
    ///
    /// # Errors
    /// When the elements are external, do not match the shape, or are of a type without
    /// fixed size.
    pub fn little_endian(&self) -> Result<Payload, TensorError> {
        let element = self.element().ok_or_else(|| self.malformed("an unknown element type"))?;
        let bits = element.bits().ok_or_else(|| self.malformed("strings where numbers are expected"))?;
        let count: usize = self.shape()?.iter().product();
        let expected = (count as u64 * u64::from(bits)).div_ceil(8);
        let payload = match self.external_data.payload() {
            Some(payload) if self.is_external() => payload.clone(),
            _ if self.is_external() => return Err(TensorError::External { tensor: text(&self.name).into() }),
            _ => self.stored(element, bits),
        };
        if payload.len() != expected {
            return Err(self.malformed("its data does not match its shape"));
        }
        Ok(payload)
    }

    fn stored(&self, element: DataType, bits: u32) -> Payload {
        let wide = |bytes: Vec<u8>| Payload::from(bytes);
        // Some writers set it, to nothing, beside the typed field.
        if let Some(raw) = self.raw_data.as_ref().filter(|raw| !raw.is_empty()) {
            return raw.clone();
        }
        match element {
            DataType::Float | DataType::Complex64 => self.float_data.payload().cloned().unwrap_or_default(),
            DataType::Double | DataType::Complex128 => self.double_data.payload().cloned().unwrap_or_default(),
            DataType::Int64 => wide(self.int64_data.iter().flat_map(|value| value.to_le_bytes()).collect()),
            DataType::Uint64 => wide(self.uint64_data.iter().flat_map(|value| value.to_le_bytes()).collect()),
            DataType::Uint32 => wide(self.uint64_data.iter().flat_map(|value| (*value as u32).to_le_bytes()).collect()),
            DataType::Float6e2m3 | DataType::Float6e3m2 => {
                wide(pack_six_bits(self.int32_data.iter().map(|value| *value as u8)))
            }
            _ => {
                // One number per element, or per byte of elements smaller than that.
                let bytes = bits.div_ceil(8) as usize;
                wide(self.int32_data.iter().flat_map(|value| value.to_le_bytes().into_iter().take(bytes)).collect())
            }
        }
    }

    /// The elements of a floating-point tensor, exactly.
    ///
    /// # Errors
    /// As [`little_endian`](Self::little_endian), and when the type is not f16, bf16, f32 or f64.
    pub fn float_values(&self) -> Result<Vec<f64>, TensorError> {
        let element = self.element().and_then(DataType::float);
        let element = element.ok_or_else(|| self.malformed("not floating-point"))?;
        Ok(element.decode(&self.little_endian()?.to_bytes()?))
    }

    /// The elements of an int64 or int32 tensor.
    ///
    /// # Errors
    /// As [`little_endian`](Self::little_endian), and when the type is another one.
    pub fn int_values(&self) -> Result<Vec<i64>, TensorError> {
        let bytes = self.little_endian()?.to_bytes()?;
        match self.element() {
            Some(DataType::Int64) => Ok(bytes.as_chunks().0.iter().map(|le| i64::from_le_bytes(*le)).collect()),
            Some(DataType::Int32) => Ok(bytes.as_chunks().0.iter().map(|le| i32::from_le_bytes(*le).into()).collect()),
            _ => Err(self.malformed("not int32 or int64")),
        }
    }

    /// Replaces the elements by others of the same type and shape: in the other file, if that
    /// is where they are, else in `raw_data`.
    pub fn set_elements(&mut self, payload: Payload) {
        if self.is_external() && self.external_data.replace(&payload) {
            return;
        }
        self.clear_elements();
        self.raw_data = Some(payload);
    }

    /// Removes the elements from all places where the schema lets them be.
    pub(super) fn clear_elements(&mut self) {
        self.raw_data = None;
        self.float_data.set(None);
        self.double_data.set(None);
        self.int32_data = Numbers::default();
        self.int64_data = Numbers::default();
        self.uint64_data = Numbers::default();
        self.external_data = ExternalData::default();
        self.data_location = None;
    }

    fn malformed(&self, what: &'static str) -> TensorError {
        TensorError::Malformed { tensor: text(&self.name).into(), what }
    }
}

/// Elements of six bits as `raw_data` has them: four in three bytes, the first in the lowest
/// bits. In `int32_data` and in text each has a number of its own.
pub(super) fn pack_six_bits(elements: impl ExactSizeIterator<Item = u8>) -> Vec<u8> {
    let mut packed = vec![0; (elements.len() * 6).div_ceil(8)];
    for (index, element) in elements.enumerate() {
        let bit = index * 6;
        let [low, high] = (u16::from(element & 0x3f) << (bit % 8)).to_le_bytes();
        packed[bit / 8] |= low;
        if high != 0 {
            packed[bit / 8 + 1] |= high;
        }
    }
    packed
}
