//! Model-local functions.

use super::PrintError;
use super::model::Entries;
use super::writer::Writer;
use crate::onnx::access::text;
use crate::onnx::schema::FunctionProto;

impl Writer<'_> {
    pub(super) fn function(&mut self, function: &FunctionProto) -> Result<(), PrintError> {
        self.put("\n")?;
        let mut open = Entries(0);
        open.string(self, "domain", &function.domain)?;
        open.string(self, "overload", &function.overload)?;
        if !function.opset_import.is_empty() {
            open.entry(self, "opset_import")?;
            self.opset_imports(&function.opset_import)?;
        }
        open.string(self, "doc_string", &function.doc_string)?;
        open.close(self)?;
        self.name(text(&function.name))?;
        self.parameters(function)?;
        self.put(" ")?;
        self.parenthesized(&function.input, |this, name| Ok(this.name(name)?))?;
        self.put(" => ")?;
        self.parenthesized(&function.output, |this, name| Ok(this.name(name)?))?;
        if !function.value_info.is_empty() {
            self.put("\n<")?;
            self.lines(&function.value_info, Self::value_info)?;
            self.put(">")?;
        }
        self.put("\n")?;
        self.nodes(&function.node)?;
        Ok(self.put("\n")?)
    }

    /// The attributes: those without a default, then those with one.
    fn parameters(&mut self, function: &FunctionProto) -> Result<(), PrintError> {
        let (plain, defaults) = (&function.attribute, &function.attribute_proto);
        if plain.is_empty() && defaults.is_empty() {
            return Ok(());
        }
        self.put(" <")?;
        self.names(plain)?;
        if !plain.is_empty() && !defaults.is_empty() {
            self.put(", ")?;
        }
        self.list(defaults, Self::attribute)?;
        Ok(self.put(">")?)
    }
}
