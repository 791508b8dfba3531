//! Graphs and nodes.

use super::ParseError;
use super::cursor::Cursor;
use super::tensor::Constant;
use crate::onnx::schema::{GraphProto, NodeProto, ValueInfoProto};
use bstr::BString;

impl Cursor<'_> {
    pub(super) fn graph(&mut self) -> Result<GraphProto, ParseError> {
        self.nested(|this| {
            let mut graph = GraphProto { name: Some(this.name("the name of a graph")?), ..Default::default() };
            if this.eat(b'(') {
                graph.input = this.list(b')', |this| this.input(&mut graph))?;
            }
            this.arrow()?;
            this.expect(b'(')?;
            graph.output = this.list(b')', Self::value_info)?;
            if this.eat(b'<') {
                this.list(b'>', |this| this.declaration(&mut graph))?;
            }
            graph.node = this.nodes()?;
            Ok(graph)
        })
    }

    pub(super) fn arrow(&mut self) -> Result<(), ParseError> {
        self.skip_space();
        if !self.rest().starts_with(b"=>") {
            return Err(self.expected("`=>`"));
        }
        self.advance(2);
        Ok(())
    }

    /// `type name`, or only `name`.
    pub(super) fn value_info(&mut self) -> Result<ValueInfoProto, ParseError> {
        let r#type = if self.next_is_type() { Some(self.value_type()?) } else { None };
        let what = if r#type.is_some() { "a name" } else { "a type or a name" };
        Ok(ValueInfoProto { name: Some(self.name(what)?), r#type, ..Default::default() })
    }

    /// An input, which may have a default.
    fn input(&mut self, graph: &mut GraphProto) -> Result<ValueInfoProto, ParseError> {
        let info = self.value_info()?;
        if self.eat(b'=') {
            self.initializer(graph, info.clone())?;
        }
        Ok(info)
    }

    /// A value info, or an initializer.
    fn declaration(&mut self, graph: &mut GraphProto) -> Result<(), ParseError> {
        let info = self.value_info()?;
        if self.eat(b'=') {
            return self.initializer(graph, info);
        }
        self.push(&mut graph.value_info, info)
    }

    fn initializer(&mut self, graph: &mut GraphProto, info: ValueInfoProto) -> Result<(), ParseError> {
        match self.constant(&info.r#type.unwrap_or_default(), info.name)? {
            Constant::Dense(tensor) => self.push(&mut graph.initializer, *tensor),
            Constant::Sparse(tensor) => self.push(&mut graph.sparse_initializer, *tensor),
        }
    }

    pub(super) fn nodes(&mut self) -> Result<Vec<NodeProto>, ParseError> {
        self.expect(b'{')?;
        let mut nodes = Vec::new();
        while !self.eat(b'}') {
            let node = self.node()?;
            self.push(&mut nodes, node)?;
        }
        Ok(nodes)
    }

    /// `[label] y, z = Operator <attributes> (x)`, or with the attributes at the end.
    fn node(&mut self) -> Result<NodeProto, ParseError> {
        let mut node = NodeProto::default();
        if self.eat(b'[') {
            node.name = Some(if self.next_is_name() { self.name("a name")? } else { BString::default() });
            self.expect(b']')?;
        }
        node.output = self.names()?;
        if !self.eat(b'=') {
            return Err(self.expected(if node.output.is_empty() { "a node or `}`" } else { "`,` or `=`" }));
        }
        self.operator(&mut node)?;
        if self.eat(b'<') {
            node.attribute = self.list(b'>', Self::attribute)?;
        }
        self.expect(b'(')?;
        node.input = self.names()?;
        if !self.eat(b')') {
            return Err(self.expected("`,` or `)`"));
        }
        if node.attribute.is_empty() && self.eat(b'<') {
            node.attribute = self.list(b'>', Self::attribute)?;
        }
        Ok(node)
    }

    /// `domain.Operator:overload`.
    fn operator(&mut self, node: &mut NodeProto) -> Result<(), ParseError> {
        let mut name = self.name("the name of an operator")?;
        while self.eat(b'.') {
            match &mut node.domain {
                None => node.domain = Some(name),
                Some(domain) => {
                    domain.push(b'.');
                    domain.extend_from_slice(&name);
                }
            }
            name = self.name("the name of an operator")?;
        }
        node.op_type = Some(name);
        if self.eat(b':') {
            node.overload = Some(self.name("the name of an overload")?);
        }
        Ok(())
    }

    /// Names of values. One that is empty is written `""`, or as nothing before a comma.
    fn names(&mut self) -> Result<Vec<BString>, ParseError> {
        let mut names = Vec::new();
        loop {
            if self.next_is_name() {
                let name = self.name("a name")?;
                self.push(&mut names, name)?;
            } else if self.peek() == Some(b',') {
                self.push(&mut names, BString::default())?;
            } else {
                return Ok(names);
            }
            if !self.eat(b',') {
                return Ok(names);
            }
        }
    }
}
