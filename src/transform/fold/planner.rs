//! The plan as far as it is made: what is known, and how a walk becomes part of it.

use super::FoldOptions;
use super::home::Home;
use super::plan::{Direction, Gone};
use super::site::{Place, Site};
use super::source::{Kind, Source};
use super::walk::Walk;
use crate::affine::Affine;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::Linear;
use crate::linear::bias::NewConstant;
use crate::onnx::payload::Payload;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The plan as far as it is made.
pub struct Planner<'a> {
    /// The graph as it was loaded.
    pub graph: &'a Graph,
    /// Its constants.
    pub constants: &'a Constants<'a>,
    /// What is wanted.
    pub options: &'a FoldOptions,
    /// The nodes that are not selected.
    pub left_out: &'a HashSet<NodeId>,
    /// Whether there is arithmetic with constants of which the axes are not known.
    pub unread: bool,
    /// All nodes that apply maps.
    pub sources: BTreeMap<NodeId, Source>,
    /// What takes maps in.
    pub sites: BTreeMap<Place, Site>,
    /// The nodes that vanish.
    pub gone: HashMap<NodeId, Gone>,
    /// The nodes that keep the shift of a place.
    pub homes: HashMap<NodeId, Place>,
    /// What weights would be without the last map, the last two …; the shortest first.
    pub shorter: BTreeMap<Place, Vec<Payload>>,
    /// Nodes of which the scale went forward and the shift stays.
    pub shifts: BTreeMap<NodeId, NewConstant>,
    /// Where their scale went.
    pub scaled: BTreeMap<NodeId, Gone>,
    /// Nodes that are part of a linear operator already: its bias.
    pub settled: BTreeMap<NodeId, Place>,
    /// Where a value comes from behind nodes that are gone: short cuts.
    behind: RefCell<HashMap<ValueId, (ValueId, NodeId, usize)>>,
}

impl<'a> Planner<'a> {
    /// A plan of nothing yet.
    pub fn new(
        graph: &'a Graph,
        constants: &'a Constants<'a>,
        options: &'a FoldOptions,
        left_out: &'a HashSet<NodeId>,
    ) -> Self {
        Planner {
            graph,
            constants,
            options,
            left_out,
            unread: false,
            sources: BTreeMap::new(),
            sites: BTreeMap::new(),
            gone: HashMap::new(),
            homes: HashMap::new(),
            shorter: BTreeMap::new(),
            shifts: BTreeMap::new(),
            scaled: BTreeMap::new(),
            settled: BTreeMap::new(),
            behind: RefCell::default(),
        }
    }

    /// A node and where to look things up.
    pub fn operator(&self, node: NodeId) -> Operator<'_> {
        Operator { graph: self.graph, constants: self.constants, node }
    }

    /// What a node applies, if it is one that applies a map.
    pub fn source(&self, node: NodeId) -> Option<&Source> {
        self.sources.get(&node)
    }

    /// What a place has taken in.
    pub fn site(&self, place: Place) -> Option<&Site> {
        self.sites.get(&place)
    }

    /// Whether a node keeps the shift of a place.
    pub fn is_home(&self, node: NodeId) -> bool {
        self.homes.contains_key(&node)
    }

    /// Whether a node vanishes.
    pub fn is_gone(&self, node: NodeId) -> bool {
        self.gone.contains_key(&node)
    }

    /// The input that takes the place of a node that vanishes.
    pub fn data_of_gone(&self, node: NodeId) -> Option<usize> {
        self.gone.get(&node).map(|gone| gone.data)
    }

    /// Whether a node may vanish together with one after it.
    pub fn may_vanish(&self, source: &Source) -> bool {
        let is_selected = !self.left_out.contains(&source.node);
        (!source.is_norm() || is_selected) && source.check_name(self.graph).is_ok()
    }

    /// Whether a weight was found to overflow by what this node adds to it.
    ///
    /// # Errors
    /// The refusal, if it was.
    pub fn check_overflow(&self, root: NodeId, linear: &Linear) -> Result<(), Refusal> {
        if !self.options.overflowing.contains(&root.index()) {
            return Ok(());
        }
        let weight = self.graph.name(linear.weight.value);
        let detail = format!("an element of `{weight}` would not fit {}", linear.weight.element.data_type().name());
        Err(Refusal::because_of(self.graph, linear.node, Code::Overflow, detail))
    }

    /// The value that stands for `value`, which an input of `reader` reads, once all nodes that
    /// go backward have vanished, and who reads it.
    pub fn behind_gone(&self, value: ValueId, reader: NodeId, slot: usize) -> (ValueId, NodeId, usize) {
        let mut at = (value, reader, slot);
        let mut passed = Vec::new();
        let mut behind = self.behind.borrow_mut();
        loop {
            if let Some(known) = behind.get(&at.0) {
                passed.push(at.0);
                at = *known;
                continue;
            }
            let backward = |node: &NodeId| self.gone.get(node).filter(|gone| gone.direction == Direction::Backward);
            let maker = self.graph.producer(at.0).and_then(|node| Some((node, backward(&node)?)));
            let next = maker.and_then(|(node, gone)| Some((self.graph.input(node, gone.data)?, node, gone.data)));
            let Some(next) = next else { break };
            passed.push(at.0);
            at = next;
        }
        passed.into_iter().for_each(|value| _ = behind.insert(value, at));
        at
    }

    /// What a node does with all that it has taken in.
    pub fn current_map(&self, root: NodeId) -> Option<Affine> {
        if let Some(place) = self.homes.get(&root) {
            let site = self.site(*place)?;
            let Home::At { total, direct, .. } = &site.home else { return None };
            let total = if *direct { site.total()? } else { total.clone() };
            return Some(total.without_scale());
        }
        let source = &self.sources[&root];
        let Some(site) = self.site(Place { node: root, slot: None }) else { return Some(source.map.clone()) };
        let total = site.total()?;
        let shift_is_elsewhere = matches!(source.kind, Kind::Product) && matches!(site.home, Home::At { .. });
        Some(if shift_is_elsewhere { total.without_shift() } else { total })
    }

    /// How many nodes a walk would add.
    pub fn added(&self, walk: &Walk) -> i64 {
        let adds = |site: &Site| i64::from(site.adds_node());
        let places: BTreeSet<Place> = walk.sites.iter().map(|(place, _)| *place).collect();
        let added = |place: &Place| walk.site(self, *place).map_or(0, adds) - self.site(*place).map_or(0, adds);
        places.iter().map(added).sum::<i64>() - walk.released.len() as i64
    }

    /// Makes what a walk would change part of the plan; `gone` are the nodes that vanish.
    pub fn commit(&mut self, walk: Walk, gone: &[NodeId], direction: Direction) {
        let into: Vec<Place> = walk.sites.iter().map(|(place, _)| *place).collect();
        for node in gone {
            let data = self.sources[node].data;
            self.gone.insert(*node, Gone { direction, data, into: into.clone() });
            self.shifts.remove(node);
        }
        for (node, place) in walk.released {
            let data = self.sources[&node].data;
            self.homes.remove(&node);
            self.gone.insert(node, Gone { direction: Direction::Backward, data, into: vec![place] });
        }
        for (place, site) in walk.sites {
            let before = self.sites.get(&place).and_then(|site| site.edits.weight.clone());
            self.shorter.entry(place).or_default().extend(before);
            if let Home::At { node, .. } = site.home
                && site.edits.shift.is_some()
            {
                self.homes.insert(node, place);
                self.shifts.remove(&node);
            }
            self.sites.insert(place, site);
        }
    }
}
