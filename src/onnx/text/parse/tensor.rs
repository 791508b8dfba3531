//! Tensors.

use super::ParseError;
use super::cursor::Cursor;
use super::element::Builder;
use crate::onnx::element::DataType;
use crate::onnx::schema::{Dimension, SparseTensorProto, TensorProto, TensorTypeProto, TypeProto};
use crate::onnx::wire::Numbers;
use bstr::BString;

/// A constant of either kind.
pub(super) enum Constant {
    Dense(Box<TensorProto>),
    Sparse(Box<SparseTensorProto>),
}

impl Cursor<'_> {
    /// What follows the type and the name of a constant.
    pub(super) fn constant(&mut self, kind: &TypeProto, name: Option<BString>) -> Result<Constant, ParseError> {
        if let Some(sparse) = &kind.sparse_tensor_type {
            return self.sparse_tensor(sparse, name).map(Box::new).map(Constant::Sparse);
        }
        match &kind.tensor_type {
            Some(dense) => self.dense_tensor(dense, name).map(Box::new).map(Constant::Dense),
            None => Err(self.error("expected the type of a tensor before its values")),
        }
    }

    /// `{1, 2}` or `["location": "file"]`.
    fn dense_tensor(&mut self, kind: &TensorTypeProto, name: Option<BString>) -> Result<TensorProto, ParseError> {
        let dims = Numbers::from(self.lengths(kind)?);
        let data_type = kind.elem_type;
        let mut tensor = TensorProto { dims, data_type, name, ..Default::default() };
        if self.eat(b'[') {
            tensor.data_location = Some(TensorProto::EXTERNAL);
            tensor.external_data = self.string_pairs()?.into();
            return Ok(tensor);
        }
        self.refuse_omitted()?;
        if !self.eat(b'{') {
            return Err(self.expected("values in braces, or `[` and where they are"));
        }
        self.elements(&mut tensor)?;
        Ok(tensor)
    }

    fn elements(&mut self, tensor: &mut TensorProto) -> Result<(), ParseError> {
        self.refuse_omitted()?;
        let at = self.position();
        let element = tensor.data_type.and_then(DataType::from_code);
        let element = element.ok_or_else(|| self.error("a tensor of an undefined type cannot have values"))?;
        let mut builder = Builder::new(element, &tensor.dims).ok_or_else(|| self.error("the shape is too large"))?;
        self.list(b'}', |this| this.element(&mut builder))?;
        if builder.missing() {
            return Err(self.error_at(at, &builder.wrong_count()));
        }
        builder.finish(tensor);
        Ok(())
    }

    /// The lengths of the axes of a constant, which are known.
    fn lengths(&mut self, kind: &TensorTypeProto) -> Result<Vec<i64>, ParseError> {
        let axes = kind.axes().ok_or_else(|| self.error("a tensor with values needs a shape, not `[]`"))?;
        let length = |axis: &Dimension| axis.dim_value.filter(|length| *length >= 0);
        let lengths = axes.iter().map(length).collect::<Option<_>>();
        lengths.ok_or_else(|| self.error("the dimensions of a tensor with values must be numbers"))
    }

    /// Values that are not there, in the way that they are left out here and by the reference.
    fn refuse_omitted(&mut self) -> Result<(), ParseError> {
        self.skip_space();
        if self.rest().starts_with(b"...") {
            return Err(self.error("the values of this tensor were left out when the text was printed"));
        }
        Ok(())
    }

    /// `{values, indices}`.
    fn sparse_tensor(
        &mut self,
        kind: &TensorTypeProto,
        name: Option<BString>,
    ) -> Result<SparseTensorProto, ParseError> {
        let dims = Numbers::from(self.lengths(kind)?);
        self.expect(b'{')?;
        let mut values = self.tensor()?;
        values.name = name;
        if values.data_type != kind.elem_type {
            return Err(self.error("the values of this sparse tensor are of another type"));
        }
        self.expect(b',')?;
        let indices = self.tensor()?;
        self.expect(b'}')?;
        Ok(SparseTensorProto { values: Some(values), indices: Some(indices), dims, ..Default::default() })
    }

    /// `float[2] name = {1, 2}`; name and equals sign are optional.
    fn tensor(&mut self) -> Result<TensorProto, ParseError> {
        let kind = self.value_type()?;
        // Before its values are read, which may contain a sparse tensor again.
        let dense = kind.tensor_type.ok_or_else(|| self.error("expected the type of a dense tensor"))?;
        let name = if self.next_is_name() { Some(self.name("a name")?) } else { None };
        self.eat(b'=');
        self.dense_tensor(&dense, name)
    }
}
