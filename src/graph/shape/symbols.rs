//! Unknown lengths, and which of them are the same.

use super::Length;
use crate::graph::ScopeId;

/// All symbols: a forest in which a symbol that turned out to be another one, or a number,
/// points to it.
#[derive(Default)]
pub(super) struct Symbols(Vec<Entry>);

struct Entry {
    /// What it turned out to be; itself while nothing is known.
    is: Length,
    /// How many symbols point here, so that the smaller tree joins the larger: no path is long.
    size: u32,
    scope: ScopeId,
}

impl Symbols {
    /// A length of which nothing is known.
    pub fn fresh(&mut self, scope: ScopeId) -> Length {
        let symbol = Length::Symbol(self.0.len() as u32);
        self.0.push(Entry { is: symbol, size: 1, scope });
        symbol
    }

    /// All that is known of a length by now.
    pub fn resolve(&self, mut length: Length) -> Length {
        while let Length::Symbol(symbol) = length {
            let next = self.0[symbol as usize].is;
            if next == length {
                break;
            }
            length = next;
        }
        length
    }

    /// Notes that two lengths are the same, and returns what is known of it; `None` when they are
    /// not.
    ///
    /// A subgraph may never run, so what its nodes demand says nothing of lengths outside: only
    /// symbols that were made in `scope` change.
    pub fn unify(&mut self, a: Length, b: Length, scope: ScopeId) -> Option<Length> {
        let (a, b) = (self.resolve(a), self.resolve(b));
        match (a, b) {
            (a, b) if a == b => Some(a),
            (Length::Known(_), Length::Known(_)) => None,
            (Length::Symbol(s), other) if self.gives_way(s, other, scope) => Some(self.point(s, other)),
            (other, Length::Symbol(s)) if self.0[s as usize].scope == scope => Some(self.point(s, other)),
            (known @ Length::Known(_), _) | (_, known) => Some(known),
        }
    }

    /// Two statements about one axis that do not contradict each other: a number if either has
    /// one, and symbols become one.
    pub fn merge(&mut self, (a, b): (Length, Length), scope: ScopeId) -> Length {
        match (self.resolve(a), self.resolve(b)) {
            (known @ Length::Known(_), _) | (_, known @ Length::Known(_)) => known,
            (a, b) => self.unify(a, b, scope).unwrap_or(a),
        }
    }

    /// Whether a symbol may point to another length: it is of this scope, and the other one is
    /// not the better one to change.
    fn gives_way(&self, symbol: u32, other: Length, scope: ScopeId) -> bool {
        let own = &self.0[symbol as usize];
        let Length::Symbol(other) = other else { return own.scope == scope };
        let other = &self.0[other as usize];
        own.scope == scope && (other.scope != scope || own.size <= other.size)
    }

    fn point(&mut self, symbol: u32, to: Length) -> Length {
        self.0[symbol as usize].is = to;
        if let Length::Symbol(root) = to {
            self.0[root as usize].size += self.0[symbol as usize].size;
        }
        to
    }
}
