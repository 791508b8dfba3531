//! Pairs of values that ought to be the same.
//!
//! A value of the original and one of the result are a pair if they have the same name, or nodes
//! that correspond read them at the same place, or make them. They are none where the nodes that
//! make them are known to be others, or where only one of them depends on the inputs. The old
//! output of a Conv that took in a BatchNormalization is in no pair: its reader is gone, and what
//! reads the new one read the output of the BatchNormalization before.

use super::skeleton::{NodeId, Skeleton, ValueId};
use bstr::ByteSlice;

/// A value of the original and one of the result.
pub type Pair = [ValueId; 2];

/// Pairs in the order in which the original makes them: the inputs come first.
pub struct Candidates {
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Which of them are outputs of the graph.
    pub outputs: Vec<usize>,
    /// How many of the first are inputs.
    pub inputs: usize,
    /// Which pair a value of each of the models is in.
    of: [Vec<Option<usize>>; 2],
}

impl Candidates {
    /// The pairs of two graphs, given which node is which.
    pub fn new(graphs: [&Skeleton; 2], nodes: &[Option<NodeId>]) -> Self {
        let mut pairing = Pairing::new(graphs, nodes);
        let [a, b] = graphs;
        a.inputs.iter().zip(&b.inputs).for_each(|(p, q)| _ = pairing.add(*p, *q));
        a.outputs.iter().zip(&b.outputs).for_each(|(p, q)| _ = pairing.add(*p, *q));
        pairing.by_names();
        pairing.by_use();
        pairing.by_makers();
        Self::in_order(graphs, pairing.of)
    }

    fn in_order([a, b]: [&Skeleton; 2], partner: [Vec<Option<ValueId>>; 2]) -> Self {
        // Values are numbered in order: inputs, initializers, what nodes make.
        let pairs: Vec<Pair> = partner[0].iter().enumerate().filter_map(|(p, q)| Some([p, (*q)?])).collect();
        let mut of = [vec![None; a.count()], vec![None; b.count()]];
        for (number, [p, q]) in pairs.iter().enumerate() {
            (of[0][*p], of[1][*q]) = (Some(number), Some(number));
        }
        let outputs = a.outputs.iter().filter_map(|value| of[0][*value]).collect();
        let inputs = pairs.iter().take_while(|pair| a.inputs.contains(&pair[0])).count();
        Candidates { pairs, outputs, inputs, of }
    }

    /// The pair that a value of a model (0: the original) is in.
    pub fn of(&self, side: usize, value: ValueId) -> Option<usize> {
        self.of[side][value]
    }
}

struct Pairing<'x, 'm> {
    a: &'x Skeleton<'m>,
    b: &'x Skeleton<'m>,
    /// Which node is which, from both sides.
    nodes: [Vec<Option<NodeId>>; 2],
    of: [Vec<Option<ValueId>>; 2],
}

impl<'x, 'm> Pairing<'x, 'm> {
    fn new([a, b]: [&'x Skeleton<'m>; 2], nodes: &[Option<NodeId>]) -> Self {
        let mut nodes = [nodes.to_vec(), vec![None; b.nodes.len()]];
        nodes[0].resize(a.nodes.len(), None);
        for (m, n) in nodes[0].clone().into_iter().enumerate() {
            n.into_iter().for_each(|n| nodes[1][n] = Some(m));
        }
        Pairing { a, b, nodes, of: [vec![None; a.count()], vec![None; b.count()]] }
    }

    fn add(&mut self, p: ValueId, q: ValueId) -> bool {
        let free = self.of[0][p].is_none() && self.of[1][q].is_none();
        if free {
            (self.of[0][p], self.of[1][q]) = (Some(q), Some(p));
        }
        free
    }

    fn by_names(&mut self) {
        for p in 0..self.a.count() {
            if let Some(q) = self.b.find(self.a.name(p))
                && self.may_be_same(p, q)
                && !self.is_used_otherwise(p, q)
            {
                self.add(p, q);
            }
        }
    }

    /// What nodes that correspond read at the same place, if all of them agree.
    fn by_use(&mut self) {
        for p in self.left() {
            let mut seen = self.a.readers(p).iter().flat_map(|reader| self.read_instead(p, *reader));
            if let Some(q) = seen.next()
                && seen.all(|other| other == q)
                && self.may_be_same(p, q)
            {
                self.add(p, q);
            }
        }
    }

    /// What nodes that correspond make at the same place, if all their known readers correspond too.
    fn by_makers(&mut self) {
        for p in self.left() {
            let Some(m) = self.a.maker(p) else { continue };
            let Some(n) = self.nodes[0][m] else { continue };
            let slot = self.a.nodes[m].output.iter().position(|name| name.as_bstr() == self.a.name(p));
            let name = slot.and_then(|slot| self.b.nodes[n].output.get(slot));
            let q = name.and_then(|name| self.b.find(name.as_bstr()));
            if let Some(q) = q.filter(|q| self.may_be_same(p, *q) && self.is_used_alike(p, *q)) {
                self.add(p, q);
            }
        }
    }

    /// Values of the original that nodes make and that have no partner.
    fn left(&self) -> Vec<ValueId> {
        let values = 0..self.a.count();
        values.filter(|value| self.of[0][*value].is_none() && self.a.maker(*value).is_some()).collect()
    }

    /// What the partner of a reader of a value reads in its place.
    fn read_instead(&self, value: ValueId, reader: NodeId) -> Vec<ValueId> {
        let Some(partner) = self.nodes[0][reader] else { return Vec::new() };
        let (old, new) = (&self.a.nodes[reader].input, &self.b.nodes[partner].input);
        let here = old.iter().zip(new).filter(|(old, _)| old.as_bstr() == self.a.name(value));
        here.filter_map(|(_, new)| self.b.find(new.as_bstr())).collect()
    }

    fn is_used_alike(&self, p: ValueId, q: ValueId) -> bool {
        let [of_a, of_b] = &self.nodes;
        let partners: Vec<NodeId> = self.a.readers(p).iter().filter_map(|reader| of_a[*reader]).collect();
        let back = self.b.readers(q).iter().filter_map(|reader| of_b[*reader]);
        let (readers, mut back) = (self.b.readers(q), back);
        !partners.is_empty()
            && partners.iter().all(|partner| readers.contains(partner))
            && back.all(|partner| self.a.readers(p).contains(&partner))
    }

    /// Whether readers of one correspond to nodes that read something else, and none to a reader of
    /// the other: a tool that puts Conv and BatchNormalization into one Conv may leave the Conv the
    /// name of its output.
    fn is_used_otherwise(&self, p: ValueId, q: ValueId) -> bool {
        let [of_a, of_b] = &self.nodes;
        let of_p = self.a.readers(p).iter().filter_map(|reader| of_a[*reader]);
        let of_q = self.b.readers(q).iter().filter_map(|reader| of_b[*reader]);
        let agree = of_p.clone().any(|reader| self.b.readers(q).contains(&reader));
        !agree && of_p.count() + of_q.count() > 0
    }

    /// Whether nothing is known that speaks against it.
    fn may_be_same(&self, p: ValueId, q: ValueId) -> bool {
        let makers = self.a.maker(p).zip(self.b.maker(q));
        let are_others = makers.is_some_and(|(m, n)| {
            let (of_m, of_n) = (self.nodes[0][m], self.nodes[1][n]);
            of_m.is_some() && of_n.is_some() && of_m != Some(n)
        });
        !are_others && self.a.varies(p) && self.b.varies(q) && self.of[1][q].is_none()
    }
}
