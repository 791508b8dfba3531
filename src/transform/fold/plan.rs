//! What will be folded into what, decided on the graph as it is.

use super::health::Health;
use super::{FoldError, FoldOptions};
use crate::affine::ChannelAffine;
use crate::batch_norm::BatchNorm;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId};
use crate::linear::absorb::{self, NewBias};
use crate::linear::path::{Maker, find_maker};
use crate::linear::{Bias, Linear};
use crate::onnx::payload::Payload;
use crate::refusal::{Code, Refusal};
use std::collections::HashMap;

/// All decisions and the folds that follow from them.
pub struct Plan {
    /// One per BatchNormalization, in graph order.
    pub decisions: Vec<Decision>,
    /// The folds, in graph order.
    pub folds: Vec<Fold>,
}

/// What was decided about one BatchNormalization.
pub struct Decision {
    /// Its name, or its first output if it has none.
    pub name: String,
    /// The number of channels, if its scale is known.
    pub channels: Option<usize>,
    /// What is remarkable about its parameters.
    pub health: Option<Health>,
    /// What makes its input.
    pub producer: Option<String>,
    /// The fold that takes it in, by its index, or why none does.
    pub outcome: Result<usize, Refusal>,
}

/// One linear operator that takes in one BatchNormalization, or several in a row.
pub struct Fold {
    /// The operator.
    pub linear: Linear,
    /// The BatchNormalizations, the one next to the operator first.
    pub norms: Vec<NodeId>,
    /// Their maps, composed.
    pub map: ChannelAffine,
    /// The new weight, computed when it is read.
    pub weight: Payload,
    /// What the weight would be if the last norm, the last two … were left out; the shortest chain
    /// first.
    pub shorter: Vec<Payload>,
    /// The new bias, if one is needed.
    pub bias: Option<NewBias>,
}

impl Plan {
    /// Decides about every BatchNormalization of the graph.
    ///
    /// # Errors
    /// When one of them, or what it would be folded into, makes the model an invalid one.
    pub fn new(graph: &Graph, options: &FoldOptions) -> Result<Plan, FoldError> {
        let constants = Constants::new(graph);
        let mut planner =
            Planner { graph, constants: &constants, options, folds: Vec::new(), absorbed: HashMap::new() };
        let norms = graph.nodes().filter(|node| BatchNorm::is(graph, *node));
        let decisions = norms.map(|node| planner.decide(node).check_valid()).collect::<Result<_, _>>()?;
        Ok(Plan { decisions, folds: planner.folds })
    }
}

impl Decision {
    /// A model that no runtime can run is not folded around.
    fn check_valid(self) -> Result<Decision, FoldError> {
        match self.outcome {
            Err(refusal) if refusal.code == Code::Malformed => {
                Err(FoldError::Invalid { node: self.name, detail: refusal.detail })
            }
            _ => Ok(self),
        }
    }
}

struct Planner<'a> {
    graph: &'a Graph,
    constants: &'a Constants<'a>,
    options: &'a FoldOptions,
    folds: Vec<Fold>,
    /// Which fold a BatchNormalization went into.
    absorbed: HashMap<NodeId, usize>,
}

impl Planner<'_> {
    fn decide(&mut self, node: NodeId) -> Decision {
        let graph = self.graph;
        let name = graph.label(node);
        let norm = BatchNorm::read(graph, self.constants, node);
        let producer = graph.input(node, 0).and_then(|value| graph.producer(value));
        let outcome = match &norm {
            _ if !self.options.selection.contains(&name) => Err(Refusal::new(Code::NotSelected, "it is not selected")),
            Err(refusal) => Err(refusal.clone()),
            Ok(norm) => self.fold(node, norm),
        };
        let norm = norm.ok();
        Decision {
            name,
            channels: norm.as_ref().map(BatchNorm::channels).or_else(|| self.channels(node)),
            health: norm.as_ref().map(Health::of),
            producer: producer.map(|node| format!("{} {}", graph.op_label(node), graph.label(node))),
            outcome,
        }
    }

    /// The number of channels of a BatchNormalization that is kept: the length of its scale.
    fn channels(&self, node: NodeId) -> Option<usize> {
        let (_, shape) = self.constants.type_and_shape(self.graph.input(node, 1)?).ok()?;
        if let [channels] = shape[..] { Some(channels) } else { None }
    }

    fn fold(&mut self, node: NodeId, norm: &BatchNorm) -> Result<usize, Refusal> {
        let map = norm.affine()?;
        if let Some(output) = self.graph.output(node, 0).filter(|output| self.graph.is_shadowed(*output)) {
            let detail = format!("a nested or enclosing graph has a value `{}` too", self.graph.name(output));
            return Err(Refusal::new(Code::NameClash, detail));
        }
        match find_maker(self.graph, self.constants, node)? {
            Maker::Linear(linear) => {
                let fold = self.absorb(linear, node, map)?;
                self.folds.push(fold);
                self.absorbed.insert(node, self.folds.len() - 1);
                Ok(self.folds.len() - 1)
            }
            Maker::BatchNorm(before) => self.extend(before, node, &map),
        }
    }

    /// Folds into the operator that the BatchNormalization before goes into.
    fn extend(&mut self, before: NodeId, node: NodeId, map: &ChannelAffine) -> Result<usize, Refusal> {
        let Some(&index) = self.absorbed.get(&before) else {
            let detail = format!("BatchNormalization `{}` makes its input and is not folded", self.graph.label(before));
            return Err(Refusal::because_of(self.graph, before, Code::NoLinearProducer, detail));
        };
        let fold = &self.folds[index];
        check_channels(self.graph, &fold.linear, map)?;
        let longer = self.absorb(fold.linear.clone(), node, fold.map.then(map))?;
        let fold = &mut self.folds[index];
        let before = std::mem::replace(fold, longer);
        (fold.norms, fold.shorter) = (before.norms, before.shorter);
        fold.norms.push(node);
        fold.shorter.push(before.weight);
        self.absorbed.insert(node, index);
        Ok(index)
    }

    /// The fold of a map, of which `last` is the last part.
    fn absorb(&self, linear: Linear, last: NodeId, map: ChannelAffine) -> Result<Fold, Refusal> {
        check_channels(self.graph, &linear, &map)?;
        if !map.is_finite() {
            return Err(Refusal::new(Code::Degenerate, "the maps of consecutive normalisations overflow"));
        }
        if self.options.overflowing.contains(&last.index()) {
            let weight = self.graph.name(linear.weight);
            let detail = format!("an element of `{weight}` would not fit {}", linear.element.data_type().name());
            return Err(Refusal::because_of(self.graph, linear.node, Code::Overflow, detail));
        }
        let weight = absorb::weight(self.graph, self.constants, &linear, &map, last.index())?;
        let bias = absorb::bias(self.graph, self.constants, &linear, &map)?;
        if matches!(linear.bias, Bias::None) && bias.is_some() && self.graph.is_overridden("Add") {
            return Err(Refusal::new(Code::NameClash, "it would become an Add, which a local function replaces"));
        }
        Ok(Fold { linear, norms: vec![last], map, weight, shorter: Vec::new(), bias })
    }
}

fn check_channels(graph: &Graph, linear: &Linear, map: &ChannelAffine) -> Result<(), Refusal> {
    if linear.channels() == map.channels() {
        return Ok(());
    }
    let (operator, name) = (linear.operator, graph.label(linear.node));
    let detail = format!("{operator} `{name}` has {} output channels, not {}", linear.channels(), map.channels());
    Err(Refusal::because_of(graph, linear.node, Code::Malformed, detail))
}
