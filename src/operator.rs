//! A node of a standard operator, and where to look up what it reads.

use crate::graph::constant::{Constants, Dense};
use crate::graph::shape::{Length, Number};
use crate::graph::{Graph, NodeId, ValueId};
use crate::onnx::element::DataType;
use crate::refusal::{Code, Refusal};
use std::rc::Rc;

/// A node and the graph that it is in.
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// Its constants, and what is known of the shapes.
    pub constants: &'a Constants<'a>,
    /// The node.
    pub node: NodeId,
}

impl<'a> Operator<'a> {
    /// The name of the standard operator; empty if it is somebody else's.
    pub fn name(&self) -> &'a str {
        std::str::from_utf8(self.graph.op(self.node)).unwrap_or("")
    }

    /// Operator and name, for messages.
    pub fn label(&self) -> String {
        format!("{} `{}`", self.graph.op_label(self.node), self.graph.label(self.node))
    }

    /// A refusal because of this node.
    pub fn refuse(&self, code: Code, detail: impl Into<String>) -> Refusal {
        Refusal::because_of(self.graph, self.node, code, detail)
    }

    /// An integer attribute, or its default.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.graph.proto(self.node).int(name, default)
    }

    /// A text attribute, or its default.
    pub fn string(&self, name: &str, default: &'static str) -> String {
        let text = self.graph.proto(self.node).attribute(name).map(|attribute| attribute.s.clone().unwrap_or_default());
        text.map_or_else(|| default.into(), |text| text.to_string())
    }

    /// Whether an attribute stands for one of the function around the node: nothing is known of it.
    pub fn has_references(&self) -> bool {
        self.graph.proto(self.node).attribute.iter().any(|attribute| attribute.is_reference())
    }

    /// The version of the operator set.
    pub fn opset(&self) -> i64 {
        self.graph.opset(self.node)
    }

    /// What it reads there.
    pub fn input(&self, slot: usize) -> Option<ValueId> {
        self.graph.input(self.node, slot)
    }

    /// What it makes there.
    pub fn output(&self, slot: usize) -> Option<ValueId> {
        self.graph.output(self.node, slot)
    }

    /// How many inputs are listed, omitted ones among them.
    pub fn inputs(&self) -> usize {
        self.graph.node(self.node).inputs.len()
    }

    /// The axes of an input.
    pub fn input_axes(&self, slot: usize) -> Option<Vec<Length>> {
        self.constants.facts().axes(self.graph, self.input(slot)?)
    }

    /// The axes of an output.
    pub fn output_axes(&self, slot: usize) -> Option<Vec<Length>> {
        self.constants.facts().axes(self.graph, self.output(slot)?)
    }

    /// The element type of an input.
    pub fn input_type(&self, slot: usize) -> Option<DataType> {
        let value = self.input(slot)?;
        let of_constant = || self.constants.type_and_shape(value).ok().map(|(element, _)| element);
        self.constants.facts().of(self.graph, value).element.or_else(of_constant)
    }

    /// A constant input.
    pub fn constant(&self, slot: usize) -> Option<Rc<Dense>> {
        self.constants.dense(self.input(slot)?).ok()
    }

    /// Whether an input is constant, without reading it.
    pub fn is_constant(&self, slot: usize) -> bool {
        self.input(slot).is_some_and(|value| self.constants.type_and_shape(value).is_ok())
    }

    /// The elements of an input of integers: of a constant, or of a small tensor as far as they follow
    /// from constants and lengths.
    pub fn numbers(&self, slot: usize) -> Option<Vec<Number>> {
        let of_constant = self.constant(slot).and_then(|constant| constant.integers());
        let known = |numbers: Vec<i64>| numbers.into_iter().map(Number::Known).collect();
        of_constant.map(known).or_else(|| self.constants.facts().integers(self.graph, self.input(slot)?))
    }

    /// Integers that are an attribute in old versions and an input in new ones, if all are known.
    pub fn integers(&self, slot: usize, attribute: &str) -> Option<Vec<i64>> {
        match self.input(slot) {
            Some(_) => self.numbers(slot)?.into_iter().map(Number::known).collect(),
            None => self.graph.proto(self.node).ints(attribute).map(<[i64]>::to_vec),
        }
    }
}

/// An axis counted from the first one; negative ones count from the last.
pub fn normal_axis(axis: i64, rank: usize) -> Option<usize> {
    let from_first = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(from_first).ok().filter(|axis| *axis < rank)
}
