//! Which integers an input may have, as far as the graph tells: an index is bounded by what it looks up, a
//! shape by what it is to be the shape of.

use super::random::Values;
use crate::graph::shape::{Facts, Length};
use crate::graph::{Graph, NodeId, Use, ValueId};
use crate::onnx::schema::ModelProto;
use bstr::BString;
use std::collections::{HashMap, HashSet};

/// The values that integer inputs may have, by name; inputs of which nothing is known are absent.
pub fn bounds(model: &ModelProto) -> HashMap<BString, Values> {
    // What is no graph is told by whoever runs it.
    let Ok(graph) = Graph::new(model.clone()) else { return HashMap::new() };
    let facts = Facts::infer(&graph);
    let search = Search { graph: &graph, facts: &facts };
    let inputs = graph.main_inputs().filter_map(|input| Some((graph.name(input).into(), search.values(input)?)));
    inputs.collect()
}

struct Search<'a> {
    graph: &'a Graph,
    facts: &'a Facts,
}

impl Search<'_> {
    /// What all uses of an input allow, its elements passed on unchanged.
    fn values(&self, input: ValueId) -> Option<Values> {
        let (mut seen, mut stack) = (HashSet::from([input]), vec![input]);
        let mut largest = None;
        while let Some(value) = stack.pop() {
            for usage in self.graph.data_uses(value) {
                if let Some(elements) = self.shape(usage) {
                    return Some(Values::Exactly(elements));
                }
                let limit = self.largest(usage);
                largest = [largest, limit].into_iter().flatten().min();
                if limit.is_none() && self.passes(usage) {
                    let outputs = self.graph.node(usage.node).outputs.iter().flatten();
                    stack.extend(outputs.copied().filter(|output| seen.insert(*output)));
                }
            }
        }
        largest.map(|largest| Values::Integers([0, largest]))
    }

    /// The largest index that a use takes.
    fn largest(&self, usage: Use) -> Option<i64> {
        let node = usage.node;
        let last = |length: usize| i64::try_from(length).ok()?.checked_sub(1).filter(|last| *last >= 0);
        match (self.op(node), usage.slot) {
            ("Gather" | "GatherElements", 1) => last(self.axis(node)?.known()?),
            ("GatherND", 1) => {
                let lengths = self.facts.axes(self.graph, self.graph.input(node, 0)?)?;
                last(lengths.into_iter().filter_map(Length::known).min()?)
            }
            ("OneHot", 0) => {
                let depth = self.facts.integers(self.graph, self.graph.input(node, 1)?)?;
                Some(depth.first()?.known()?.checked_sub(1)?.max(0))
            }
            _ => None,
        }
    }

    /// The length of the axis along which a node looks up.
    fn axis(&self, node: NodeId) -> Option<Length> {
        let lengths = self.facts.axes(self.graph, self.graph.input(node, 0)?)?;
        let axis = self.graph.proto(node).int("axis", 0);
        let place = if axis < 0 { axis.checked_add(lengths.len() as i64)? } else { axis };
        lengths.get(usize::try_from(place).ok()?).copied()
    }

    /// The elements, if the use takes them for a shape.
    fn shape(&self, usage: Use) -> Option<Vec<i64>> {
        let count = || self.facts.integers(self.graph, self.graph.input(usage.node, usage.slot as usize)?);
        match (self.op(usage.node), usage.slot) {
            ("Reshape", 1) => self.target(usage.node, count()?.len()),
            ("Expand" | "Tile", 1) | ("ConstantOfShape", 0) => Some(vec![1; count()?.len()]),
            _ => None,
        }
    }

    /// A shape that a Reshape takes: that of its output, if all but one of its lengths are known, else that
    /// of its input.
    fn target(&self, node: NodeId, rank: usize) -> Option<Vec<i64>> {
        let declared = self.facts.axes(self.graph, self.graph.output(node, 0)?);
        if let Some(lengths) = declared.filter(|lengths| lengths.len() == rank) {
            let known = |length: &Length| length.known().and_then(|length| i64::try_from(length).ok());
            let lengths: Vec<i64> = lengths.iter().map(|length| known(length).unwrap_or(-1)).collect();
            if lengths.iter().filter(|length| **length < 0).count() <= 1 {
                return Some(lengths);
            }
        }
        // 0 copies the length of the input at the same place.
        let copies = self.facts.rank(self.graph, self.graph.input(node, 0)?)? == rank;
        (copies && self.graph.proto(node).int("allowzero", 0) == 0).then(|| vec![0; rank])
    }

    /// Whether elements come out of the node as they go in.
    fn passes(&self, usage: Use) -> bool {
        match self.op(usage.node) {
            "Concat" => true,
            "Identity" | "Cast" | "Unsqueeze" | "Squeeze" | "Reshape" | "Flatten" | "Transpose" | "Slice" | "Split"
            | "Gather" | "Expand" | "Tile" | "CastLike" => usage.slot == 0,
            _ => false,
        }
    }

    fn op(&self, node: NodeId) -> &str {
        self.graph.op(node).try_into().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(graph: &str) -> HashMap<BString, Values> {
        let text = format!("<ir_version: 8, opset_import: [\"\" : 17]> {graph}");
        bounds(&crate::onnx::text::parse(text).expect("well-formed"))
    }

    fn only(graph: &str) -> Option<Values> {
        of(graph).remove(&BString::from("i"))
    }

    #[test]
    fn an_index_is_bounded_by_what_it_looks_up() {
        let table = "float[5,2] t = {1,2,3,4,5,6,7,8,9,10}";
        for (graph, largest) in [
            (format!("g (int64[N] i) => (float[N,2] y) <{table}> {{ y = Gather (t, i) }}"), 4),
            (format!("g (int64[N] i) => (float[5,N] y) <{table}> {{ y = Gather <axis = -1> (t, i) }}"), 1),
            // Through nodes that pass it on, and of two tables the smaller.
            (
                format!(
                    "g (int32[N] i) => (float[N,2] y, float[5,N] z) <{table}> {{
                        c = Cast <to = 7> (i)
                        y = Gather (t, c)
                        z = Gather <axis = 1> (t, c)
                    }}"
                ),
                1,
            ),
        ] {
            assert_eq!(only(&graph), Some(Values::Integers([0, largest])), "{graph}");
        }
    }

    #[test]
    fn a_shape_is_one_that_fits() {
        let declared = "g (float[2,6] x, int64[2] i) => (float[3,4] y) { y = Reshape (x, i) }";
        assert_eq!(only(declared), Some(Values::Exactly(vec![3, 4])));
        let half = "g (float[2,6] x, int64[2] i) => (float[N,4] y) { y = Reshape (x, i) }";
        assert_eq!(only(half), Some(Values::Exactly(vec![-1, 4])));
        let open = "g (float[N,M] x, int64[2] i) => (float[P,Q] y) { y = Reshape (x, i) }";
        assert_eq!(only(open), Some(Values::Exactly(vec![0, 0])));
    }

    #[test]
    fn keeps_quiet_of_what_it_does_not_know() {
        // Arithmetic on indices, tables of unknown length, shapes of another rank.
        for graph in [
            "g (int64[N] i) => (float[N,2] y) <float[5,2] t = {1,2,3,4,5,6,7,8,9,10}> { a = Add (i, i) y = Gather (t, a) }",
            "g (float[M,2] t, int64[N] i) => (float[N,2] y) { y = Gather (t, i) }",
            "g (float[N,M] x, int64[3] i) => (float[P,Q,R] y) { y = Reshape (x, i) }",
        ] {
            assert_eq!(only(graph), None, "{graph}");
        }
    }
}
