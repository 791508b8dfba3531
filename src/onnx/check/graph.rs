//! Graphs and nodes: a walk through all scopes.

use super::error::{self, CheckError, shown};
use super::names::{Map, Names};
use super::{NESTING, attribute, sparse, tensor};
use crate::onnx::access::text;
use crate::onnx::schema::{FunctionProto, GraphProto, NodeProto};
use bstr::{BStr, ByteSlice};
use std::cell::OnceCell;

/// Walks through a graph or a function.
pub(super) struct Checker<'m> {
    names: Names<'m>,
    /// Each graph around the place, the outermost first.
    around: Vec<Level<'m>>,
    in_function: bool,
    /// Whether values may be read that come from elsewhere: training graphs run beside the
    /// main one.
    is_open: bool,
}

/// The nodes of a graph.
struct Level<'m> {
    nodes: &'m [NodeProto],
    /// All that they make, collected when it is first asked for.
    made: OnceCell<Map<&'m BStr, ()>>,
}

impl Level<'_> {
    fn makes(&self, name: &BStr) -> bool {
        let outputs = || self.nodes.iter().flat_map(|node| &node.output);
        let made = self.made.get_or_init(|| outputs().map(|output| (output.as_bstr(), ())).collect());
        made.contains_key(name)
    }
}

impl<'m> Checker<'m> {
    pub(super) fn new(in_function: bool) -> Self {
        Checker { names: Names::default(), around: Vec::new(), in_function, is_open: false }
    }

    /// Checks the graph of the model. Its names stay visible, for the training graphs.
    pub(super) fn main(&mut self, graph: &'m GraphProto) -> Result<(), CheckError> {
        self.names.enter();
        self.graph(graph)
    }

    pub(super) fn training(&mut self, graph: &'m GraphProto) -> Result<(), CheckError> {
        self.is_open = true;
        self.nested(graph)
    }

    pub(super) fn function(&mut self, function: &'m FunctionProto) -> Result<(), CheckError> {
        let label = || format!("function `{}`", shown(text(&function.name)));
        attribute::check(&function.attribute_proto, false, &label)?;
        self.names.enter();
        for input in &function.input {
            named(input.as_bstr(), || format!("an input of {}", label()))?;
            once(self.names.define_input(input.as_bstr()), input.as_bstr(), label)?;
        }
        self.nodes(&function.node)?;
        function.output.iter().try_for_each(|output| self.output(output.as_bstr(), &function.node))
    }

    fn nested(&mut self, graph: &'m GraphProto) -> Result<(), CheckError> {
        if self.names.depth() > NESTING {
            return Err(CheckError::Nesting);
        }
        self.names.enter();
        self.graph(graph)?;
        self.names.leave();
        Ok(())
    }

    fn graph(&mut self, graph: &'m GraphProto) -> Result<(), CheckError> {
        self.constants(graph)?;
        self.nodes(&graph.node)?;
        graph.output.iter().try_for_each(|output| self.output(text(&output.name), &graph.node))
    }

    /// Inputs and initializers.
    fn constants(&mut self, graph: &'m GraphProto) -> Result<(), CheckError> {
        let label = || format!("graph `{}`", shown(text(&graph.name)));
        for input in graph.input.iter().map(|input| text(&input.name)) {
            named(input, || format!("an input of {}", label()))?;
            once(self.names.define_input(input), input, || format!("the list of inputs of {}", label()))?;
        }
        for dense in &graph.initializer {
            let name = text(&dense.name);
            named(name, || format!("an initializer of {}", label()))?;
            once(self.names.define_initializer(name), name, || format!("an initializer of {}", label()))?;
            tensor::check(dense).map_err(|problem| CheckError::Tensor { tensor: tensor_label(name), problem })?;
        }
        for sparse in &graph.sparse_initializer {
            let name = sparse.name();
            sparse::check(sparse).map_err(|problem| CheckError::Sparse { tensor: tensor_label(name), problem })?;
            named(name, || format!("a sparse initializer of {}", label()))?;
            once(self.names.define_initializer(name), name, || format!("a sparse initializer of {}", label()))?;
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &'m [NodeProto]) -> Result<(), CheckError> {
        self.around.push(Level { nodes, made: OnceCell::new() });
        nodes.iter().try_for_each(|node| self.node(node))?;
        self.around.pop();
        Ok(())
    }

    fn node(&mut self, node: &'m NodeProto) -> Result<(), CheckError> {
        if text(&node.op_type).is_empty() {
            return Err(CheckError::NoOperator { node: shown(node.label()) });
        }
        for input in node.input.iter().map(|input| input.as_bstr()) {
            if !input.is_empty() && !self.names.contains(input) {
                self.unknown(input, || error::node(node))?;
            }
        }
        attribute::check(&node.attribute, self.in_function, &|| error::node(node))?;
        node.subgraphs().try_for_each(|graph| self.nested(graph))?;
        for output in node.output.iter().map(|output| output.as_bstr()).filter(|output| !output.is_empty()) {
            once(self.names.define(output), output, || error::node(node))?;
        }
        Ok(())
    }

    fn output(&mut self, name: &'m BStr, nodes: &'m [NodeProto]) -> Result<(), CheckError> {
        named(name, || "one of the graph outputs".to_owned())?;
        if self.names.contains(name) {
            return Ok(());
        }
        self.around.push(Level { nodes, made: OnceCell::new() });
        self.unknown(name, || "the list of graph outputs".to_owned())?;
        self.around.pop();
        Ok(())
    }

    /// A name that is not defined where it is read: never, or only later?
    fn unknown(&self, name: &BStr, reader: impl Fn() -> String) -> Result<(), CheckError> {
        let (reader, value) = (reader(), shown(name));
        if self.around.iter().any(|graph| graph.makes(name)) {
            return Err(CheckError::Order { reader, value });
        }
        if self.is_open { Ok(()) } else { Err(CheckError::Missing { reader, value }) }
    }
}

fn tensor_label(name: &BStr) -> String {
    format!("tensor `{}`", shown(name))
}

fn named(name: &BStr, what: impl Fn() -> String) -> Result<(), CheckError> {
    if name.is_empty() { Err(CheckError::Unnamed { what: what() }) } else { Ok(()) }
}

fn once(is_new: bool, name: &BStr, maker: impl Fn() -> String) -> Result<(), CheckError> {
    if is_new { Ok(()) } else { Err(CheckError::Twice { maker: maker(), value: shown(name) }) }
}
