//! Shapes are compared as text: letters stand for unknown lengths, in the order in which they
//! first appear; `-` is a shape of which not even the rank is known.

mod flows;
mod operators;
mod versions;

use super::{Facts, Length, Number};
use crate::graph::{Graph, ValueId};
use crate::onnx::text::parse;
use std::collections::HashMap;

/// A graph of this opset and what is known of it.
struct Inferred {
    graph: Graph,
    facts: Facts,
    letters: HashMap<u32, char>,
}

impl Inferred {
    fn new(opset: i64, graph: &str) -> Self {
        let graph = filled(graph);
        let model = parse(format!("<ir_version: 8, opset_import: [\"\" : {opset}]>\n{graph}"));
        let graph = Graph::new(model.unwrap_or_else(|error| panic!("{error}: {graph}"))).unwrap();
        let facts = Facts::infer(&graph);
        Inferred { graph, facts, letters: HashMap::new() }
    }

    fn value(&self, name: &str) -> ValueId {
        let index = (0..self.graph.values.len()).find(|index| self.graph.name(ValueId::new(*index)) == name);
        ValueId::new(index.unwrap_or_else(|| panic!("no value `{name}`")))
    }

    fn letter(&mut self, symbol: u32) -> String {
        let next = char::from(b'a' + self.letters.len() as u8);
        self.letters.entry(symbol).or_insert(next).to_string()
    }

    /// The shape of a value.
    fn shape(&mut self, name: &str) -> String {
        let Some(axes) = self.facts.axes(&self.graph, self.value(name)) else { return "-".into() };
        let axes = axes.into_iter().map(|length| match length {
            Length::Known(length) => length.to_string(),
            Length::Symbol(symbol) => self.letter(symbol),
        });
        axes.collect::<Vec<_>>().join(" ")
    }

    /// The elements of a value.
    fn numbers(&mut self, name: &str) -> String {
        let Some(numbers) = self.facts.integers(&self.graph, self.value(name)) else { return "-".into() };
        let numbers = numbers.into_iter().map(|number| match number {
            Number::Known(number) => number.to_string(),
            Number::Symbol(symbol) => self.letter(symbol),
            Number::Unknown => "?".into(),
        });
        numbers.collect::<Vec<_>>().join(" ")
    }
}

/// The text with `{*}` replaced by as many zeros as the shape before it says.
fn filled(text: &str) -> String {
    let mut parts = text.split("{*}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let dims = &out[out.rfind('[').unwrap() + 1..out.rfind(']').unwrap()];
        let count = dims.split(',').map(|dim| dim.parse::<usize>().unwrap()).product();
        out += &format!("{{{}}}{part}", vec!["0"; count].join(","));
    }
    out
}

/// The shape of `y` in a graph with these inputs, of which the first is `x`, and these constants.
fn y(opset: i64, inputs: &str, constants: &str, nodes: &str) -> String {
    let constants = if constants.is_empty() { String::new() } else { format!("<{constants}>") };
    let mut inferred = Inferred::new(opset, &format!("g ({inputs}) => () {constants} {{ {nodes} }}"));
    inferred.shape("x");
    inferred.shape("y")
}

/// Checks the shape of `y` for one input `x`: each case is a shape, constants, nodes, and `y`.
fn check(opset: i64, cases: &[(&str, &str, &str, &str)]) {
    for (x, constants, nodes, expected) in cases {
        assert_eq!(y(opset, &format!("float[{x}] x"), constants, nodes), *expected, "[{x}] {nodes}");
    }
}
