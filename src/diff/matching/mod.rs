//! Which node of one model is which of the other.
//!
//! In each pair of scopes nodes of the same operator are matched by what is the strongest evidence
//! left: the same output, the same name, the same computation or the same use
//! ([`structure`]), a neighbour that is matched ([`neighbours`]). Values follow: they are the same
//! if the nodes that make them are. Where names lead astray, because an exporter counted them or
//! they were swapped, structure comes first. Whatever is matched with what, the comparison that
//! follows shows every difference; a good match only makes them few.

mod constants;
mod names;
mod neighbours;
mod structure;

use super::index::{Index, Map, NodeId, ScopeId, ValueId, subgraphs};
use crate::onnx::TensorError;
use crate::onnx::access::{is_standard_domain, text};
use crate::onnx::schema::NodeProto;
use bstr::BStr;

/// What corresponds to what.
pub(super) struct Matching {
    pub scopes: Pairs,
    pub nodes: Pairs,
    pub values: Pairs,
}

/// Pairs of numbers, each of which occurs once.
pub(super) struct Pairs {
    of_a: Vec<Option<usize>>,
    of_b: Vec<Option<usize>>,
}

/// One of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    A,
    B,
}

impl Pairs {
    fn new(a: usize, b: usize) -> Self {
        Pairs { of_a: vec![None; a], of_b: vec![None; b] }
    }

    /// What corresponds to this of the first model.
    pub fn of_a(&self, a: usize) -> Option<usize> {
        self.of_a[a]
    }

    /// What corresponds to this of the second model.
    pub fn of_b(&self, b: usize) -> Option<usize> {
        self.of_b[b]
    }

    fn of(&self, side: Side, id: usize) -> Option<usize> {
        if side == Side::A { self.of_a[id] } else { self.of_b[id] }
    }

    /// The number of a pair, which is the same seen from both sides.
    fn number(&self, side: Side, id: usize) -> Option<usize> {
        let partner = self.of(side, id)?;
        Some(if side == Side::A { id } else { partner })
    }

    /// Adds a pair, if neither has a partner.
    fn add(&mut self, a: usize, b: usize) -> bool {
        let free = self.of_a[a].is_none() && self.of_b[b].is_none();
        if free {
            (self.of_a[a], self.of_b[b]) = (Some(b), Some(a));
        }
        free
    }
}

impl Matching {
    /// Matches two models.
    ///
    /// # Errors
    /// When a tensor has to be read and cannot.
    pub fn new(a: &Index, b: &Index) -> Result<Matching, TensorError> {
        let none = || Matching {
            scopes: Pairs::new(a.scopes.len(), b.scopes.len()),
            nodes: Pairs::new(a.nodes.len(), b.nodes.len()),
            values: Pairs::new(a.values.len(), b.values.len()),
        };
        let (own, content) = Default::default();
        let mut matcher = Matcher { a, b, found: none(), names_first: true, own, content };
        matcher.models()?;
        let cost = matcher.found.cost(a, b);
        if cost == 0 {
            return Ok(matcher.found);
        }
        let by_names = std::mem::replace(&mut matcher.found, none());
        matcher.names_first = false;
        matcher.models()?;
        // Names say what people mean, unless half of that would be wrong.
        Ok(if matcher.found.cost(a, b) * 2 < cost { matcher.found } else { by_names })
    }

    /// How much there would be to read: nodes without a partner or with other inputs count twice,
    /// those of another name or whose outputs have other names once.
    fn cost(&self, a: &Index, b: &Index) -> usize {
        let without = |pairs: &[Option<usize>]| pairs.iter().filter(|pair| pair.is_none()).count();
        let mut cost = 2 * (without(&self.nodes.of_a) + without(&self.nodes.of_b));
        for (node, other) in self.nodes.of_a.iter().enumerate() {
            let Some(other) = *other else { continue };
            let (old, new) = (a.nodes[node].proto, b.nodes[other].proto);
            let rewired = self.expected_inputs(a, b, node, other).iter().ne(&new.input);
            let renamed = old.output != new.output || old.name != new.name;
            cost += 2 * usize::from(rewired) + usize::from(renamed);
        }
        cost
    }

    /// The names by which a node of the second model reads what one of the first reads, if nothing
    /// changed but names.
    pub fn expected_inputs<'m>(&self, a: &Index<'m>, b: &Index<'m>, old: NodeId, new: NodeId) -> Vec<&'m BStr> {
        let scope = b.nodes[new].scope;
        let name = |value| self.expected_name(a, b, value, scope);
        a.nodes[old].inputs.iter().map(|value| value.map_or(BStr::new(""), name)).collect()
    }

    /// The name by which the second model is expected to read a value of the first, in a scope of
    /// the second: its own, unless the value has got another name and its own now stands for
    /// nothing, or for another value that was there before.
    pub fn expected_name<'m>(&self, a: &Index<'m>, b: &Index<'m>, value: ValueId, scope: ScopeId) -> &'m BStr {
        let name = a.values[value].name;
        let Some(image) = self.values.of_a(value) else { return name };
        match b.look_up(scope, name) {
            Some(namesake) if namesake == image || self.values.of_b(namesake).is_none() => name,
            _ => b.values[image].name,
        }
    }
}

struct Matcher<'x, 'm> {
    a: &'x Index<'m>,
    b: &'x Index<'m>,
    found: Matching,
    /// Whether names count more than structure.
    names_first: bool,
    /// Hashes of operators with their attributes, and of constants, as far as they were needed.
    own: [Map<NodeId, u64>; 2],
    content: [Map<ValueId, u64>; 2],
}

impl<'m> Matcher<'_, 'm> {
    fn models(&mut self) -> Result<(), TensorError> {
        let mut of_b: Map<&str, ScopeId> = Map::default();
        roots(self.b).for_each(|(path, scope)| _ = of_b.entry(path).or_insert(scope));
        let mut work: Vec<(ScopeId, ScopeId)> =
            roots(self.a).filter_map(|(path, a)| Some((a, *of_b.get(path)?))).collect();
        while let Some((a, b)) = work.pop() {
            if self.found.scopes.add(a, b) {
                self.scope(a, b)?;
                work.extend(self.inner_scopes(a));
            }
        }
        Ok(())
    }

    fn scope(&mut self, a: ScopeId, b: ScopeId) -> Result<(), TensorError> {
        self.inputs(a, b);
        self.constants_by_name(a, b);
        if !self.names_first {
            self.nodes_by_structure(a, b)?;
        }
        self.nodes_by_outputs(a, b);
        self.nodes_by_names(a, b);
        if self.any_left(a, b) {
            self.nodes_by_structure(a, b)?;
            self.nodes_by_neighbours(a, b);
            self.nodes_by_replacement(a, b);
        }
        self.constants_by_use(a);
        self.constants_by_content(a, b)
    }

    /// The subgraphs of matched nodes: those of the same attribute.
    fn inner_scopes(&self, scope: ScopeId) -> Vec<(ScopeId, ScopeId)> {
        let inner = |index: &Index, node: NodeId| -> Vec<(String, ScopeId)> {
            let names = subgraphs(index.nodes[node].proto).map(|(name, _)| name);
            names.zip(index.nodes[node].subscopes.iter().copied()).collect()
        };
        let with_graphs = self.a.scopes[scope].nodes.clone();
        let with_graphs = with_graphs.filter(|node| self.a.nodes[*node].proto.subgraphs().next().is_some());
        let matched = with_graphs.filter_map(|node| Some((node, self.found.nodes.of_a(node)?)));
        let pairs = matched.flat_map(|(a, b)| {
            let of_b: Map<String, ScopeId> = inner(self.b, b).into_iter().collect();
            let of_a = inner(self.a, a).into_iter();
            of_a.filter_map(|(name, scope)| Some((scope, *of_b.get(&name)?))).collect::<Vec<_>>()
        });
        pairs.collect()
    }

    fn index(&self, side: Side) -> &Index<'m> {
        if side == Side::A { self.a } else { self.b }
    }

    /// The nodes of a scope that have no partner yet, in order.
    fn left(&self, side: Side, scope: ScopeId) -> Vec<NodeId> {
        let nodes = self.index(side).scopes[scope].nodes.clone();
        nodes.filter(|node| self.found.nodes.of(side, *node).is_none()).collect()
    }

    fn any_left(&self, a: ScopeId, b: ScopeId) -> bool {
        !self.left(Side::A, a).is_empty() && !self.left(Side::B, b).is_empty()
    }

    /// Matches two nodes, and what they make.
    fn pair(&mut self, a: NodeId, b: NodeId) -> bool {
        if !self.found.nodes.add(a, b) {
            return false;
        }
        for (a, b) in self.a.nodes[a].outputs.iter().zip(&self.b.nodes[b].outputs) {
            if let (Some(a), Some(b)) = (a, b) {
                self.found.values.add(*a, *b);
            }
        }
        true
    }
}

/// The main graph and the functions, by what they are called.
fn roots<'x>(index: &'x Index) -> impl Iterator<Item = (&'x str, ScopeId)> {
    let scopes = index.scopes.iter().enumerate().filter(|(_, scope)| scope.parent.is_none());
    scopes.map(|(id, scope)| (scope.path.as_str(), id))
}

/// Whether two nodes call the same operator.
fn same_operator(a: &NodeProto, b: &NodeProto) -> bool {
    let (of_a, of_b) = (text(&a.domain), text(&b.domain));
    let same_domain = of_a == of_b || is_standard_domain(of_a) && is_standard_domain(of_b);
    same_domain && text(&a.op_type) == text(&b.op_type) && text(&a.overload) == text(&b.overload)
}
