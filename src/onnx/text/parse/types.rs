//! Types of values.

use super::ParseError;
use super::cursor::Cursor;
use crate::onnx::schema::{
    Dimension, ElementTypeProto, MapTypeProto, OpaqueTypeProto, TensorShapeProto, TensorTypeProto, TypeProto,
};
use crate::onnx::text::names::{element_code, is_type_word};
use bstr::BString;

impl Cursor<'_> {
    pub(super) fn next_is_type(&mut self) -> bool {
        self.peek_identifier().is_some_and(is_type_word)
    }

    pub(super) fn value_type(&mut self) -> Result<TypeProto, ParseError> {
        self.nested(|this| {
            let mut kind = TypeProto::default();
            if this.peek_identifier().is_some_and(|word| element_code(word).is_some()) {
                kind.tensor_type = Some(this.tensor_type()?);
                return Ok(kind);
            }
            let Some(word) = this.peek_identifier().filter(|word| is_type_word(word)) else {
                return Err(this.expected("a type"));
            };
            this.advance(word.len());
            this.expect(b'(')?;
            match word {
                b"seq" => kind.sequence_type = Some(this.inner_type()?),
                b"optional" => kind.optional_type = Some(this.inner_type()?),
                b"map" => kind.map_type = Some(this.map_type()?),
                b"opaque" => kind.opaque_type = Some(this.opaque_type()?),
                _ => kind.sparse_tensor_type = Some(this.tensor_type()?),
            }
            this.expect(b')')?;
            Ok(kind)
        })
    }

    /// `float` is a scalar, `float[]` has an unknown rank, `float[N,3,?]` has axes.
    fn tensor_type(&mut self) -> Result<TensorTypeProto, ParseError> {
        let Some(code) = self.peek_identifier().and_then(element_code) else {
            return Err(self.expected("the type of elements"));
        };
        self.identifier("")?;
        let elem_type = Some(code);
        let mut shape = Some(TensorShapeProto::default());
        if !self.next_is_external() && self.eat(b'[') {
            let dim = self.list(b']', Self::dimension)?;
            shape = (!dim.is_empty()).then(|| TensorShapeProto { dim, ..Default::default() });
        }
        Ok(TensorTypeProto { elem_type, shape, ..Default::default() })
    }

    /// Whether `["key": ...` is next, which is no shape.
    pub(super) fn next_is_external(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        let start = self.position();
        self.advance(1);
        let external = self.peek() == Some(b'"') && self.peek_after_string() == Some(b':');
        self.return_to(start);
        external
    }

    fn dimension(&mut self) -> Result<Dimension, ParseError> {
        let mut dimension = Dimension::default();
        if self.next_is_name() {
            dimension.dim_param = Some(self.name("a dimension")?);
        } else if !self.eat(b'?') {
            if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
                return Err(self.expected("a dimension: a number, a name or `?`"));
            }
            dimension.dim_value = Some(self.integer()?);
        }
        Ok(dimension)
    }

    fn inner_type(&mut self) -> Result<Box<ElementTypeProto>, ParseError> {
        Ok(Box::new(ElementTypeProto { elem_type: self.optional_type()?, ..Default::default() }))
    }

    fn map_type(&mut self) -> Result<Box<MapTypeProto>, ParseError> {
        let Some(key) = self.peek_identifier().and_then(element_code) else {
            return Err(self.expected("the type of keys"));
        };
        self.identifier("")?;
        self.expect(b',')?;
        Ok(Box::new(MapTypeProto { key_type: Some(key), value_type: self.optional_type()?, ..Default::default() }))
    }

    fn optional_type(&mut self) -> Result<Option<TypeProto>, ParseError> {
        if self.peek() == Some(b')') { Ok(None) } else { self.value_type().map(Some) }
    }

    /// `name`, which may have dots, or `domain, name`.
    fn opaque_type(&mut self) -> Result<OpaqueTypeProto, ParseError> {
        let mut opaque = OpaqueTypeProto::default();
        if self.peek() == Some(b')') {
            return Ok(opaque);
        }
        let mut name = self.name("a name or `)`")?;
        while self.eat(b'.') {
            name.push(b'.');
            name.extend_from_slice(&self.name("a name")?);
        }
        if self.eat(b',') {
            opaque.domain = Some(name);
            name = if self.next_is_name() { self.name("a name")? } else { BString::default() };
        }
        opaque.name = Some(name);
        Ok(opaque)
    }
}
