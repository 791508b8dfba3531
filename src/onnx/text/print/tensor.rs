//! Tensors: all elements, or a number and a hash.

use super::PrintError;
use super::writer::Writer;
use crate::onnx::TensorError;
use crate::onnx::access::text;
use crate::onnx::element::DataType;
use crate::onnx::payload::Payload;
use crate::onnx::schema::{SparseTensorProto, TensorProto};
use crate::onnx::text::names::{element_name, is_plain};
use bstr::{BStr, BString};
use half::{bf16, f16};
use std::fmt;
use std::io;
use xxhash_rust::xxh3::Xxh3;

/// Tensors of more elements than this are shortened unless all weights are wanted.
const SMALL: u64 = 16;

impl Writer<'_> {
    /// An initializer: `float[2] name = {1, 2}`.
    pub(super) fn initializer(&mut self, tensor: &TensorProto) -> Result<(), PrintError> {
        self.dense_type(tensor)?;
        self.put(" ")?;
        self.name(text(&tensor.name))?;
        self.put(" = ")?;
        self.elements(tensor)
    }

    /// A tensor in an attribute: `float[2] {1, 2}`. Without the equals sign external data
    /// would be read as dimensions. The name, which means nothing here, is left out if it
    /// needs quotes: the reference would take the type alone for the value of the attribute.
    pub(super) fn tensor(&mut self, tensor: &TensorProto) -> Result<(), PrintError> {
        let name = text(&tensor.name);
        self.constant(tensor, if is_plain(name) { name } else { BStr::new("") })
    }

    fn constant(&mut self, tensor: &TensorProto, name: &BStr) -> Result<(), PrintError> {
        self.dense_type(tensor)?;
        self.tensor_name(name)?;
        self.put(if tensor.is_external() { " = " } else { " " })?;
        self.elements(tensor)
    }

    /// `sparse_tensor(float[9]) name = {float[2] {1, 2}, int64[2] {0, 5}}`.
    pub(super) fn sparse_initializer(&mut self, sparse: &SparseTensorProto) -> Result<(), PrintError> {
        self.sparse_type(sparse)?;
        self.put(" ")?;
        self.name(sparse.name())?;
        self.sparse_elements(sparse)
    }

    /// The same in an attribute, where it need not have a name.
    pub(super) fn sparse_tensor(&mut self, sparse: &SparseTensorProto) -> Result<(), PrintError> {
        self.sparse_type(sparse)?;
        self.tensor_name(sparse.name())?;
        self.sparse_elements(sparse)
    }

    fn sparse_type(&mut self, sparse: &SparseTensorProto) -> Result<(), PrintError> {
        self.put("sparse_tensor(")?;
        self.put(element_name(sparse.values.as_ref().and_then(|values| values.data_type)))?;
        self.lengths(&sparse.dims)?;
        Ok(self.put(")")?)
    }

    fn sparse_elements(&mut self, sparse: &SparseTensorProto) -> Result<(), PrintError> {
        self.put(" = {")?;
        if sparse.dims.iter().any(|length| *length < 0) {
            self.malformed(malformed(sparse.name(), "a negative dimension"))?;
            return Ok(self.put("}")?);
        }
        let Some((values, indices)) = sparse.values.as_ref().zip(sparse.indices.as_ref()) else {
            self.malformed(malformed(sparse.name(), "a part is missing"))?;
            return Ok(self.put("}")?);
        };
        self.constant(values, BStr::new(""))?;
        self.put(", ")?;
        self.tensor(indices)?;
        Ok(self.put("}")?)
    }

    pub(super) fn dense_type(&mut self, tensor: &TensorProto) -> Result<(), PrintError> {
        self.put(element_name(tensor.data_type))?;
        self.lengths(&tensor.dims)
    }

    fn lengths(&mut self, dims: &[i64]) -> Result<(), PrintError> {
        self.axes(dims, |this, length| Ok(this.format(format_args!("{length}"))?))
    }

    fn tensor_name(&mut self, name: &BStr) -> Result<(), PrintError> {
        if name.is_empty() {
            return Ok(());
        }
        self.put(" ")?;
        Ok(self.name(name)?)
    }

    fn elements(&mut self, tensor: &TensorProto) -> Result<(), PrintError> {
        // The parser wants lengths of axes, wherever the elements are.
        if tensor.is_external() && tensor.shape().is_ok() {
            return self.string_pairs(&tensor.external_data);
        }
        match Elements::of(tensor) {
            Ok(elements) if self.options.weights || elements.count <= SMALL => self.all(&elements),
            Ok(elements) => self.shortened(&elements),
            Err(error) => {
                self.put("{")?;
                self.malformed(error)?;
                Ok(self.put("}")?)
            }
        }
    }

    /// What cannot be printed shall not stop somebody who only wants to look.
    fn malformed(&mut self, error: TensorError) -> Result<(), PrintError> {
        match error {
            TensorError::Malformed { what, .. } if !self.options.weights => {
                Ok(self.format(format_args!("...malformed: {what}"))?)
            }
            error => Err(error.into()),
        }
    }

    fn shortened(&mut self, elements: &Elements) -> Result<(), PrintError> {
        let hash = elements.hash()?;
        Ok(self.format(format_args!("{{...{} values, xxh3 {hash:016x}}}", elements.count))?)
    }

    pub(super) fn all(&mut self, elements: &Elements) -> Result<(), PrintError> {
        self.put("{")?;
        match &elements.data {
            Data::Strings(strings) => self.list(*strings, |this, value| Ok(this.quoted(value)?))?,
            Data::Bytes(DataType::Float6e2m3 | DataType::Float6e3m2, payload) => {
                let bytes = payload.to_bytes().map_err(TensorError::from)?;
                self.list(0..elements.count, |this, index| Ok(this.six_bits(&bytes, index)?))?;
            }
            Data::Bytes(element, payload) => self.numbers(*element, payload)?,
        }
        Ok(self.put("}")?)
    }

    fn numbers(&mut self, element: DataType, payload: &Payload) -> Result<(), PrintError> {
        let mut first = true;
        let mut written = Ok(());
        let each = |piece: &[u8]| {
            if written.is_ok() {
                written = self.piece(element, piece, &mut first);
            }
        };
        payload.for_each_piece(each).map_err(TensorError::from)?;
        Ok(written?)
    }

    /// Some elements. A piece of a payload ends where an element does.
    fn piece(&mut self, element: DataType, bytes: &[u8], first: &mut bool) -> io::Result<()> {
        let exact = self.options.weights;
        match element {
            DataType::Float | DataType::Complex64 => self.each(bytes, first, |w, le| w.float(f32::from_le_bytes(le))),
            DataType::Double | DataType::Complex128 => self.each(bytes, first, |w, le| w.float(f64::from_le_bytes(le))),
            DataType::Float16 if !exact => self.each(bytes, first, |w, le| w.half(f16::from_le_bytes(le))),
            DataType::Bfloat16 if !exact => self.each(bytes, first, |w, le| w.half(bf16::from_le_bytes(le))),
            DataType::Int8 => self.each(bytes, first, |w, le| w.integer(i8::from_le_bytes(le))),
            DataType::Int16 => self.each(bytes, first, |w, le| w.integer(i16::from_le_bytes(le))),
            DataType::Int32 => self.each(bytes, first, |w, le| w.integer(i32::from_le_bytes(le))),
            DataType::Int64 => self.each(bytes, first, |w, le| w.integer(i64::from_le_bytes(le))),
            DataType::Uint32 => self.each(bytes, first, |w, le| w.integer(u32::from_le_bytes(le))),
            DataType::Uint64 => self.each(bytes, first, |w, le| w.integer(u64::from_le_bytes(le))),
            DataType::Uint16 | DataType::Float16 | DataType::Bfloat16 => {
                self.each(bytes, first, |w, le| w.integer(u16::from_le_bytes(le)))
            }
            // Bit patterns of bytes; smaller elements are packed.
            _ => self.each(bytes, first, |w, le| w.integer(u8::from_le_bytes(le))),
        }
    }

    fn each<const N: usize>(
        &mut self,
        bytes: &[u8],
        first: &mut bool,
        one: impl Fn(&mut Self, [u8; N]) -> io::Result<()>,
    ) -> io::Result<()> {
        bytes.as_chunks().0.iter().try_for_each(|element| {
            self.put(if *first { "" } else { ", " })?;
            *first = false;
            one(self, *element)
        })
    }

    fn integer(&mut self, value: impl fmt::Display) -> io::Result<()> {
        self.format(format_args!("{value}"))
    }

    /// With a decimal point, which tells it from a bit pattern.
    fn half(&mut self, value: impl Into<f32>) -> io::Result<()> {
        let value = value.into();
        if value.is_finite() { self.format(format_args!("{value:?}")) } else { self.float(value) }
    }

    /// Elements of six bits follow each other without gaps, but in text each is a number.
    fn six_bits(&mut self, bytes: &[u8], index: u64) -> io::Result<()> {
        let bit = index as usize * 6;
        let pair = [bytes[bit / 8], bytes.get(bit / 8 + 1).copied().unwrap_or(0)];
        self.integer((u16::from_le_bytes(pair) >> (bit % 8)) & 0x3f)
    }
}

/// The elements of a tensor.
pub(super) struct Elements<'m> {
    count: u64,
    data: Data<'m>,
}

enum Data<'m> {
    Strings(&'m [BString]),
    Bytes(DataType, Payload),
}

impl<'m> Elements<'m> {
    pub(super) fn of(tensor: &'m TensorProto) -> Result<Self, TensorError> {
        let count = tensor.shape()?.iter().product::<usize>() as u64;
        match tensor.element() {
            Some(DataType::String) if tensor.string_data.len() as u64 == count => {
                Ok(Elements { count, data: Data::Strings(&tensor.string_data) })
            }
            Some(DataType::String) => Err(malformed(text(&tensor.name), "its data does not match its shape")),
            element => {
                let payload = tensor.little_endian()?;
                let element = element.ok_or_else(|| malformed(text(&tensor.name), "an unknown element type"))?;
                Ok(Elements { count, data: Data::Bytes(element, payload) })
            }
        }
    }

    /// xxh3 of the little-endian bytes; of strings, of each one's length (64 bits) and bytes.
    pub(super) fn hash(&self) -> Result<u64, TensorError> {
        let mut hash = Xxh3::new();
        match &self.data {
            Data::Bytes(_, payload) => payload.for_each_piece(|piece| hash.update(piece))?,
            Data::Strings(strings) => strings.iter().for_each(|string| {
                hash.update(&(string.len() as u64).to_le_bytes());
                hash.update(string);
            }),
        }
        Ok(hash.digest())
    }
}

fn malformed(tensor: &BStr, what: &'static str) -> TensorError {
    TensorError::Malformed { tensor: tensor.into(), what }
}
