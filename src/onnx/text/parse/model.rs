//! The header of a model.

use super::ParseError;
use super::cursor::Cursor;
use crate::onnx::schema::{ModelProto, OperatorSetIdProto, StringStringEntryProto};

impl Cursor<'_> {
    pub(super) fn model(&mut self) -> Result<ModelProto, ParseError> {
        let mut model = ModelProto::default();
        if self.eat(b'<') {
            self.list(b'>', |this| this.model_entry(&mut model))?;
        }
        model.graph = Some(self.graph()?);
        while self.peek().is_some() {
            model.functions.push(self.function()?);
        }
        Ok(model)
    }

    fn model_entry(&mut self, model: &mut ModelProto) -> Result<(), ParseError> {
        self.skip_space();
        let at = self.position();
        let key = self.identifier("a key such as `ir_version`")?;
        self.expect(b':')?;
        match key {
            b"ir_version" => model.ir_version = Some(self.integer()?),
            b"opset_import" => model.opset_import = self.opset_imports()?,
            b"producer_name" => model.producer_name = Some(self.string("a string")?),
            b"producer_version" => model.producer_version = Some(self.string("a string")?),
            b"domain" => model.domain = Some(self.string("a string")?),
            b"model_version" => model.model_version = Some(self.integer()?),
            b"doc_string" => model.doc_string = Some(self.string("a string")?),
            b"metadata_props" => {
                self.expect(b'[')?;
                model.metadata_props = self.string_pairs()?;
            }
            _ => {
                return Err(self.error_at(
                    at,
                    "expected one of the keys ir_version, opset_import, producer_name, producer_version, domain, \
                     model_version, doc_string and metadata_props",
                ));
            }
        }
        Ok(())
    }

    /// `["" : 17, "ai.onnx.ml" : 3]`.
    pub(super) fn opset_imports(&mut self) -> Result<Vec<OperatorSetIdProto>, ParseError> {
        self.expect(b'[')?;
        self.list(b']', |this| {
            let domain = Some(this.string("the domain of an operator set in quotes")?);
            this.expect(b':')?;
            Ok(OperatorSetIdProto { domain, version: Some(this.integer()?), ..Default::default() })
        })
    }

    /// `["key": "value"]`, after the bracket.
    pub(super) fn string_pairs(&mut self) -> Result<Vec<StringStringEntryProto>, ParseError> {
        self.list(b']', |this| {
            let key = Some(this.string("a key in quotes")?);
            this.expect(b':')?;
            Ok(StringStringEntryProto { key, value: Some(this.string("a value in quotes")?), ..Default::default() })
        })
    }
}
