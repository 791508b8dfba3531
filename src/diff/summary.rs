//! Figures of two models.

use super::index::{Body, Index, held_tensor, operator};
use super::report::{Figure, OperatorCount, Summary};
use crate::onnx::element_count;
use crate::onnx::schema::TensorProto;
use std::collections::BTreeMap;

/// Counts of both.
pub(super) fn summary(a: &Index, b: &Index) -> Summary {
    let (old, new) = (Counts::of(a), Counts::of(b));
    let figure = |of: fn(&Counts) -> u64| Figure { before: of(&old), after: of(&new) };
    let count = |operator: &String| Figure {
        before: old.operators.get(operator).copied().unwrap_or(0),
        after: new.operators.get(operator).copied().unwrap_or(0),
    };
    let mut names: Vec<&String> = old.operators.keys().chain(new.operators.keys()).collect();
    names.sort();
    names.dedup();
    let counts = names.into_iter().map(|name| OperatorCount { operator: name.clone(), count: count(name) });
    Summary {
        operators: counts.filter(|entry| entry.count.before != entry.count.after).collect(),
        nodes: figure(|counts| counts.nodes),
        parameters: figure(|counts| counts.parameters),
        bytes: figure(|counts| counts.bytes),
    }
}

#[derive(Default)]
struct Counts {
    operators: BTreeMap<String, u64>,
    nodes: u64,
    parameters: u64,
    bytes: u64,
}

impl Counts {
    fn of(index: &Index) -> Counts {
        let mut counts = Counts { nodes: index.nodes.len() as u64, ..Counts::default() };
        for node in &index.nodes {
            *counts.operators.entry(operator(node.proto)).or_default() += 1;
            held_tensor(node.proto).into_iter().for_each(|tensor| counts.add(tensor));
        }
        for scope in &index.scopes {
            scope.body.initializers().iter().for_each(|tensor| counts.add(tensor));
            if let Body::Graph(graph) = scope.body {
                graph
                    .sparse_initializer
                    .iter()
                    .filter_map(|sparse| sparse.values.as_ref())
                    .for_each(|tensor| counts.add(tensor));
            }
        }
        counts
    }

    fn add(&mut self, tensor: &TensorProto) {
        let elements = element_count(&tensor.dims).unwrap_or(0) as u64;
        let bits = tensor.element().and_then(|element| element.bits()).map_or(0, u64::from);
        let bytes = tensor.string_data.iter().map(|string| string.len() as u64).sum::<u64>();
        self.parameters = self.parameters.saturating_add(elements);
        self.bytes = self.bytes.saturating_add(bytes + elements.saturating_mul(bits).div_ceil(8));
    }
}
