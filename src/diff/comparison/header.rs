//! What models say of themselves.

use super::encoding::same_encodings;
use super::{Comparison, Fields};
use crate::diff::report::{Change, FieldChange};
use crate::onnx::schema::ModelProto;

impl Comparison<'_, '_> {
    /// Versions, operator sets, producer, metadata.
    pub fn model(&mut self, a: &ModelProto, b: &ModelProto) -> Vec<FieldChange> {
        let mut fields = Fields::new(&mut self.hidden, "the model");
        fields.number("ir_version", a.ir_version, b.ir_version);
        fields.imports(&a.opset_import, &b.opset_import);
        fields.string("producer_name", a.producer_name.as_ref(), b.producer_name.as_ref());
        fields.string("producer_version", a.producer_version.as_ref(), b.producer_version.as_ref());
        fields.string("domain", a.domain.as_ref(), b.domain.as_ref());
        fields.number("model_version", a.model_version, b.model_version);
        fields.string("doc_string", a.doc_string.as_ref(), b.doc_string.as_ref());
        fields.entries("metadata", &a.metadata_props, &b.metadata_props);
        fields.hidden(a.unknown != b.unknown);
        let unseen = [
            ("training information", same_encodings(&a.training_info, &b.training_info)),
            ("device configurations", same_encodings(&a.configuration, &b.configuration)),
        ];
        for (field, _) in unseen.into_iter().filter(|(_, same)| !same) {
            fields.changes.push(FieldChange { field: field.into(), value: Change::default() });
        }
        fields.changes
    }
}
