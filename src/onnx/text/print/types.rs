//! Types of values.

use super::PrintError;
use super::writer::Writer;
use crate::onnx::access::text;
use crate::onnx::schema::{Dimension, OpaqueTypeProto, TensorTypeProto, TypeProto, ValueInfoProto};
use crate::onnx::text::names::{UNDEFINED, element_name, is_identifier};

impl Writer<'_> {
    /// `type name`, or only the name when there is no type.
    pub(super) fn value_info(&mut self, info: &ValueInfoProto) -> Result<(), PrintError> {
        if let Some(kind) = info.r#type.as_ref().filter(|kind| !is_empty(kind)) {
            self.value_type(kind)?;
            self.put(" ")?;
        }
        Ok(self.name(text(&info.name))?)
    }

    pub(super) fn value_type(&mut self, kind: &TypeProto) -> Result<(), PrintError> {
        if let Some(tensor) = &kind.tensor_type {
            self.tensor_type(tensor)
        } else if let Some(sequence) = &kind.sequence_type {
            self.enclosed("seq(", sequence.elem_type.as_ref())
        } else if let Some(map) = &kind.map_type {
            self.put("map(")?;
            self.put(element_name(map.key_type))?;
            self.enclosed(", ", map.value_type.as_ref())
        } else if let Some(optional) = &kind.optional_type {
            self.enclosed("optional(", optional.elem_type.as_ref())
        } else if let Some(sparse) = &kind.sparse_tensor_type {
            self.put("sparse_tensor(")?;
            self.tensor_type(sparse)?;
            Ok(self.put(")")?)
        } else if let Some(opaque) = &kind.opaque_type {
            self.opaque(opaque)
        } else {
            Ok(self.put(UNDEFINED)?)
        }
    }

    fn enclosed(&mut self, open: &str, inner: Option<&TypeProto>) -> Result<(), PrintError> {
        self.put(open)?;
        if let Some(inner) = inner {
            self.value_type(inner)?;
        }
        Ok(self.put(")")?)
    }

    /// `float` is a scalar, `float[]` a tensor of unknown rank.
    fn tensor_type(&mut self, tensor: &TensorTypeProto) -> Result<(), PrintError> {
        self.put(element_name(tensor.elem_type))?;
        match tensor.axes() {
            None => Ok(self.put("[]")?),
            Some(axes) => self.axes(axes, Self::dimension),
        }
    }

    /// `[2,3]`, or nothing for a scalar.
    pub(super) fn axes<T>(
        &mut self,
        axes: &[T],
        mut axis: impl FnMut(&mut Self, &T) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        for (index, length) in axes.iter().enumerate() {
            self.put(if index == 0 { "[" } else { "," })?;
            axis(self, length)?;
        }
        if !axes.is_empty() {
            self.put("]")?;
        }
        Ok(())
    }

    fn dimension(&mut self, dimension: &Dimension) -> Result<(), PrintError> {
        match (&dimension.dim_value, &dimension.dim_param) {
            (Some(value), _) => self.format(format_args!("{value}"))?,
            (None, Some(name)) if is_identifier(name) => self.format(format_args!("{name}"))?,
            (None, Some(name)) => self.quoted(name)?,
            (None, None) => self.put("?")?,
        }
        Ok(())
    }

    /// `opaque(name)` or `opaque(domain, name)`.
    fn opaque(&mut self, opaque: &OpaqueTypeProto) -> Result<(), PrintError> {
        let (domain, name) = (text(&opaque.domain), text(&opaque.name));
        self.put("opaque(")?;
        if !domain.is_empty() {
            self.dotted(domain)?;
            self.put(", ")?;
            self.name(name)?;
        } else if !name.is_empty() {
            self.dotted(name)?;
        }
        Ok(self.put(")")?)
    }
}

/// Whether nothing says what kind of type it is.
fn is_empty(kind: &TypeProto) -> bool {
    kind.tensor_type.is_none()
        && kind.sequence_type.is_none()
        && kind.map_type.is_none()
        && kind.optional_type.is_none()
        && kind.sparse_tensor_type.is_none()
        && kind.opaque_type.is_none()
}
