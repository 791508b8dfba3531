//! Model-local functions.

use super::ParseError;
use super::cursor::Cursor;
use crate::onnx::schema::{FunctionProto, ValueInfoProto};
use bstr::BString;

impl Cursor<'_> {
    pub(super) fn function(&mut self) -> Result<FunctionProto, ParseError> {
        let mut function = FunctionProto::default();
        if self.eat(b'<') {
            self.list(b'>', |this| this.function_entry(&mut function))?;
        }
        function.name = Some(self.name("the name of a function")?);
        if self.eat(b'<') {
            self.list(b'>', |this| this.parameter(&mut function))?;
        }
        function.input = self.function_values(&mut function.value_info)?;
        self.arrow()?;
        function.output = self.function_values(&mut function.value_info)?;
        if self.eat(b'<') {
            function.value_info.extend(self.list(b'>', Self::value_info)?);
        }
        function.node = self.nodes()?;
        Ok(function)
    }

    fn function_entry(&mut self, function: &mut FunctionProto) -> Result<(), ParseError> {
        self.skip_space();
        let at = self.position();
        let key = self.identifier("a key such as `domain`")?;
        self.expect(b':')?;
        match key {
            b"domain" => function.domain = Some(self.string("a string")?),
            b"overload" => function.overload = Some(self.string("a string")?),
            b"doc_string" => function.doc_string = Some(self.string("a string")?),
            b"opset_import" => function.opset_import = self.opset_imports()?,
            _ => {
                let message = "expected one of the keys domain, overload, opset_import and doc_string";
                return Err(self.error_at(at, message));
            }
        }
        Ok(())
    }

    /// An attribute: its name, or with its default.
    fn parameter(&mut self, function: &mut FunctionProto) -> Result<(), ParseError> {
        let name = self.name("the name of an attribute")?;
        if matches!(self.peek(), Some(b':' | b'=')) {
            let attribute = self.attribute_after(name)?;
            return self.push(&mut function.attribute_proto, attribute);
        }
        self.push(&mut function.attribute, name)
    }

    /// Inputs or outputs: names, those that have a type also among the value infos.
    fn function_values(&mut self, infos: &mut Vec<ValueInfoProto>) -> Result<Vec<BString>, ParseError> {
        self.expect(b'(')?;
        self.list(b')', |this| {
            let info = this.value_info()?;
            let name = info.name.clone().unwrap_or_default();
            if info.r#type.is_some() {
                this.push(infos, info)?;
            }
            Ok(name)
        })
    }
}
