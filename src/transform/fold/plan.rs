//! What will be folded into what, decided on the graph as it is.
//!
//! First backward, in graph order: each node that applies a map looks for what can take it in before
//! it. Then forward, in reverse order, those that are left. A map goes in as a whole or not at all,
//! and what a place has taken in is kept as one map: nothing is rounded before all is known.

use super::backward::backward;
use super::forward::forward;
use super::health::Health;
use super::site::{Home, Leaf, Place, Site, operand};
use super::source::{Kind, Source};
use super::walk::Walk;
use super::{FoldError, FoldOptions};
use crate::affine::Affine;
use crate::batch_norm::BatchNorm;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::Linear;
use crate::linear::bias::NewConstant;
use crate::onnx::element::DataType;
use crate::onnx::payload::Payload;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// All decisions and the changes that follow from them.
pub struct Plan {
    /// The nodes that can be selected: BatchNormalizations and constant arithmetic, in graph order.
    pub candidates: BTreeSet<NodeId>,
    /// One per BatchNormalization, and per constant arithmetic that vanishes, in graph order.
    pub decisions: Vec<Decision>,
    /// The places that take maps in, with all that they take.
    pub sites: BTreeMap<Place, Site>,
    /// The nodes that vanish, in graph order.
    pub gone: Vec<(NodeId, Gone)>,
    /// The nodes that become an Add of a constant, because their scale alone was folded.
    pub shifts: BTreeMap<NodeId, NewConstant>,
    /// What weights would be without the last map, the last two …; the shortest first.
    pub shorter: BTreeMap<Place, Vec<Payload>>,
}

/// What was decided about one node.
pub struct Decision {
    /// The node.
    pub node: NodeId,
    /// Its name, or its first output if it has none.
    pub name: String,
    /// Its operator.
    pub operator: String,
    /// The number of channels, if its scale is known.
    pub channels: Option<usize>,
    /// What is remarkable about its parameters.
    pub health: Option<Health>,
    /// What makes its input.
    pub producer: Option<String>,
    /// The places that take it in, or why none does.
    pub outcome: Result<(Direction, Vec<(String, String)>), Refusal>,
}

/// Where a map goes from its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into what makes the input.
    Backward,
    /// Into what reads the output.
    Forward,
    /// Into a branch of the same input that it was added to.
    Parallel,
}

/// A node that vanishes.
#[derive(Clone, Debug)]
pub struct Gone {
    /// Where its map went.
    pub direction: Direction,
    /// Which of its inputs takes its place.
    pub data: usize,
    into: Vec<Place>,
}

impl Plan {
    /// Decides about every node of the graph that applies a map.
    ///
    /// # Errors
    /// When a BatchNormalization, or what it would be folded into, makes the model an invalid one.
    pub fn new(graph: &Graph, options: &FoldOptions) -> Result<Plan, FoldError> {
        let constants = Constants::new(graph);
        let mut planner = Planner::new(graph, &constants, options);
        let mut norms = planner.read_sources()?;
        let candidates = norms.keys().chain(planner.sources.keys()).copied().collect();
        planner.fold_all(&mut norms)?;
        let decisions = planner.decisions(norms);
        let mut gone: Vec<(NodeId, Gone)> = planner.gone.into_iter().collect();
        gone.sort_unstable_by_key(|(node, _)| *node);
        Ok(Plan { candidates, decisions, sites: planner.sites, gone, shifts: planner.shifts, shorter: planner.shorter })
    }
}

impl Plan {
    /// The scaled weights, each after those that it would be without the last map, the last two …
    pub fn weights(&self) -> Vec<Vec<Payload>> {
        let chain = |(place, site): (&Place, &Site)| {
            let shorter = self.shorter.get(place).cloned().unwrap_or_default();
            shorter.into_iter().chain(site.edits.weight.clone()).collect()
        };
        self.sites.iter().map(chain).collect()
    }
}

/// Each round takes something away that the next one does not look at again.
const MOST_ROUNDS: usize = 16;

/// A BatchNormalization: its parameters, and why it stays.
struct Norm {
    channels: Option<usize>,
    health: Option<Health>,
    refusal: Option<Refusal>,
}

/// The plan as far as it is made.
pub struct Planner<'a> {
    /// The graph as it was loaded.
    pub graph: &'a Graph,
    /// Its constants.
    pub constants: &'a Constants<'a>,
    options: &'a FoldOptions,
    sources: BTreeMap<NodeId, Source>,
    sites: BTreeMap<Place, Site>,
    gone: HashMap<NodeId, Gone>,
    /// The nodes that keep the shift of a place.
    homes: HashMap<NodeId, Place>,
    /// What weights would be without the last map, the last two …; the shortest first.
    shorter: BTreeMap<Place, Vec<Payload>>,
    /// Nodes of which the scale went forward and the shift stays.
    shifts: BTreeMap<NodeId, NewConstant>,
    /// Where their scale went.
    scaled: BTreeMap<NodeId, Gone>,
    /// Nodes that are part of a linear operator already: its bias.
    settled: BTreeSet<NodeId>,
    /// Where a value comes from behind nodes that are gone: short cuts.
    behind: RefCell<HashMap<ValueId, (ValueId, NodeId, usize)>>,
}

impl<'a> Planner<'a> {
    fn new(graph: &'a Graph, constants: &'a Constants<'a>, options: &'a FoldOptions) -> Self {
        Planner {
            graph,
            constants,
            options,
            sources: BTreeMap::new(),
            sites: BTreeMap::new(),
            gone: HashMap::new(),
            homes: HashMap::new(),
            shorter: BTreeMap::new(),
            shifts: BTreeMap::new(),
            scaled: BTreeMap::new(),
            settled: BTreeSet::new(),
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
        let is_selected = || self.options.selection.contains(&self.graph.label(source.node));
        (!source.is_norm() || is_selected()) && source.check_name(self.graph).is_ok()
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

    /// Reads all nodes that apply maps.
    fn read_sources(&mut self) -> Result<BTreeMap<NodeId, Norm>, FoldError> {
        let mut norms = BTreeMap::new();
        for node in self.graph.nodes() {
            if BatchNorm::is(self.graph, node) {
                norms.insert(node, self.read_norm(node)?);
            } else if let Some(source) = Source::of_arithmetic(&self.operator(node)) {
                self.sources.insert(node, source);
            }
        }
        Ok(norms)
    }

    fn read_norm(&mut self, node: NodeId) -> Result<Norm, FoldError> {
        let norm = BatchNorm::read(self.graph, self.constants, node);
        let health = norm.as_ref().ok().map(Health::of);
        let channels = norm.as_ref().ok().map(BatchNorm::channels).or_else(|| self.channels(node));
        let source = norm.and_then(|norm| Source::of_norm(node, norm));
        let is_selected = self.options.selection.contains(&self.graph.label(node));
        let refusal = match source {
            Ok(source) => {
                self.sources.insert(node, source);
                None
            }
            Err(refusal) => Some(refusal),
        };
        let refusal = if is_selected { refusal } else { Some(Refusal::new(Code::NotSelected, "it is not selected")) };
        check_valid(self.graph, node, refusal.as_ref())?;
        Ok(Norm { channels, health, refusal })
    }

    /// The number of channels of a BatchNormalization that is kept: the length of its scale.
    fn channels(&self, node: NodeId) -> Option<usize> {
        let (_, shape) = self.constants.type_and_shape(self.graph.input(node, 1)?).ok()?;
        if let [channels] = shape[..] { Some(channels) } else { None }
    }

    fn fold_all(&mut self, norms: &mut BTreeMap<NodeId, Norm>) -> Result<(), FoldError> {
        let roots: Vec<NodeId> = self.sources.keys().copied().filter(|node| self.is_root(*node, norms)).collect();
        // What went forward can have left a way back for others.
        for _ in 0..MOST_ROUNDS {
            self.fold_all_backward(&roots, norms)?;
            if !self.fold_all_forward(&roots, norms)? {
                break;
            }
        }
        Ok(())
    }

    fn fold_all_backward(&mut self, roots: &[NodeId], norms: &mut BTreeMap<NodeId, Norm>) -> Result<(), FoldError> {
        for root in roots {
            if self.is_gone(*root) || self.is_home(*root) || !self.sources.contains_key(root) {
                continue;
            }
            let refusal = self.fold_backward(*root).err();
            if let Some(norm) = norms.get_mut(root) {
                check_valid(self.graph, *root, refusal.as_ref())?;
                norm.refusal = refusal;
            }
        }
        Ok(())
    }

    /// Returns whether any node went forward.
    fn fold_all_forward(&mut self, roots: &[NodeId], norms: &mut BTreeMap<NodeId, Norm>) -> Result<bool, FoldError> {
        let mut any = false;
        for root in roots.iter().rev() {
            let stays = self.is_gone(*root) || self.is_settled(*root) || !self.sources.contains_key(root);
            if stays || self.is_unread(*root) {
                continue;
            }
            let refusal = self.fold_forward(*root).or_else(|refusal| self.fold_scale(*root, refusal)).err();
            any |= refusal.is_none();
            if let (Some(norm), Some(refusal)) = (norms.get_mut(root), refusal) {
                check_valid(self.graph, *root, Some(&refusal))?;
                norm.refusal = norm.refusal.take().map(|before| before.and(refusal));
            }
        }
        Ok(any)
    }

    /// Whether a node is to be folded for its own sake.
    fn is_root(&self, node: NodeId, norms: &BTreeMap<NodeId, Norm>) -> bool {
        match norms.get(&node) {
            Some(norm) => norm.refusal.is_none(),
            None => self.options.affine && self.options.selection.contains(&self.graph.label(node)),
        }
    }

    /// Whether no node reads what a node makes.
    fn is_unread(&self, node: NodeId) -> bool {
        self.graph.output(node, 0).is_none_or(|output| self.graph.data_uses(output).next().is_none())
    }

    /// Whether a node is the bias of a linear operator.
    fn is_settled(&self, node: NodeId) -> bool {
        let site = self.homes.get(&node).and_then(|place| self.site(*place));
        self.settled.contains(&node) || site.is_some_and(|site| matches!(site.leaf, Leaf::Linear(_)))
    }

    fn fold_backward(&mut self, root: NodeId) -> Result<(), Refusal> {
        let overflow = || Refusal::new(Code::Degenerate, "the maps in a row overflow");
        let map = self.current_map(root).ok_or_else(overflow)?;
        let walk = backward(self, &Source { map, ..self.sources[&root].clone() })?;
        let home = |site: &Site| match site.home {
            Home::At { node, .. } if site.edits.shift.is_some() => Some(node),
            _ => None,
        };
        let homes: BTreeSet<NodeId> = walk.sites.iter().filter_map(|(_, site)| home(site)).collect();
        let gone: Vec<NodeId> = walk.consumed.iter().copied().filter(|node| !homes.contains(node)).collect();
        let added = self.added(&walk);
        let more = gone.iter().filter(|node| !self.is_gone(**node)).count();
        if !self.sources[&root].is_norm() && added >= more as i64 {
            // Nothing would be gained: it is the bias of an operator that has none.
            let linear = |(_, site): &(Place, Site)| matches!(site.leaf, Leaf::Linear(_));
            self.settled.extend(walk.sites.iter().any(linear).then_some(root));
            return Err(Refusal::new(Code::NoLinearProducer, "it is the bias of the operator before it"));
        }
        gone.iter().for_each(|node| _ = self.sites.remove(&Place { node: *node, slot: None }));
        self.commit(walk, &gone, Direction::Backward);
        Ok(())
    }

    fn fold_forward(&mut self, root: NodeId) -> Result<(), Refusal> {
        let map = self.current_map(root).ok_or_else(|| Refusal::new(Code::Degenerate, "the maps in a row overflow"))?;
        let walk = forward(self, root, &map)?;
        if !self.sources[&root].is_norm() && self.added(&walk) > 0 {
            return Err(Refusal::new(Code::NoLinearProducer, "an Add would have to follow what takes it in"));
        }
        let place = Place { node: root, slot: None };
        if let Some(home) = self.homes.remove(&root) {
            // The shift has left the place before it.
            if let Some(site) = self.sites.get_mut(&home) {
                (site.home, site.after) = (Home::None, site.after.without_shift());
                site.edits.shift = None;
            }
        }
        self.sites.remove(&place);
        self.commit(walk, &[root], Direction::Forward);
        Ok(())
    }

    /// Where only the shift cannot go forward because of padding, folds the scale alone, if that is
    /// wanted: s·x + t = s·(x + t/s).
    fn fold_scale(&mut self, root: NodeId, refusal: Refusal) -> Result<(), Refusal> {
        if !self.options.pad_exact || refusal.code != Code::Padding || !self.sources[&root].is_norm() {
            return Err(refusal);
        }
        let Some(map) = self.current_map(root) else { return Err(refusal) };
        let per_scale = |(shift, scale): (&f64, &f64)| if *shift == 0.0 { 0.0 } else { shift / scale };
        let shifts: Vec<f64> = map.shift().iter().zip(map.scale().iter()).map(per_scale).collect();
        if !shifts.iter().all(|shift| shift.is_finite()) {
            return Err(refusal);
        }
        let shift = Affine::new(map.axes().to_vec(), vec![1.0; shifts.len()], shifts);
        let op = self.operator(root);
        let element = op.input_type(0).or(op.input_type(1)).and_then(DataType::float);
        let (Some(axes), Some(element)) = (op.output_axes(0), element) else { return Err(refusal) };
        let constant = operand(&op, &shift, axes.len(), element)?;
        let walk = forward(self, root, &map.without_shift())?;
        let into = walk.sites.iter().map(|(place, _)| *place).collect();
        self.sites.remove(&Place { node: root, slot: None });
        self.commit(walk, &[], Direction::Forward);
        self.shifts.insert(root, constant);
        self.scaled.insert(root, Gone { direction: Direction::Forward, data: 0, into });
        // What stays may still go back.
        self.sources.insert(root, Source { node: root, data: 0, map: shift, kind: Kind::Sum });
        Ok(())
    }

    /// How many nodes a walk would add.
    fn added(&self, walk: &Walk) -> i64 {
        let adds = |site: &Site| i64::from(site.adds_node());
        let places: BTreeSet<Place> = walk.sites.iter().map(|(place, _)| *place).collect();
        let added = |place: &Place| walk.site(self, *place).map_or(0, adds) - self.site(*place).map_or(0, adds);
        places.iter().map(added).sum::<i64>() - walk.released.len() as i64
    }

    /// What a node does with all that it has taken in.
    fn current_map(&self, root: NodeId) -> Option<Affine> {
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

    fn commit(&mut self, walk: Walk, gone: &[NodeId], direction: Direction) {
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

    fn decisions(&self, mut norms: BTreeMap<NodeId, Norm>) -> Vec<Decision> {
        let nodes: BTreeSet<NodeId> = norms.keys().chain(self.gone.keys()).copied().collect();
        nodes.into_iter().map(|node| self.decision(node, norms.remove(&node))).collect()
    }

    fn decision(&self, node: NodeId, norm: Option<Norm>) -> Decision {
        let graph = self.graph;
        let data = self.sources.get(&node).map_or(0, |source| source.data);
        let producer = graph.input(node, data).and_then(|value| graph.producer(value));
        let (channels, health, refusal) =
            norm.map_or((None, None, None), |norm| (norm.channels, norm.health, norm.refusal));
        let outcome = match self.gone.get(&node).or_else(|| self.scaled.get(&node)) {
            Some(gone) => Ok((gone.direction, self.destinations(gone))),
            None => Err(refusal.unwrap_or_else(|| Refusal::new(Code::NoLinearProducer, "nothing takes it in"))),
        };
        Decision {
            node,
            name: graph.label(node),
            operator: graph.op_label(node),
            channels,
            health,
            producer: producer.map(|node| format!("{} {}", graph.op_label(node), graph.label(node))),
            outcome,
        }
    }

    /// Operator and name of what a node went into in the end: what took it in can have vanished too.
    fn destinations(&self, gone: &Gone) -> Vec<(String, String)> {
        let mut destinations = Vec::new();
        let mut seen = BTreeSet::new();
        let mut stack: Vec<Place> = gone.into.iter().rev().copied().collect();
        while let Some(place) = stack.pop().filter(|_| seen.len() < 1000) {
            if !seen.insert(place) {
                continue;
            }
            match (self.gone.get(&place.node), self.sites.get(&place)) {
                (_, Some(site)) => {
                    destinations.push((place.operator(self.graph, &site.leaf), self.graph.label(place.node)))
                }
                (Some(next), None) => stack.extend(next.into.iter().rev()),
                (None, None) => {}
            }
        }
        destinations
    }
}

/// A model that no runtime can run is not folded around.
fn check_valid(graph: &Graph, node: NodeId, refusal: Option<&Refusal>) -> Result<(), FoldError> {
    match refusal {
        Some(refusal) if refusal.code == Code::Malformed => {
            Err(FoldError::Invalid { node: graph.label(node), detail: refusal.detail.clone() })
        }
        _ => Ok(()),
    }
}
