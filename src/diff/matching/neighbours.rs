//! By neighbours: where a matched value goes, and where what a matched node reads comes from.

use super::structure::operator_hash;
use super::{Matcher, Side, same_operator};
use crate::diff::index::{NodeId, Origin, ScopeId, ValueId};
use std::collections::{BTreeMap, HashSet, VecDeque};

/// A place to look for nodes to match.
enum Clue {
    /// Readers of two matched values.
    Values(ValueId, ValueId),
    /// What makes the inputs of two matched nodes.
    Nodes(NodeId, NodeId),
}

impl Matcher<'_, '_> {
    /// Nodes that are left, of the same operator, beside what is matched. Each match is a clue to
    /// the next.
    pub(super) fn nodes_by_neighbours(&mut self, a: ScopeId, b: ScopeId) {
        let mut clues = self.first_clues(a);
        while let Some(clue) = clues.pop_front() {
            let pairs = match clue {
                Clue::Values(p, q) => self.readers(p, q, a, b),
                Clue::Nodes(m, n) => self.sources(m, n, a, b),
            };
            for (m, n) in pairs {
                if self.pair(m, n) {
                    clues.extend(self.clues_of(m, n));
                }
            }
        }
    }

    fn first_clues(&self, a: ScopeId) -> VecDeque<Clue> {
        let (mut clues, mut seen) = (VecDeque::new(), HashSet::new());
        for node in self.a.scopes[a].nodes.clone() {
            match self.found.nodes.of_a(node) {
                Some(other) => clues.push_back(Clue::Nodes(node, other)),
                None => {
                    let inputs = self.a.nodes[node].inputs.iter().flatten().filter(|value| seen.insert(**value));
                    clues.extend(inputs.filter_map(|p| Some(Clue::Values(*p, self.found.values.of_a(*p)?))));
                }
            }
        }
        clues
    }

    fn clues_of(&self, m: NodeId, n: NodeId) -> Vec<Clue> {
        let outputs = self.a.nodes[m].outputs.iter().flatten();
        let values = outputs.filter_map(|p| Some(Clue::Values(*p, self.found.values.of_a(*p)?)));
        values.chain([Clue::Nodes(m, n)]).collect()
    }

    /// Readers of two values by the same input of the same operator, where there are as many of
    /// both.
    fn readers(&self, p: ValueId, q: ValueId, a: ScopeId, b: ScopeId) -> Vec<(NodeId, NodeId)> {
        let of_p = self.readers_left(Side::A, p, a);
        if of_p.is_empty() {
            return Vec::new();
        }
        let of_q = self.readers_left(Side::B, q, b);
        let pairs = of_p.into_iter().flat_map(|(kind, readers)| {
            let same = of_q.get(&kind).filter(|others| others.len() == readers.len());
            readers.into_iter().zip(same.cloned().unwrap_or_default())
        });
        pairs.collect()
    }

    /// Readers by operator and input.
    fn readers_left(&self, side: Side, value: ValueId, scope: ScopeId) -> BTreeMap<(usize, u64), Vec<NodeId>> {
        let index = self.index(side);
        let mut readers: BTreeMap<_, Vec<NodeId>> = BTreeMap::new();
        for (node, slot) in index.uses_in(value, scope) {
            if self.is_left(side, *node) {
                readers.entry((*slot, operator_hash(index.nodes[*node].proto))).or_default().push(*node);
            }
        }
        readers
    }

    /// What makes the inputs of two nodes, where it is the same operator.
    fn sources(&self, m: NodeId, n: NodeId, a: ScopeId, b: ScopeId) -> Vec<(NodeId, NodeId)> {
        let inputs = self.a.nodes[m].inputs.iter().zip(&self.b.nodes[n].inputs);
        let makers = inputs.filter_map(|(p, q)| match (self.a.values[(*p)?].origin, self.b.values[(*q)?].origin) {
            (Origin::Node(m, slot), Origin::Node(n, other)) if slot == other => Some((m, n)),
            _ => None,
        });
        let fit = |(m, n): &(NodeId, NodeId)| {
            let here = self.a.nodes[*m].scope == a && self.b.nodes[*n].scope == b;
            let left = self.is_left(Side::A, *m) && self.is_left(Side::B, *n);
            here && left && same_operator(self.a.nodes[*m].proto, self.b.nodes[*n].proto)
        };
        makers.filter(fit).collect()
    }

    fn is_left(&self, side: Side, node: NodeId) -> bool {
        self.found.nodes.of(side, node).is_none()
    }
}
