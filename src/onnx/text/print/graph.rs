//! Graphs and nodes.

use super::PrintError;
use super::attribute::is_long;
use super::writer::Writer;
use crate::onnx::access::text;
use crate::onnx::schema::{GraphProto, NodeProto, SparseTensorProto, TensorProto, ValueInfoProto};
use crate::onnx::text::names::is_plain;
use bstr::ByteSlice;

/// What stands between the outputs of a graph and its nodes.
enum Declaration<'m> {
    Dense(&'m TensorProto),
    Sparse(&'m SparseTensorProto),
    Value(&'m ValueInfoProto),
}

impl Writer<'_> {
    pub(super) fn graph(&mut self, graph: &GraphProto) -> Result<(), PrintError> {
        self.name(text(&graph.name))?;
        self.put(" ")?;
        self.parenthesized(&graph.input, Self::value_info)?;
        self.put(" => ")?;
        self.parenthesized(&graph.output, Self::value_info)?;
        let dense = graph.initializer.iter().map(Declaration::Dense);
        let sparse = graph.sparse_initializer.iter().map(Declaration::Sparse);
        let mut declared = dense.chain(sparse).chain(graph.value_info.iter().map(Declaration::Value)).peekable();
        if declared.peek().is_some() {
            self.line()?;
            self.put("<")?;
            self.lines(declared, Self::declaration)?;
            self.put(">")?;
        }
        self.line()?;
        self.nodes(&graph.node)
    }

    fn declaration(&mut self, declaration: Declaration) -> Result<(), PrintError> {
        match declaration {
            Declaration::Dense(tensor) => self.initializer(tensor),
            Declaration::Sparse(tensor) => self.sparse_initializer(tensor),
            Declaration::Value(info) => self.value_info(info),
        }
    }

    pub(super) fn nodes(&mut self, nodes: &[NodeProto]) -> Result<(), PrintError> {
        self.put("{")?;
        self.indented(|this| {
            nodes.iter().try_for_each(|node| {
                this.line()?;
                this.node(node)
            })
        })?;
        self.line()?;
        Ok(self.put("}")?)
    }

    fn node(&mut self, node: &NodeProto) -> Result<(), PrintError> {
        if let Some(name) = &node.name {
            self.put("[")?;
            self.name(name)?;
            self.put("] ")?;
        }
        self.names(&node.output)?;
        self.put(if node.output.is_empty() { "= " } else { " = " })?;
        self.operator(node)?;
        let deep = node.attribute.iter().any(is_long);
        if !deep && !node.attribute.is_empty() {
            self.put(" <")?;
            self.list(&node.attribute, Self::attribute)?;
            self.put(">")?;
        }
        self.put(" (")?;
        self.names(&node.input)?;
        self.put(")")?;
        if deep {
            self.put(" <")?;
            self.lines(&node.attribute, Self::attribute)?;
            self.put(">")?;
        }
        Ok(())
    }

    /// `domain.Operator:overload`; a domain that is not made of identifiers is quoted.
    fn operator(&mut self, node: &NodeProto) -> Result<(), PrintError> {
        let domain = text(&node.domain);
        if !domain.is_empty() {
            self.dotted(domain)?;
            self.put(".")?;
        }
        self.name(text(&node.op_type))?;
        let overload = text(&node.overload);
        if !overload.is_empty() {
            self.put(":")?;
            self.name(overload)?;
        }
        Ok(())
    }

    /// Identifiers with dots between them, or a quoted name.
    pub(super) fn dotted(&mut self, name: &[u8]) -> Result<(), PrintError> {
        if !name.split_str(".").all(is_plain) {
            return Ok(self.quoted(name)?);
        }
        name.split_str(".").enumerate().try_for_each(|(index, part)| {
            if index > 0 {
                self.put(".")?;
            }
            Ok(self.name(part)?)
        })
    }
}
