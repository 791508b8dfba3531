//! What will be folded into what, decided on the graph as it is.

use super::candidates::Norm;
use super::health::Health;
use super::planner::Planner;
use super::site::{Place, Site};
use super::{FoldError, FoldOptions};
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId};
use crate::linear::bias::NewConstant;
use crate::onnx::payload::Payload;
use crate::refusal::{Code, Refusal};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// All decisions and the changes that follow from them.
pub struct Plan {
    /// The nodes that can be selected: BatchNormalizations and constant arithmetic, in graph order.
    pub candidates: BTreeSet<NodeId>,
    /// Whether some of them stay that are not the bias of an operator.
    pub leaves_some: bool,
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

impl Decision {
    /// Takes over what was decided in a later round. What was folded once stays folded, and a refusal
    /// for the same reason is told in the names that nodes had at first.
    pub fn revise(&mut self, later: Decision) {
        let code = |outcome: &Result<_, Refusal>| outcome.as_ref().err().map(|refusal| refusal.code);
        if self.outcome.is_err() && code(&self.outcome) != code(&later.outcome) {
            self.outcome = later.outcome;
        }
    }
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
    /// The places that its map went into.
    pub into: Vec<Place>,
}

impl Plan {
    /// Decides about every node of the graph that applies a map, but for those `left_out`.
    ///
    /// # Errors
    /// When a BatchNormalization, or what it would be folded into, makes the model an invalid one.
    pub fn new(graph: &Graph, options: &FoldOptions, left_out: &HashSet<NodeId>) -> Result<Plan, FoldError> {
        let constants = Constants::new(graph);
        let mut planner = Planner::new(graph, &constants, options, left_out);
        let mut norms = planner.read_sources()?;
        let candidates: BTreeSet<NodeId> = norms.keys().chain(planner.sources.keys()).copied().collect();
        planner.fold_all(&mut norms)?;
        // The bias of an operator that got another one behind it could join that.
        let joins = |place: &Place| planner.site(*place).is_some_and(Site::adds_node);
        let is_bias = |node: &NodeId| planner.settled.get(node).is_some_and(|place| !joins(place));
        let is_done = |node: &NodeId| planner.is_gone(*node) || planner.is_home(*node) || is_bias(node);
        let leaves_some = planner.unread || !candidates.iter().all(is_done);
        let decisions = planner.decisions(norms);
        let mut gone: Vec<(NodeId, Gone)> = planner.gone.into_iter().collect();
        gone.sort_unstable_by_key(|(node, _)| *node);
        let Planner { sites, shifts, shorter, .. } = planner;
        Ok(Plan { candidates, leaves_some, decisions, sites, gone, shifts, shorter })
    }

    /// Whether anything changes.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.shifts.is_empty()
    }

    /// The scaled weights, each after those that it would be without the last map, the last two …
    pub fn weights(&self) -> Vec<Vec<Payload>> {
        let chain = |(place, site): (&Place, &Site)| {
            let shorter = self.shorter.get(place).cloned().unwrap_or_default();
            shorter.into_iter().chain(site.edits.weight.clone()).collect()
        };
        self.sites.iter().map(chain).collect()
    }
}

impl Planner<'_> {
    /// What was decided about each node, in graph order.
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
