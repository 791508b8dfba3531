//! Which pairs are before and behind one, in either of the models.

use super::candidates::Candidates;
use super::skeleton::{Skeleton, ValueId};
use std::collections::VecDeque;

/// Two graphs and the pairs of their values.
pub struct Twins<'x, 'm> {
    /// The original and the result.
    pub graphs: [&'x Skeleton<'m>; 2],
    /// The pairs.
    pub candidates: &'x Candidates,
}

/// Up or down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To what a value is computed from.
    Before,
    /// To what is computed from it.
    Behind,
}

impl Twins<'_, '_> {
    /// The pairs that this one is computed from, the nearest first; `passes` tells whether to go
    /// on to what is before such a pair. Those that come later in the original are left out: a
    /// wrong pair may make a circle.
    pub fn before(&self, pair: usize, passes: &mut dyn FnMut(usize) -> bool) {
        self.walk(pair, Way::Before, passes);
    }

    /// The pairs that are computed from this one, the nearest first.
    pub fn behind(&self, pair: usize, passes: &mut dyn FnMut(usize) -> bool) {
        self.walk(pair, Way::Behind, passes);
    }

    fn walk(&self, start: usize, way: Way, passes: &mut dyn FnMut(usize) -> bool) {
        let mut seen = self.graphs.map(|graph| vec![false; graph.count()]);
        let mut seen_pairs = vec![false; self.candidates.pairs.len()];
        let mut work = VecDeque::new();
        let enter = |pair: usize, work: &mut VecDeque<_>| {
            (0..2).for_each(|side| work.push_back((side, self.candidates.pairs[pair][side])));
        };
        seen_pairs[start] = true;
        enter(start, &mut work);
        while let Some((side, value)) = work.pop_front() {
            if std::mem::replace(&mut seen[side][value], true) {
                continue;
            }
            match self.candidates.of(side, value).filter(|pair| *pair != start) {
                Some(pair) => {
                    let in_order = (pair < start) == (way == Way::Before);
                    // Of a pair whose second value is reached as well, the way is gone on already.
                    let is_new = !std::mem::replace(&mut seen_pairs[pair], true);
                    if is_new && in_order && passes(pair) {
                        (0..2).for_each(|side| {
                            let value = self.candidates.pairs[pair][side];
                            seen[side][value] = true;
                            self.next(side, value, way, &mut work);
                        });
                    }
                }
                None => self.next(side, value, way, &mut work),
            }
        }
    }

    fn next(&self, side: usize, value: ValueId, way: Way, work: &mut VecDeque<(usize, ValueId)>) {
        let graph = self.graphs[side];
        match way {
            Way::Before => {
                let read = graph.maker(value).into_iter().flat_map(|node| graph.reads(node));
                work.extend(read.filter(|value| graph.varies(**value)).map(|value| (side, *value)));
            }
            Way::Behind => {
                let made = graph.readers(value).iter().flat_map(|node| graph.makes(*node));
                work.extend(made.map(|value| (side, value)));
            }
        }
    }
}
