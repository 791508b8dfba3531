//! The header of a model.

use super::PrintError;
use super::writer::Writer;
use crate::onnx::access::text;
use crate::onnx::schema::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use bstr::BString;

impl Writer<'_> {
    pub(super) fn model(&mut self, model: &ModelProto) -> Result<(), PrintError> {
        self.header(model)?;
        match &model.graph {
            Some(graph) => self.graph(graph)?,
            None => self.graph(&GraphProto::default())?,
        }
        self.put("\n")?;
        model.functions.iter().try_for_each(|function| self.function(function))
    }

    fn header(&mut self, model: &ModelProto) -> Result<(), PrintError> {
        let mut open = Entries(0);
        if let Some(version) = model.ir_version {
            open.entry(self, "ir_version")?;
            self.format(format_args!("{version}"))?;
        }
        if !model.opset_import.is_empty() {
            open.entry(self, "opset_import")?;
            self.opset_imports(&model.opset_import)?;
        }
        open.string(self, "producer_name", &model.producer_name)?;
        open.string(self, "producer_version", &model.producer_version)?;
        open.string(self, "domain", &model.domain)?;
        if let Some(version) = model.model_version {
            open.entry(self, "model_version")?;
            self.format(format_args!("{version}"))?;
        }
        open.string(self, "doc_string", &model.doc_string)?;
        if !model.metadata_props.is_empty() {
            open.entry(self, "metadata_props")?;
            self.string_pairs(&model.metadata_props)?;
        }
        open.close(self)
    }

    pub(super) fn opset_imports(&mut self, imports: &[OperatorSetIdProto]) -> Result<(), PrintError> {
        self.put("[")?;
        self.list(imports, |this, import| {
            this.quoted(text(&import.domain))?;
            Ok(this.format(format_args!(" : {}", import.version.unwrap_or(0)))?)
        })?;
        Ok(self.put("]")?)
    }

    pub(super) fn string_pairs(&mut self, pairs: &[StringStringEntryProto]) -> Result<(), PrintError> {
        self.put("[")?;
        self.list(pairs, |this, pair| {
            this.quoted(text(&pair.key))?;
            this.put(": ")?;
            Ok(this.quoted(text(&pair.value))?)
        })?;
        Ok(self.put("]")?)
    }
}

/// The entries of a header so far. The reference does not read an empty one.
pub(super) struct Entries(pub(super) usize);

impl Entries {
    pub(super) fn entry(&mut self, writer: &mut Writer, key: &str) -> Result<(), PrintError> {
        writer.put(if self.0 == 0 { "<\n   " } else { ",\n   " })?;
        self.0 += 1;
        writer.put(key)?;
        Ok(writer.put(": ")?)
    }

    pub(super) fn string(&mut self, writer: &mut Writer, key: &str, value: &Option<BString>) -> Result<(), PrintError> {
        let Some(value) = value else { return Ok(()) };
        self.entry(writer, key)?;
        Ok(writer.quoted(value)?)
    }

    pub(super) fn close(&self, writer: &mut Writer) -> Result<(), PrintError> {
        if self.0 > 0 {
            writer.put("\n>\n")?;
        }
        Ok(())
    }
}
