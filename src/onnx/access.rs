//! Reading the schema without ceremony: names, attributes, versions.

use super::element::DataType;
use super::schema::{
    AttributeProto, Dimension, GraphProto, NodeProto, OperatorSetIdProto, SparseTensorProto, TensorProto,
    TensorShapeProto, TensorTypeProto, ValueInfoProto,
};
use bstr::{BStr, BString, ByteSlice};

/// An optional string of the schema; absent is the same as empty.
pub fn text(field: &Option<BString>) -> &BStr {
    field.as_ref().map_or(BStr::new(""), |text| text.as_bstr())
}

/// Whether a domain is the standard one: `""` and `ai.onnx` are the same.
pub fn is_standard_domain(domain: &BStr) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// The version of the standard operator set among imports. A model without any (IR < 3) uses
/// version 1.
pub fn standard_opset(imports: &[OperatorSetIdProto]) -> i64 {
    let standard = imports.iter().filter(|import| is_standard_domain(text(&import.domain)));
    standard.filter_map(|import| import.version).max().unwrap_or(1)
}

impl NodeProto {
    /// A Constant node that makes a tensor, under its name.
    pub fn constant(tensor: TensorProto) -> NodeProto {
        let output = vec![tensor.name.clone().unwrap_or_default()];
        let value = AttributeProto {
            name: Some("value".into()),
            t: Some(Box::new(tensor)),
            r#type: Some(AttributeProto::TENSOR),
            ..Default::default()
        };
        NodeProto { output, op_type: Some("Constant".into()), attribute: vec![value], ..Default::default() }
    }

    /// The operator of the standard domain, or `""` for an operator of somebody else's.
    pub fn standard_op(&self) -> &BStr {
        if is_standard_domain(text(&self.domain)) { text(&self.op_type) } else { BStr::new("") }
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| text(&attribute.name) == name)
    }

    /// An integer attribute, or its default. An attribute without a number is 0: proto3
    /// writers leave zeros out.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i.unwrap_or_default())
    }

    /// A float attribute, or its default; 0 if it is there without a number. Attributes are
    /// f32 in the schema.
    pub fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |attribute| attribute.f.unwrap_or_default())
    }

    /// The first of these attributes that is there twice, or of another type than the operator
    /// wants. `numbers` are names and type codes.
    pub fn malformed_attribute<'a>(&self, numbers: &[(&'a str, i32)]) -> Option<&'a str> {
        let is_malformed = |(name, kind): &&(&str, i32)| {
            let mut found = self.attribute.iter().filter(|attribute| text(&attribute.name) == *name);
            let Some(first) = found.next() else { return false };
            let other_type = first.r#type.is_some_and(|code| code != 0 && code != *kind);
            other_type || found.next().is_some()
        };
        numbers.iter().find(is_malformed).map(|(name, _)| *name)
    }

    /// The first of these attributes that stands for an attribute of the function around the node,
    /// so that its value is not known here.
    pub fn attribute_of_function<'a>(&self, numbers: &[(&'a str, i32)]) -> Option<&'a str> {
        let is_reference = |(name, _): &&(&str, i32)| self.attribute(name).is_some_and(AttributeProto::is_reference);
        numbers.iter().find(is_reference).map(|(name, _)| *name)
    }

    /// Whether any attribute stands for one of the function around the node.
    pub fn has_attribute_of_function(&self) -> bool {
        self.attribute.iter().any(AttributeProto::is_reference)
    }

    /// A list of integers, if the attribute is there.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    /// How to name the node to a user: its name, else its first output.
    pub fn label(&self) -> &BStr {
        let name = text(&self.name);
        if !name.is_empty() {
            return name;
        }
        self.output.first().map_or(BStr::new("(unnamed)"), |output| output.as_bstr())
    }

    /// The subgraphs in the attributes, in order.
    pub fn subgraphs(&self) -> impl Iterator<Item = &GraphProto> {
        self.attribute.iter().flat_map(|attribute| attribute.g.as_deref().into_iter().chain(&attribute.graphs))
    }

    /// The subgraphs in the attributes, in the same order.
    pub fn subgraphs_mut(&mut self) -> impl Iterator<Item = &mut GraphProto> {
        self.attribute
            .iter_mut()
            .flat_map(|attribute| attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs))
    }
}

impl AttributeProto {
    /// Whether it stands for an attribute of the function around it.
    pub fn is_reference(&self) -> bool {
        !text(&self.ref_attr_name).is_empty()
    }

    /// The type code of `AttributeProto.AttributeType` for an integer.
    pub const INT: i32 = 2;
    /// The type code for a float.
    pub const FLOAT: i32 = 1;
    /// The type code for a string.
    pub const STRING: i32 = 3;
    /// The type code for a tensor.
    pub const TENSOR: i32 = 4;
    /// The type code for a list of integers.
    pub const INTS: i32 = 7;

    /// The type codes of the values that are there, in ascending order.
    pub fn value_types(&self) -> impl Iterator<Item = i32> {
        let there = [
            self.f.is_some(),
            self.i.is_some(),
            self.s.is_some(),
            self.t.is_some(),
            self.g.is_some(),
            !self.floats.is_empty(),
            !self.ints.is_empty(),
            !self.strings.is_empty(),
            !self.tensors.is_empty(),
            !self.graphs.is_empty(),
            self.sparse_tensor.is_some(),
            !self.sparse_tensors.is_empty(),
            self.tp.is_some(),
            !self.type_protos.is_empty(),
        ];
        (1..).zip(there).filter(|(_, there)| *there).map(|(code, _)| code)
    }

    /// Whether the value of this type code is a scalar that is zero or empty. Some writers set all
    /// scalars of an attribute, those that it does not hold to zero.
    pub fn is_default(&self, code: i32) -> bool {
        match code {
            1 => self.f == Some(0.0),
            2 => self.i == Some(0),
            3 => text(&self.s).is_empty(),
            _ => false,
        }
    }

    /// An integer attribute.
    pub fn int(name: &str, value: i64) -> Self {
        AttributeProto { name: Some(name.into()), i: Some(value), r#type: Some(Self::INT), ..Default::default() }
    }

    /// A list of integers.
    pub fn ints(name: &str, values: Vec<i64>) -> Self {
        AttributeProto { name: Some(name.into()), ints: values.into(), r#type: Some(Self::INTS), ..Default::default() }
    }

    /// A string attribute.
    pub fn string(name: &str, value: &str) -> Self {
        AttributeProto {
            name: Some(name.into()),
            s: Some(value.into()),
            r#type: Some(Self::STRING),
            ..Default::default()
        }
    }

    /// A float attribute.
    pub fn float(name: &str, value: f32) -> Self {
        AttributeProto { name: Some(name.into()), f: Some(value), r#type: Some(Self::FLOAT), ..Default::default() }
    }
}

impl SparseTensorProto {
    /// The name, which is that of its values.
    pub fn name(&self) -> &BStr {
        self.values.as_ref().map_or(BStr::new(""), |values| text(&values.name))
    }
}

impl TensorProto {
    /// The fields for typed data, and how many numbers or strings are in each.
    pub fn typed_data(&self) -> [(&'static str, u64); 6] {
        [
            ("float_data", self.float_data.payload().map_or(0, |payload| payload.len() / 4)),
            ("int32_data", self.int32_data.len() as u64),
            ("string_data", self.string_data.len() as u64),
            ("int64_data", self.int64_data.len() as u64),
            ("double_data", self.double_data.payload().map_or(0, |payload| payload.len() / 8)),
            ("uint64_data", self.uint64_data.len() as u64),
        ]
    }

    /// The element type, if the schema knows it.
    pub fn element(&self) -> Option<DataType> {
        self.data_type.and_then(DataType::from_code)
    }
}

impl ValueInfoProto {
    /// The tensor type, if the value is a dense tensor.
    pub fn tensor_type(&self) -> Option<&TensorTypeProto> {
        self.r#type.as_ref()?.tensor_type.as_ref()
    }
}

impl TensorTypeProto {
    /// The element type, if the schema knows it.
    pub fn element(&self) -> Option<DataType> {
        self.elem_type.and_then(DataType::from_code)
    }

    /// The axes, if the rank is known.
    pub fn axes(&self) -> Option<&[Dimension]> {
        self.shape.as_ref().map(|TensorShapeProto { dim, .. }| dim.as_slice())
    }
}
