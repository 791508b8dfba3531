//! Attributes.

use super::PrintError;
use super::writer::Writer;
use crate::onnx::access::text;
use crate::onnx::schema::{AttributeProto, GraphProto, TensorProto, TypeProto};
use crate::onnx::text::names::{UNDEFINED, attribute_type_name};

impl Writer<'_> {
    /// `name: type = value`. The type is always there: without it `1` would be an integer and
    /// an empty list nothing. An attribute that has neither type nor value is an empty list of
    /// the type `undefined`.
    pub(super) fn attribute(&mut self, attribute: &AttributeProto) -> Result<(), PrintError> {
        self.name(text(&attribute.name))?;
        let code = code(attribute);
        let is_reference = attribute.ref_attr_name.is_some();
        if let Some(name) = attribute_type_name(code).or((!is_reference).then_some(UNDEFINED)) {
            self.put(": ")?;
            self.put(name)?;
        }
        self.put(" = ")?;
        self.value_of(attribute)
    }

    /// What stands behind the equals sign.
    pub(super) fn value_of(&mut self, attribute: &AttributeProto) -> Result<(), PrintError> {
        match &attribute.ref_attr_name {
            Some(name) => {
                self.put("@")?;
                Ok(self.name(name)?)
            }
            None => self.attribute_value(attribute, code(attribute)),
        }
    }

    fn attribute_value(&mut self, attribute: &AttributeProto, code: i32) -> Result<(), PrintError> {
        match code {
            1 => Ok(self.float(attribute.f.unwrap_or(0.0))?),
            2 => Ok(self.format(format_args!("{}", attribute.i.unwrap_or(0)))?),
            3 => Ok(self.quoted(text(&attribute.s))?),
            4 => match &attribute.t {
                Some(tensor) => self.tensor(tensor),
                None => self.tensor(&TensorProto::default()),
            },
            5 => match &attribute.g {
                Some(graph) => self.graph(graph),
                None => self.graph(&GraphProto::default()),
            },
            11 => self.sparse_tensor(attribute.sparse_tensor.as_deref().unwrap_or(&Default::default())),
            13 => self.value_type(attribute.tp.as_deref().unwrap_or(&TypeProto::default())),
            _ => self.attribute_list(attribute, code),
        }
    }

    fn attribute_list(&mut self, attribute: &AttributeProto, code: i32) -> Result<(), PrintError> {
        self.put("[")?;
        match code {
            6 => self.list(attribute.floats.iter(), |this, value| Ok(this.float(*value)?))?,
            7 => self.list(attribute.ints.iter(), |this, value| Ok(this.format(format_args!("{value}"))?))?,
            8 => self.list(&attribute.strings, |this, value| Ok(this.quoted(value)?))?,
            9 => self.list(&attribute.tensors, Self::tensor)?,
            10 => self.list(&attribute.graphs, Self::graph)?,
            12 => self.list(&attribute.sparse_tensors, Self::sparse_tensor)?,
            14 => self.list(&attribute.type_protos, Self::value_type)?,
            _ => {}
        }
        Ok(self.put("]")?)
    }
}

/// Whether graphs are printed for it, which take more than a line.
pub(super) fn is_long(attribute: &AttributeProto) -> bool {
    attribute.ref_attr_name.is_none() && matches!(code(attribute), 5 | 10)
}

/// Attributes of IR version 1 do not say their type: it is that of their value.
fn code(attribute: &AttributeProto) -> i32 {
    let declared = attribute.r#type.filter(|code| *code != 0);
    declared.or_else(|| attribute.value_types().next()).unwrap_or(0)
}
