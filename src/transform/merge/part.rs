//! What a leaf of a sum is beside an operator: something that its weight or bias can take in.

use super::constant::{Layout, Source};
use super::operator::{Kind, Operator};
use super::sum::{Leaf, sole_output, sole_reader};
use super::window::Window;
use crate::batch_norm::BatchNorm;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId, ValueId};

/// One summand of a merged operator.
#[derive(Clone, Debug)]
pub(super) enum Part<'a> {
    /// Another operator, or the one that stays.
    Operator(&'a Operator),
    /// A map per channel of the input: a BatchNormalization, a factor, or the input as it is.
    Channels {
        /// One per channel.
        scale: Vec<f64>,
        /// One per channel.
        shift: Vec<f64>,
    },
    /// A constant per channel.
    Constant(Vec<f64>),
}

impl Part<'_> {
    /// Where its taps are.
    pub fn window(&self, axes: usize) -> Window {
        match self {
            Part::Operator(operator) => operator.window.clone(),
            _ => Window::point(axes),
        }
    }
}

/// The value that a leaf would be a branch of, if it is one: what its maker computes it from.
pub(super) fn input(graph: &Graph, constants: &Constants, leaf: &Leaf) -> Option<ValueId> {
    let node = graph.producer(leaf.value)?;
    if graph.op(node) == "Mul" {
        return factor(graph, constants, node).map(|(input, _)| input);
    }
    let is_branch = Kind::of(graph, node).is_some() || BatchNorm::is(graph, node);
    graph.input(node, 0).filter(|_| is_branch)
}

/// The operands of a Mul by a constant: what is multiplied, and the constant.
fn factor(graph: &Graph, constants: &Constants, node: NodeId) -> Option<(ValueId, ValueId)> {
    let operands = (graph.input(node, 0)?, graph.input(node, 1)?);
    let is_constant = |value| constants.find(value).is_ok();
    match (is_constant(operands.0), is_constant(operands.1)) {
        (false, true) => Some(operands),
        (true, false) => Some((operands.1, operands.0)),
        _ => None,
    }
}

/// What an operator that stays can take in of leaves that are no operators.
pub(super) struct Host<'a> {
    pub graph: &'a Graph,
    pub source: &'a Source<'a>,
    pub operator: &'a Operator,
}

impl Host<'_> {
    /// A leaf that is computed from the input of the operator, or is that input.
    ///
    /// # Errors
    /// Why the operator cannot take it in.
    pub fn channels(&self, leaf: &Leaf) -> Result<Part<'static>, String> {
        let [outputs, inputs] = self.operator.channels;
        if outputs != inputs * self.operator.group || self.operator.input_is_transposed {
            return Err("the outputs of the other branch are other channels than those of its input".into());
        }
        if leaf.value == self.operator.input {
            return Ok(Part::Channels { scale: vec![1.0; outputs], shift: vec![0.0; outputs] });
        }
        if sole_reader(self.graph, leaf.value) != Some(leaf.place) {
            return Err(format!("`{}` is read elsewhere, too", self.graph.name(leaf.value)));
        }
        let node = self.graph.producer(leaf.value).filter(|node| sole_output(self.graph, *node).is_some());
        let node = node.ok_or("it has several outputs")?;
        if BatchNorm::is(self.graph, node) { self.norm(node) } else { self.factor(node) }
    }

    /// A leaf that is constant per channel.
    pub fn constant(&self, leaf: &Leaf) -> Option<Part<'static>> {
        self.source.per_channel(leaf.value, self.operator.element, &self.layout()).map(Part::Constant)
    }

    fn norm(&self, node: NodeId) -> Result<Part<'static>, String> {
        // The channels are axis 1; those of a product are its last one.
        if self.operator.kind != Kind::Conv && self.rank() != Some(2) {
            return Err("its channels are not provably the last axis".into());
        }
        self.source.spend(self.operator.channels[0].checked_mul(4))?;
        let norm = BatchNorm::read(self.graph, self.source.constants, node).map_err(|refusal| refusal.detail)?;
        let map = norm.affine().map_err(|refusal| refusal.detail)?;
        if norm.channels() != self.operator.channels[0] {
            return Err(format!("it has {} channels", norm.channels()));
        }
        Ok(Part::Channels { scale: map.scale().to_vec(), shift: map.shift().to_vec() })
    }

    fn factor(&self, node: NodeId) -> Result<Part<'static>, String> {
        let factor = factor(self.graph, self.source.constants, node).map(|(_, factor)| factor);
        let scale = factor.and_then(|factor| self.source.per_channel(factor, self.operator.element, &self.layout()));
        let shift = vec![0.0; self.operator.channels[0]];
        scale.map(|scale| Part::Channels { scale, shift }).ok_or_else(|| "its factor is not one per channel".into())
    }

    fn layout(&self) -> Layout {
        let after = self.operator.window.axes.len();
        Layout { channels: self.operator.channels[0], after, rank: self.rank().unwrap_or(1) }
    }

    /// The rank of the input, and so of the output.
    fn rank(&self) -> Option<usize> {
        match self.operator.kind {
            Kind::Conv => Some(self.operator.window.axes.len() + 2),
            Kind::Gemm => Some(2),
            Kind::MatMul => self.source.constants.facts().rank(self.graph, self.operator.input),
        }
    }
}
