//! Constants: initializers, and the tensors of Constant nodes.

use super::{Matcher, Side};
use crate::diff::index::{Map, Origin, ScopeId, ValueId};
use crate::onnx::TensorError;
use crate::onnx::access::text;
use crate::onnx::schema::TensorProto;
use crate::onnx::text::fragment::content_hash;
use std::collections::{HashSet, VecDeque};

/// Element type and dimensions.
type Type<'m> = (Option<i32>, &'m [i64]);

impl<'m> Matcher<'_, 'm> {
    /// Constants of the same name; two Constant nodes are nodes first.
    pub(super) fn constants_by_name(&mut self, a: ScopeId, b: ScopeId) {
        for value in self.constants(Side::A, a) {
            let other = self.b.look_up_own(b, self.a.values[value].name);
            let other = other.filter(|other| self.b.constant(*other).is_some());
            if let Some(other) = other.filter(|other| !self.both_nodes(value, *other)) {
                self.found.values.add(value, other);
            }
        }
    }

    /// Constants of one type and shape that matched nodes read at the same place.
    pub(super) fn constants_by_use(&mut self, a: ScopeId) {
        for node in self.a.scopes[a].nodes.clone() {
            let Some(other) = self.found.nodes.of_a(node) else { continue };
            for (p, q) in self.a.nodes[node].inputs.iter().zip(&self.b.nodes[other].inputs) {
                let (Some(p), Some(q)) = (*p, *q) else { continue };
                let tensors = self.a.constant(p).zip(self.b.constant(q));
                if tensors.is_some_and(|(old, new)| kind(old) == kind(new)) {
                    self.pair_constants(p, q);
                }
            }
        }
    }

    /// Constants that are left and have the same elements.
    pub(super) fn constants_by_content(&mut self, a: ScopeId, b: ScopeId) -> Result<(), TensorError> {
        let (of_a, of_b) = (self.constants_left(Side::A, a), self.constants_left(Side::B, b));
        let kinds: [HashSet<Type>; 2] =
            [&of_a, &of_b].map(|left| left.iter().map(|(_, tensor)| kind(tensor)).collect());
        let mut waiting: Map<u64, VecDeque<ValueId>> = Map::default();
        for (value, tensor) in of_b {
            if kinds[0].contains(&kind(tensor)) {
                waiting.entry(self.content_of(Side::B, value, tensor)?).or_default().push_back(value);
            }
        }
        for (value, tensor) in of_a {
            if kinds[1].contains(&kind(tensor)) {
                let hash = self.content_of(Side::A, value, tensor)?;
                let same = waiting.get_mut(&hash).and_then(VecDeque::pop_front);
                if let Some(other) = same {
                    self.pair_constants(value, other);
                }
            }
        }
        Ok(())
    }

    /// The hash of the elements of a constant, which is computed once.
    pub(super) fn content_of(&mut self, side: Side, value: ValueId, tensor: &TensorProto) -> Result<u64, TensorError> {
        if let Some(hash) = self.content[side as usize].get(&value) {
            return Ok(*hash);
        }
        let hash = content_hash(tensor)?;
        self.content[side as usize].insert(value, hash);
        Ok(hash)
    }

    fn pair_constants(&mut self, a: ValueId, b: ValueId) {
        match (self.a.values[a].origin, self.b.values[b].origin) {
            (Origin::Node(a, _), Origin::Node(b, _)) => self.pair(a, b),
            _ => self.found.values.add(a, b),
        };
    }

    fn both_nodes(&self, a: ValueId, b: ValueId) -> bool {
        matches!((self.a.values[a].origin, self.b.values[b].origin), (Origin::Node(..), Origin::Node(..)))
    }

    fn constants_left(&self, side: Side, scope: ScopeId) -> Vec<(ValueId, &'m TensorProto)> {
        let constants = self.constants(side, scope).into_iter();
        let left = constants.filter(|value| self.found.values.of(side, *value).is_none());
        left.filter_map(|value| Some((value, self.index(side).constant(value)?))).collect()
    }

    /// The constants of a scope, in order.
    fn constants(&self, side: Side, scope: ScopeId) -> Vec<ValueId> {
        let index = self.index(side);
        let tensors = index.scopes[scope].body.initializers().iter();
        let initializers = tensors.filter_map(|tensor| index.look_up_own(scope, text(&tensor.name)));
        let nodes = index.scopes[scope].nodes.clone();
        let held = nodes.filter_map(|node| index.nodes[node].outputs.first().copied().flatten());
        initializers.chain(held).filter(|value| index.constant(*value).is_some()).collect()
    }
}

fn kind(tensor: &TensorProto) -> Type<'_> {
    (tensor.data_type, &tensor.dims)
}
