//! Names, and what each stands for in which scope.

use super::{ScopeId, ValueId};
use bstr::{BStr, BString, ByteSlice};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Bound::{Excluded, Included};

/// A name, by its place among all names of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameId(u32);

/// Every name that occurs anywhere in the model, stored once.
#[derive(Default)]
pub(super) struct Names {
    names: Vec<Name>,
    /// The names by their hash, which is seeded: nobody can write a model of names that collide.
    table: HashTable<NameId>,
    hasher: RandomState,
}

struct Name {
    text: BString,
    meaning: Meaning,
}

/// What a name stands for. Few names stand for something in more than one scope.
enum Meaning {
    Nothing,
    One(ScopeId, ValueId),
    #[allow(clippy::box_collection, reason = "a million names: eight bytes each, not 24")]
    Several(Box<BTreeMap<ScopeId, ValueId>>),
}

impl Names {
    /// Makes room for so many more names.
    pub fn reserve(&mut self, more: usize) {
        self.names.reserve(more);
        let Names { names, table, hasher } = self;
        table.reserve(more, |id| hasher.hash_one(names[id.0 as usize].text.as_slice()));
    }

    /// The name as text.
    pub fn text(&self, id: NameId) -> &BStr {
        self.names[id.0 as usize].text.as_bstr()
    }

    /// Whether the name occurs anywhere.
    pub fn contains(&self, text: &BStr) -> bool {
        self.find(text).is_some()
    }

    /// Notes that a name occurs.
    pub fn add(&mut self, text: &BStr) -> NameId {
        let hash = self.hasher.hash_one(text.as_bytes());
        let Names { names, table, hasher } = self;
        let found = table.entry(
            hash,
            |id| names[id.0 as usize].text == text,
            |id| hasher.hash_one(names[id.0 as usize].text.as_slice()),
        );
        let entry = found.or_insert_with(|| {
            names.push(Name { text: text.into(), meaning: Meaning::Nothing });
            NameId(names.len() as u32 - 1)
        });
        *entry.get()
    }

    /// Lets a name stand for a value in a scope, unless it stands for one there already; returns
    /// whether it did not.
    pub fn define(&mut self, text: &BStr, scope: ScopeId, value: ValueId) -> (NameId, bool) {
        let id = self.add(text);
        let meaning = &mut self.names[id.0 as usize].meaning;
        match meaning {
            Meaning::Nothing => *meaning = Meaning::One(scope, value),
            Meaning::One(other, _) if *other == scope => return (id, false),
            Meaning::One(other, first) => {
                *meaning = Meaning::Several(Box::new([(*other, *first), (scope, value)].into()));
            }
            Meaning::Several(all) if all.contains_key(&scope) => return (id, false),
            Meaning::Several(all) => _ = all.insert(scope, value),
        }
        (id, true)
    }

    /// What a name stands for in the first of these scopes where it stands for something.
    pub fn resolve(&self, text: &BStr, mut scopes: impl Iterator<Item = ScopeId>) -> Option<ValueId> {
        match &self.names[self.find(text)?.0 as usize].meaning {
            Meaning::Nothing => None,
            Meaning::One(scope, value) => scopes.any(|other| other == *scope).then_some(*value),
            Meaning::Several(all) => scopes.find_map(|scope| all.get(&scope).copied()),
        }
    }

    /// Whether the name stands for something in one of these scopes, or in a scope after `first`
    /// up to `last`.
    pub fn is_defined_in(&self, id: NameId, mut scopes: impl Iterator<Item = ScopeId>, inner: [ScopeId; 2]) -> bool {
        let Meaning::Several(all) = &self.names[id.0 as usize].meaning else { return false };
        let [first, last] = inner;
        all.range((Excluded(first), Included(last))).next().is_some() || scopes.any(|scope| all.contains_key(&scope))
    }

    fn find(&self, text: &BStr) -> Option<NameId> {
        let hash = self.hasher.hash_one(text.as_bytes());
        self.table.find(hash, |id| self.names[id.0 as usize].text == text).copied()
    }
}
