//! One node while its outputs are inferred: what is known of its inputs, and its attributes.

use super::{Axes, Facts, HIGHEST_RANK, Length, Number, declared};
use crate::graph::{Graph, NodeId, ScopeId, ValueId};
use crate::onnx::access::text;
use crate::onnx::schema::NodeProto;

/// A node, and what is known so far.
pub(super) struct Call<'a> {
    pub graph: &'a Graph,
    pub node: NodeId,
    pub proto: &'a NodeProto,
    pub scope: ScopeId,
    pub facts: &'a mut Facts,
}

/// Integers that are an attribute or, since a later version, an input.
pub(super) enum Setting {
    /// Neither is there.
    Absent,
    /// An input that is not constant.
    Unknown,
    /// These.
    Given(Vec<i64>),
}

impl<'a> Call<'a> {
    pub fn new(graph: &'a Graph, node: NodeId, facts: &'a mut Facts) -> Self {
        Call { graph, node, proto: graph.proto(node), scope: graph.node(node).scope, facts }
    }

    pub fn opset(&self) -> i64 {
        self.graph.opset(self.node)
    }

    pub fn input(&self, slot: usize) -> Option<ValueId> {
        self.graph.input(self.node, slot)
    }

    /// What is known of the shape of an input.
    pub fn axes(&self, slot: usize) -> Axes {
        self.facts.axes(self.graph, self.input(slot)?)
    }

    /// The lengths of an input's axes, if all are known.
    pub fn known_lengths(&self, slot: usize) -> Option<Vec<usize>> {
        self.axes(slot)?.into_iter().map(Length::known).collect()
    }

    /// The elements of an input that is a small integer tensor.
    pub fn numbers(&self, slot: usize) -> Option<Vec<Number>> {
        self.facts.integers(self.graph, self.input(slot)?)
    }

    /// The same, if all are known.
    pub fn integers(&self, slot: usize) -> Option<Vec<i64>> {
        self.numbers(slot)?.into_iter().map(Number::known).collect()
    }

    /// The elements of an input that is a small float tensor.
    pub fn floats(&self, slot: usize) -> Option<Vec<f64>> {
        declared::stored_floats(self.graph, self.input(slot)?)
    }

    /// A string attribute; empty if it is not there.
    pub fn string(&self, name: &str) -> &'a [u8] {
        self.proto.attribute(name).map_or(b"", |attribute| text(&attribute.s))
    }

    /// Integers that are an attribute, or else an input.
    pub fn setting(&self, name: &str, slot: usize) -> Setting {
        match self.proto.ints(name) {
            Some(attribute) => Setting::Given(attribute.to_vec()),
            None if self.input(slot).is_none() => Setting::Absent,
            None => self.integers(slot).map_or(Setting::Unknown, Setting::Given),
        }
    }

    /// The attribute `axis`; a negative one counts from the end.
    pub fn axis(&self, default: i64, rank: usize) -> Option<usize> {
        normalized(self.proto.int("axis", default), rank)
    }

    pub fn fresh(&mut self) -> Length {
        self.facts.symbols.fresh(self.scope)
    }

    /// That length, or one of which nothing is known.
    pub fn or_fresh(&mut self, length: Option<Length>) -> Length {
        length.unwrap_or_else(|| self.fresh())
    }

    /// Axes of unknown length.
    pub fn fresh_axes(&mut self, rank: usize) -> Axes {
        (rank <= HIGHEST_RANK).then(|| (0..rank).map(|_| self.fresh()).collect())
    }

    /// Numbers as lengths; those that are none are not known.
    pub fn lengths(&mut self, numbers: &[Number]) -> Vec<Length> {
        numbers.iter().map(|number| self.or_fresh(number.length())).collect()
    }
}

/// An axis, of which a negative one counts from the end.
pub(super) fn normalized(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

/// The product of lengths, where it is a number or one of the symbols.
pub(super) fn product(lengths: &[Length]) -> Option<Length> {
    if lengths.contains(&Length::Known(0)) {
        return Some(Length::Known(0));
    }
    let known = lengths.iter().filter_map(|length| length.known()).try_fold(1usize, usize::checked_mul)?;
    let mut symbols = lengths.iter().filter(|length| length.known().is_none());
    match (symbols.next(), symbols.next()) {
        (None, _) => Some(Length::Known(known)),
        (Some(symbol), None) if known == 1 => Some(*symbol),
        _ => None,
    }
}
