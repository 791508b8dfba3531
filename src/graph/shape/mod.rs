//! Types and shapes of values, as far as folding needs them: is the output of this MatMul of
//! rank 2? Is this axis as long as that one?
//!
//! One pass over the nodes in document order. Each unknown length is a symbol, and operators
//! copy symbols, so that two axes can be known to be equally long without being known. Small
//! vectors of integers are followed as well, because exporters compute the shapes that they
//! reshape to (`Shape`, `Gather`, `Concat`, `Reshape`).
//!
//! What a node needs of its inputs to run at all is known of them too: the channels of a Conv are
//! those of its weight. What cannot be told is taken from the model's own value info; where two
//! statements contradict each other, nothing is known.
//!
//! Everything here is about runs that succeed, and an unknown length is taken not to be 0: a
//! computed 0 means something else to Reshape, but then tensors have no elements.

mod broadcast;
mod call;
mod declared;
mod demand;
mod join;
mod layout;
mod numbers;
mod operator;
mod product;
mod reduce;
mod resize;
mod slice;
mod symbols;
#[cfg(test)]
mod tests;
mod window;

use super::{Graph, NodeId, ScopeId, ValueId};
use crate::onnx::element::DataType;
use call::Call;
use std::collections::HashMap;
use symbols::Symbols;

/// No tensor of a network has more axes. Shapes of more are ignored, and so are vectors of more
/// integers: they are no shapes.
const HIGHEST_RANK: usize = 64;

/// The length of an axis. Two axes with the same symbol have the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// So many.
    Known(usize),
    /// Not known, but the same wherever this symbol is.
    Symbol(u32),
}

/// An element of a small integer tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// This number.
    Known(i64),
    /// The length of this symbol.
    Symbol(u32),
    /// Any number.
    Unknown,
}

/// The axes of a value; `None` when not even the rank is known.
pub type Axes = Option<Vec<Length>>;

/// What is known of one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// The type of its elements.
    pub element: Option<DataType>,
    /// Its axes.
    pub shape: Axes,
}

/// What is known of all values.
pub struct Facts {
    /// Of stored constants nothing is noted: their tensors tell.
    notes: Vec<Note>,
    /// The elements of integer tensors that nodes make.
    numbers: HashMap<ValueId, Vec<Number>>,
    symbols: Symbols,
}

#[derive(Clone, Default)]
struct Note {
    element: Option<DataType>,
    shape: Axes,
    /// Whether two statements contradicted each other, after which no other one counts.
    is_contradictory: bool,
}

impl Length {
    /// The length, if it is known.
    pub fn known(self) -> Option<usize> {
        match self {
            Length::Known(length) => Some(length),
            Length::Symbol(_) => None,
        }
    }
}

impl From<Length> for Number {
    fn from(length: Length) -> Self {
        match length {
            Length::Known(length) => i64::try_from(length).map_or(Number::Unknown, Number::Known),
            Length::Symbol(symbol) => Number::Symbol(symbol),
        }
    }
}

impl Number {
    /// The number as the length of an axis, if it is one.
    pub fn length(self) -> Option<Length> {
        match self {
            Number::Known(number) => usize::try_from(number).ok().map(Length::Known),
            Number::Symbol(symbol) => Some(Length::Symbol(symbol)),
            Number::Unknown => None,
        }
    }

    /// The number, if it is known.
    pub fn known(self) -> Option<i64> {
        match self {
            Number::Known(number) => Some(number),
            _ => None,
        }
    }
}

impl Facts {
    /// Infers types and shapes in one pass over the graph, and in three where what a node needs tells
    /// the rank of values long before it.
    pub fn infer(graph: &Graph) -> Facts {
        let mut facts = Facts {
            notes: vec![Note::default(); graph.values.len()],
            numbers: HashMap::new(),
            symbols: Symbols::default(),
        };
        declared::note(&mut facts, graph);
        facts.infer_forward(graph);
        if facts.infer_ranks_backward(graph) {
            facts.infer_forward(graph);
        }
        facts
    }

    fn infer_forward(&mut self, graph: &Graph) {
        graph.nodes().for_each(|node| operator::infer(&mut Call::new(graph, node, self)));
    }

    /// Returns whether anything was learnt.
    fn infer_ranks_backward(&mut self, graph: &Graph) -> bool {
        let unranked = |node: &NodeId| graph.input(*node, 0).is_some_and(|input| self.axes(graph, input).is_none());
        let nodes: Vec<NodeId> = graph.nodes().filter(unranked).collect();
        let learn = |node| operator::infer_input(&mut Call::new(graph, node, self));
        nodes.into_iter().rev().map(learn).filter(|learnt| *learnt).count() > 0
    }

    /// What is known of a value.
    pub fn of(&self, graph: &Graph, value: ValueId) -> Fact {
        Fact { element: self.element(graph, value), shape: self.axes(graph, value) }
    }

    /// The rank of a value, if it is known.
    pub fn rank(&self, graph: &Graph, value: ValueId) -> Option<usize> {
        self.axes(graph, value).map(|axes| axes.len())
    }

    /// The axes of a value, if its rank is known.
    pub fn axes(&self, graph: &Graph, value: ValueId) -> Axes {
        if let Some(dims) = declared::stored_dims(graph, value) {
            return declared::lengths(dims);
        }
        let shape = self.notes.get(value.index())?.shape.as_ref()?;
        Some(shape.iter().map(|length| self.symbols.resolve(*length)).collect())
    }

    /// The type of a value's elements.
    pub fn element(&self, graph: &Graph, value: ValueId) -> Option<DataType> {
        match declared::stored_element(graph, value) {
            Some(element) => element,
            None => self.notes.get(value.index())?.element,
        }
    }

    /// The elements of a small integer tensor, row-major, of which at least the number is known.
    pub fn integers(&self, graph: &Graph, value: ValueId) -> Option<Vec<Number>> {
        if let Some(numbers) = self.numbers.get(&value) {
            return Some(numbers.iter().map(|number| self.resolve(*number)).collect());
        }
        let initializer = if graph.producer(value).is_none() { declared::stored_numbers(graph, value) } else { None };
        if let Some(numbers) = initializer {
            return Some(numbers.into_iter().map(Number::Known).collect());
        }
        if !numbers::is_integer(self.element(graph, value)) {
            return None;
        }
        let count = numbers::count(&self.axes(graph, value)?)?;
        Some(vec![Number::Unknown; count])
    }

    fn resolve(&self, number: Number) -> Number {
        match number {
            Number::Symbol(symbol) => self.symbols.resolve(Length::Symbol(symbol)).into(),
            _ => number,
        }
    }

    /// Adds a statement about a value. A symbol does not become a number by what is declared of
    /// one value: tools that make an axis variable often leave old value info behind.
    fn note(&mut self, value: ValueId, fact: Fact, scope: ScopeId) {
        let Some(note) = self.notes.get_mut(value.index()) else { return };
        if note.is_contradictory {
            return;
        }
        let resolve = |length: &Length| self.symbols.resolve(*length);
        let differ = |(a, b)| matches!((resolve(a), resolve(b)), (Length::Known(a), Length::Known(b)) if a != b);
        let contradict = match (&note.shape, &fact.shape) {
            (Some(a), Some(b)) => a.len() != b.len() || a.iter().zip(b).any(differ),
            _ => false,
        };
        if contradict || note.element.zip(fact.element).is_some_and(|(a, b)| a != b) {
            *note = Note { is_contradictory: true, ..Note::default() };
            return;
        }
        note.element = note.element.or(fact.element);
        note.shape = match (note.shape.take(), fact.shape) {
            (Some(a), Some(b)) => Some(a.into_iter().zip(b).map(|pair| self.symbols.merge(pair, scope)).collect()),
            (a, b) => a.or(b),
        };
    }

    /// Of this value nothing is known from now on.
    fn contradict(&mut self, value: ValueId) {
        if let Some(note) = self.notes.get_mut(value.index()) {
            *note = Note { is_contradictory: true, ..Note::default() };
        }
    }
}
