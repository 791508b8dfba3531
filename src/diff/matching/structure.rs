//! By structure: the same computation, or the same use of the result.

use super::{Matcher, Side, text};
use crate::diff::index::{Map, NodeId, Origin, ScopeId, ValueId};
use crate::onnx::TensorError;
use crate::onnx::access::is_standard_domain;
use crate::onnx::schema::{AttributeProto, GraphProto, NodeProto};
use crate::onnx::text::fragment::content_hash;
use foldhash::quality::FixedState;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

/// Each round may find what the one before made unique; two or three are enough but for models
/// that were made to need more.
const ROUNDS: usize = 8;

/// What nodes are recognised by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// All that they are computed from, and all that is made of them.
    Both,
    /// All that they are computed from: operators, attributes, constants, up to what is matched.
    Computation,
    /// The operator, and what is made of them.
    Use,
}

impl Matcher<'_, '_> {
    /// Nodes that are left and compute the same, or are used for the same. Those that nothing
    /// tells apart are matched in order.
    pub(super) fn nodes_by_structure(&mut self, a: ScopeId, b: ScopeId) -> Result<(), TensorError> {
        for _ in 0..ROUNDS {
            let mut found = false;
            for by in [By::Both, By::Computation, By::Use] {
                found |= self.any_left(a, b) && self.pair_equal(a, b, by)?;
            }
            if !found {
                break;
            }
        }
        Ok(())
    }

    fn pair_equal(&mut self, a: ScopeId, b: ScopeId, by: By) -> Result<bool, TensorError> {
        let (of_a, of_b) = (self.keys(Side::A, a, by)?, self.keys(Side::B, b, by)?);
        let mut waiting: Map<u64, VecDeque<NodeId>> = Map::default();
        for (node, key) in of_b {
            waiting.entry(key).or_default().push_back(node);
        }
        let mut found = false;
        for (node, key) in of_a {
            if let Some(other) = waiting.get_mut(&key).and_then(VecDeque::pop_front) {
                found |= self.pair(node, other);
            }
        }
        Ok(found)
    }

    /// The nodes that are left, each with a hash of what it is recognised by.
    fn keys(&mut self, side: Side, scope: ScopeId, by: By) -> Result<Vec<(NodeId, u64)>, TensorError> {
        let forward = if by == By::Use { Map::default() } else { self.forward(side, scope)? };
        let backward = if by == By::Computation { Map::default() } else { self.backward(side, scope)? };
        let left = self.left(side, scope).into_iter();
        let key = |node| match by {
            By::Both => Some(hash(&(forward.get(&node)?, backward.get(&node)?))),
            By::Computation => forward.get(&node).copied(),
            By::Use => backward.get(&node).copied(),
        };
        Ok(left.filter_map(|node| Some((node, key(node)?))).collect())
    }

    /// Of each node that is left, what it is computed from.
    fn forward(&mut self, side: Side, scope: ScopeId) -> Result<Map<NodeId, u64>, TensorError> {
        let mut hashes = Map::default();
        for node in self.left(side, scope) {
            let mut inputs = vec![self.own(side, node)?];
            for slot in 0..self.index(side).nodes[node].inputs.len() {
                let input = self.index(side).nodes[node].inputs[slot];
                inputs.push(input.map_or(Ok(0), |value| self.source(side, value, &hashes))?);
            }
            hashes.insert(node, hash(&inputs));
        }
        Ok(hashes)
    }

    /// What a value is: one that is matched, a constant, an output of a node, or a name.
    fn source(&mut self, side: Side, value: ValueId, nodes: &Map<NodeId, u64>) -> Result<u64, TensorError> {
        if let Some(number) = self.found.values.number(side, value) {
            return Ok(hash(&(1, number)));
        }
        let (origin, name) = (self.index(side).values[value].origin, self.index(side).values[value].name);
        Ok(match origin {
            Origin::Node(node, slot) if nodes.contains_key(&node) => hash(&(2, nodes[&node], slot)),
            Origin::Initializer(tensor) => {
                hash(&(3, tensor.data_type, tensor.dims.as_slice(), self.content_of(side, value, tensor)?))
            }
            _ => hash(&(4, name)),
        })
    }

    /// Of each node that is left and used at all, what is made of it.
    fn backward(&mut self, side: Side, scope: ScopeId) -> Result<Map<NodeId, u64>, TensorError> {
        let outputs = self.index(side).ports(scope).1;
        let mut returned: Map<ValueId, u64> = Map::default();
        for (place, value) in outputs.into_iter().enumerate().filter_map(|(place, value)| Some((place, value?))) {
            // One value may be returned at several places.
            let places = returned.entry(value).or_default();
            *places = places.wrapping_add(hash(&(5, place)));
        }
        let mut hashes = Map::default();
        for node in self.left(side, scope).into_iter().rev() {
            let index = self.index(side);
            let of_output =
                |value: &Option<ValueId>| value.map_or(0, |value| self.uses(side, value, &returned, &hashes));
            let uses: Vec<u64> = index.nodes[node].outputs.iter().map(of_output).collect();
            if uses.iter().any(|uses| *uses != 0) {
                let own = self.own(side, node)?;
                hashes.insert(node, hash(&(own, uses)));
            }
        }
        Ok(hashes)
    }

    /// What is made of a value, in whatever order.
    fn uses(&self, side: Side, value: ValueId, returned: &Map<ValueId, u64>, nodes: &Map<NodeId, u64>) -> u64 {
        let of_use = |(node, slot): &(NodeId, usize)| match self.found.nodes.number(side, *node) {
            Some(number) => hash(&(6, number, slot)),
            None => nodes.get(node).map_or(0, |used| hash(&(7, used, slot))),
        };
        let uses = self.index(side).values[value].uses.iter().map(of_use);
        uses.fold(returned.get(&value).copied().unwrap_or(0), u64::wrapping_add)
    }

    /// The operator of a node and its attributes.
    fn own(&mut self, side: Side, node: NodeId) -> Result<u64, TensorError> {
        if let Some(hash) = self.own[side as usize].get(&node) {
            return Ok(*hash);
        }
        let proto = self.index(side).nodes[node].proto;
        let mut attributes = 0u64;
        for attribute in &proto.attribute {
            attributes = attributes.wrapping_add(attribute_hash(attribute)?);
        }
        let own = hash(&(operator_hash(proto), attributes, proto.output.len()));
        self.own[side as usize].insert(node, own);
        Ok(own)
    }
}

/// An operator as a number; `""` and `ai.onnx` are one domain.
pub(super) fn operator_hash(node: &NodeProto) -> u64 {
    let domain = Some(text(&node.domain)).filter(|domain| !is_standard_domain(domain));
    hash(&(domain, text(&node.op_type), text(&node.overload)))
}

fn attribute_hash(attribute: &AttributeProto) -> Result<u64, TensorError> {
    let AttributeProto { f, i, s, floats, ints, strings, ref_attr_name, .. } = attribute;
    let numbers = (f.map(f32::to_bits), i, floats.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), &ints[..]);
    let mut tensors = Vec::new();
    for tensor in attribute.t.as_deref().into_iter().chain(&attribute.tensors) {
        tensors.push((tensor.data_type, &tensor.dims[..], content_hash(tensor)?));
    }
    let graphs: Vec<u64> = attribute.g.as_deref().into_iter().chain(&attribute.graphs).map(graph_hash).collect();
    Ok(hash(&(text(&attribute.name), numbers, s, &strings[..], ref_attr_name, tensors, graphs)))
}

/// A graph by its operators alone: what is in it is compared when the nodes are matched.
fn graph_hash(graph: &GraphProto) -> u64 {
    hash(&graph.node.iter().map(operator_hash).collect::<Vec<_>>())
}

fn hash(value: &impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}
