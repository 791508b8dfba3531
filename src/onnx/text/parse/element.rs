//! Elements of tensors.

use super::ParseError;
use super::cursor::Cursor;
use super::number::Literal;
use crate::onnx::element::DataType;
use crate::onnx::schema::TensorProto;
use crate::onnx::tensor::pack_six_bits;
use bstr::BString;
use half::{bf16, f16};

/// The elements of a tensor so far.
pub(super) struct Builder {
    element: DataType,
    dims: Vec<i64>,
    /// How many values the shape wants.
    wanted: u64,
    found: u64,
    bytes: Vec<u8>,
    strings: Vec<BString>,
}

impl Builder {
    /// `None` if there would be too many elements.
    pub(super) fn new(element: DataType, dims: &[i64]) -> Option<Self> {
        let lengths = dims.iter().map(|length| u64::try_from(*length).ok());
        let count = lengths.into_iter().try_fold(1u64, |count, length| count.checked_mul(length?))?;
        let wanted = match element {
            DataType::Complex64 | DataType::Complex128 => count.checked_mul(2)?,
            DataType::Int4 | DataType::Uint4 | DataType::Float4e2m1 => count.div_ceil(2),
            DataType::Int2 | DataType::Uint2 => count.div_ceil(4),
            _ => count,
        };
        Some(Builder { element, dims: dims.to_vec(), wanted, found: 0, bytes: Vec::new(), strings: Vec::new() })
    }

    pub(super) fn missing(&self) -> bool {
        self.found < self.wanted
    }

    pub(super) fn wrong_count(&self) -> String {
        let found = if self.missing() { format!("there are {}", self.found) } else { "there are more".to_owned() };
        let packed = if self.element.bits().is_some_and(|bits| bits < 6) { " (bytes of packed elements)" } else { "" };
        format!("expected {} values{packed} for the shape {:?}, but {found}", self.wanted, self.dims)
    }

    pub(super) fn finish(mut self, tensor: &mut TensorProto) {
        if self.element == DataType::String {
            tensor.string_data = self.strings;
            return;
        }
        if matches!(self.element, DataType::Float6e2m3 | DataType::Float6e3m2) {
            self.bytes = pack_six_bits(self.bytes.into_iter());
        }
        tensor.raw_data = Some(self.bytes.into());
    }
}

impl Cursor<'_> {
    pub(super) fn element(&mut self, builder: &mut Builder) -> Result<(), ParseError> {
        self.skip_space();
        if !builder.missing() {
            return Err(self.error(&builder.wrong_count()));
        }
        builder.found += 1;
        if builder.element == DataType::String {
            builder.strings.push(self.string("a string")?);
            return Ok(());
        }
        let literal = self.number()?;
        self.numeric(builder.element, literal, &mut builder.bytes)
    }

    fn numeric(&self, element: DataType, literal: Literal, out: &mut Vec<u8>) -> Result<(), ParseError> {
        let (min, max, bytes) = match element {
            DataType::Float | DataType::Complex64 => {
                out.extend(self.to_f32(literal)?.to_le_bytes());
                return Ok(());
            }
            DataType::Double | DataType::Complex128 => {
                out.extend(self.to_f64(literal)?.to_le_bytes());
                return Ok(());
            }
            DataType::Float16 | DataType::Bfloat16 if literal.is_float => {
                out.extend(self.half(element, literal)?);
                return Ok(());
            }
            DataType::Int8 => (i8::MIN.into(), i8::MAX.into(), 1),
            DataType::Int16 => (i16::MIN.into(), i16::MAX.into(), 2),
            DataType::Int32 => (i32::MIN.into(), i32::MAX.into(), 4),
            DataType::Int64 => (i64::MIN.into(), i64::MAX.into(), 8),
            DataType::Uint16 => (0, u16::MAX.into(), 2),
            DataType::Uint32 => (0, u32::MAX.into(), 4),
            DataType::Uint64 => (0, u64::MAX.into(), 8),
            // Bit patterns, which some writers extend by their sign.
            DataType::Float16 | DataType::Bfloat16 => (i16::MIN.into(), u16::MAX.into(), 2),
            DataType::Float6e2m3 | DataType::Float6e3m2 => (0, 0x3f, 1),
            DataType::Uint8 | DataType::Bool => (0, u8::MAX.into(), 1),
            _ => (i8::MIN.into(), u8::MAX.into(), 1),
        };
        let value = self.to_integer(literal, min, max)?;
        out.extend(&value.to_le_bytes()[..bytes]);
        Ok(())
    }

    /// A number that is not a bit pattern, rounded once.
    fn half(&self, element: DataType, literal: Literal) -> Result<[u8; 2], ParseError> {
        let value = self.to_f64(literal)?;
        let (bytes, rounded) = if element == DataType::Float16 {
            let half = f16::from_f64(value);
            (half.to_le_bytes(), half.to_f64())
        } else {
            let half = bf16::from_f64(value);
            (half.to_le_bytes(), half.to_f64())
        };
        if value.is_finite() && !rounded.is_finite() {
            return Err(self.error_at(literal.at, "this number does not fit its type"));
        }
        Ok(bytes)
    }
}
