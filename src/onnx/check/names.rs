//! Which names are defined, scope inside scope.

use bstr::BStr;

/// Names of the model; they are only borrowed. The hash is seeded: nobody can write a model of
/// names that collide.
pub(super) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// The names that are visible at a place, and the scope that defines each.
#[derive(Default)]
pub(super) struct Names<'m> {
    known: Map<&'m BStr, Definition>,
    /// What to restore where a scope ends.
    before: Vec<(&'m BStr, Option<Definition>)>,
    /// How long `before` was where each open scope began.
    scopes: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Definition {
    depth: usize,
    /// An input, which an initializer of the same name may follow.
    is_input: bool,
}

impl<'m> Names<'m> {
    pub(super) fn enter(&mut self) {
        self.scopes.push(self.before.len());
    }

    pub(super) fn leave(&mut self) {
        let start = self.scopes.pop().unwrap_or(0);
        for (name, definition) in self.before.drain(start..).rev() {
            match definition {
                Some(outer) => self.known.insert(name, outer),
                None => self.known.remove(name),
            };
        }
    }

    /// How many scopes are open.
    pub(super) fn depth(&self) -> usize {
        self.scopes.len()
    }

    pub(super) fn contains(&self, name: &BStr) -> bool {
        self.known.contains_key(name)
    }

    /// Whether the innermost scope did not have the name yet.
    pub(super) fn define(&mut self, name: &'m BStr) -> bool {
        self.insert(name, false).is_none()
    }

    /// The same for an input.
    pub(super) fn define_input(&mut self, name: &'m BStr) -> bool {
        self.insert(name, true).is_none()
    }

    /// The same for an initializer, which may be listed as an input before.
    pub(super) fn define_initializer(&mut self, name: &'m BStr) -> bool {
        self.insert(name, false).is_none_or(|before| before.is_input)
    }

    /// Returns the definition that the scope had.
    fn insert(&mut self, name: &'m BStr, is_input: bool) -> Option<Definition> {
        let depth = self.depth();
        let before = self.known.insert(name, Definition { depth, is_input });
        if before.is_some_and(|before| before.depth == depth) {
            return before;
        }
        self.before.push((name, before));
        None
    }
}
