//! Running a model in stages: each up to a node with numbered BatchNormalizations, for many samples
//! side by side.
//!
//! Between two stages a sample is its [`Paused`] values: those that later nodes read, and nothing else.
//! So all samples can wait until a BatchNormalization is measured over all of them.

use super::array::Array;
use super::batch_norm::BatchNorm;
use super::error::EngineError;
use super::session::{Session, Worker, engine};
use super::tap::{Taps, Watch, with_taps};
use std::collections::BTreeSet;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::logic::IfThenElse;
use tract_onnx::tract_core::ops::scan::{OptScan, Scan};
use tract_onnx::tract_hir::internal::{TractErrorContext, ensure};

/// Where a session is interrupted.
#[derive(Clone, Debug)]
pub struct Stages {
    /// The nodes to evaluate, in order: those that a stop needs, up to the last one.
    order: Vec<usize>,
    /// For each of them, the nodes whose values nobody reads after it.
    done_with: Vec<Vec<usize>>,
    stops: Vec<Stop>,
}

/// A node before which all samples wait.
#[derive(Clone, Debug)]
struct Stop {
    /// Where it is in the order.
    step: usize,
    /// The numbers of the BatchNormalizations that it is or, if it branches, holds.
    taps: Vec<usize>,
    /// Whether it is a BatchNormalization itself.
    is_norm: bool,
    /// The nodes whose values it or later nodes read.
    live: Vec<usize>,
    /// How many bytes these values have.
    bytes: u64,
}

/// The values of one sample between two stages, by the node that made them.
#[derive(Debug, Default)]
pub struct Paused(pub(super) Vec<(usize, TVec<TValue>)>);

impl Session {
    /// Where to interrupt it; `None` if lengths depend on the data, or if numbered BatchNormalizations are
    /// in the body of a Scan, so that it cannot be.
    pub fn stages(&self) -> Option<Stages> {
        let model = self.plan.model();
        let mut facts = model.nodes().iter().flat_map(|node| &node.outputs).map(|output| &output.fact);
        if facts.any(|fact| fact.shape.as_concrete().is_none()) || repeats(model) {
            return None;
        }
        Some(Stages::new(model, self.plan.order_without_consts()))
    }
}

impl Stages {
    fn new(model: &TypedModel, all: &[usize]) -> Stages {
        let is_stop = |node: &usize| !taps(model, *node).is_empty();
        let needed = ancestors(model, all.iter().copied().filter(is_stop));
        let order: Vec<usize> = all.iter().copied().filter(|node| needed.contains(node)).collect();
        let mut last_read = vec![None; model.nodes().len()];
        for (step, node) in order.iter().enumerate() {
            last_read[*node] = Some(step);
            model.node(*node).inputs.iter().for_each(|input| last_read[input.node] = Some(step));
        }
        let mut done_with = vec![Vec::new(); order.len()];
        for node in &order {
            if let Some(step) = last_read[*node] {
                done_with[step].push(*node);
            }
        }
        let (mut stops, mut live) = (Vec::new(), Vec::new());
        for (step, node) in order.iter().enumerate() {
            let taps = taps(model, *node);
            if !taps.is_empty() {
                let is_norm = model.node(*node).op_as::<BatchNorm>().is_some();
                let bytes = live.iter().map(|node| size(model, *node)).sum();
                stops.push(Stop { step, taps, is_norm, live: live.clone(), bytes });
            }
            live.push(*node);
            live.retain(|node| !done_with[step].contains(node));
        }
        Stages { stops, order, done_with }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.stops.len()
    }

    /// The numbers of the BatchNormalizations at the end of a stage.
    pub fn taps(&self, stage: usize) -> &[usize] {
        &self.stops[stage].taps
    }

    /// Whether a stage ends at a BatchNormalization, and not at a node that holds some.
    pub fn ends_at_norm(&self, stage: usize) -> bool {
        self.stops[stage].is_norm
    }

    /// How many bytes a sample takes that waits at the end of a stage.
    pub fn bytes(&self, stage: usize) -> u64 {
        self.stops[stage].bytes
    }

    /// How many bytes a sample takes at most while it waits.
    pub fn largest(&self) -> u64 {
        self.stops.iter().map(|stop| stop.bytes).max().unwrap_or(0)
    }

    /// Where a stage begins in the order.
    fn start(&self, stage: usize) -> usize {
        stage.checked_sub(1).map_or(0, |before| self.stops[before].step)
    }
}

/// The numbers of the BatchNormalizations that a node is, or holds in branches.
fn taps(model: &TypedModel, node: usize) -> Vec<usize> {
    let node = model.node(node);
    if let Some(norm) = node.op_as::<BatchNorm>() {
        return norm.tap.into_iter().collect();
    }
    bodies(node).into_iter().flat_map(|body| body.nodes().iter().flat_map(|node| taps(body, node.id))).collect()
}

/// The graphs that a node evaluates.
fn bodies(node: &TypedNode) -> Vec<&TypedModel> {
    let branches = node.op_as::<IfThenElse>().map(|branches| vec![&branches.then_body, &branches.else_body]);
    let optimised = || node.op_as::<OptScan>().map(|scan| vec![scan.plan.model()]);
    let scan = || node.op_as::<Scan>().map(|scan| vec![&scan.body]);
    branches.or_else(optimised).or_else(scan).unwrap_or_default()
}

/// Whether a body that is evaluated several times holds numbered BatchNormalizations: what comes into one
/// of them may depend on what came out of it before.
fn repeats(model: &TypedModel) -> bool {
    model.nodes().iter().any(|node| match node.op_is::<IfThenElse>() {
        true => bodies(node).into_iter().any(repeats),
        false => !bodies(node).is_empty() && !taps(model, node.id).is_empty(),
    })
}

/// These nodes, and all that they need.
fn ancestors(model: &TypedModel, of: impl Iterator<Item = usize>) -> BTreeSet<usize> {
    let mut open: Vec<usize> = of.collect();
    let mut found = BTreeSet::new();
    while let Some(node) = open.pop() {
        if found.insert(node) {
            open.extend(model.node(node).inputs.iter().map(|input| input.node));
        }
    }
    found
}

/// How many bytes the outputs of a node have.
fn size(model: &TypedModel, node: usize) -> u64 {
    let outputs = model.node(node).outputs.iter().map(|output| &output.fact);
    let bytes = outputs.filter_map(|fact| {
        let count: u64 = fact.shape.as_concrete()?.iter().map(|length| *length as u64).product();
        Some(count * fact.datum_type.size_of() as u64)
    });
    bytes.sum()
}

impl Worker {
    /// A sample before its first stage.
    ///
    /// # Errors
    /// When the inputs are not what the session takes.
    pub fn begin(&mut self, inputs: &[Array]) -> Result<Paused, EngineError> {
        engine("run", || {
            let tensors = self.tensors(inputs)?;
            let outlets = self.state.model().input_outlets()?;
            ensure!(outlets.len() == tensors.len(), "{} inputs for {}", tensors.len(), outlets.len());
            Ok(Paused(outlets.iter().zip(tensors).map(|(outlet, tensor)| (outlet.node, tvec!(tensor))).collect()))
        })
    }

    /// Runs one stage of a sample.
    ///
    /// # Errors
    /// When the engine fails or panics.
    pub fn advance(
        &mut self,
        stages: &Stages,
        stage: usize,
        sample: Paused,
        taps: &mut Taps,
    ) -> Result<Paused, EngineError> {
        let Stop { step, live, .. } = &stages.stops[stage];
        with_taps(taps, || {
            engine("run", || {
                self.resume(sample);
                for step in stages.start(stage)..*step {
                    self.step(stages, step)?;
                }
                Ok(self.pause(live))
            })
        })
    }

    /// Measures one BatchNormalization at the end of a stage on a sample that waits there.
    ///
    /// # Errors
    /// When the engine fails or panics.
    pub fn measure(
        &mut self,
        stages: &Stages,
        stage: usize,
        tap: usize,
        sample: &Paused,
        taps: &mut Taps,
    ) -> Result<(), EngineError> {
        let stop = &stages.stops[stage];
        let node = stages.order[stop.step];
        engine("run", || {
            if stop.is_norm {
                return self.measure_norm(node, tap, sample, taps);
            }
            taps.watch = Watch::Only(tap);
            let result = with_taps(taps, || self.evaluate(node, sample));
            taps.watch = Watch::None;
            result
        })
    }

    fn measure_norm(&self, node: usize, tap: usize, sample: &Paused, taps: &mut Taps) -> TractResult<()> {
        let node = self.state.model().node(node);
        let input = node.inputs[0];
        let values = sample.0.iter().find(|(node, _)| *node == input.node).map(|(_, values)| values);
        let constant = self.state.model().node(input.node).op_as::<Const>().map(|constant| constant.val());
        let x = values.and_then(|values| values.get(input.slot)).map(|value| &**value);
        let x = x.or(constant.map(|constant| &**constant)).context("an input that was not computed")?;
        let norm = node.op_as::<BatchNorm>().context("a BatchNormalization")?;
        norm.measure(tap, x, taps)
    }

    /// Evaluates a node for what the taps see, and forgets the result.
    fn evaluate(&mut self, node: usize, sample: &Paused) -> TractResult<()> {
        self.resume(Paused(sample.0.clone()));
        let inputs = self.state.prepare_inputs(node)?;
        self.state.compute_one_with_inputs(node, inputs)?;
        self.state.turn_state.values[node] = None;
        self.pause(&sample.0.iter().map(|(node, _)| *node).collect::<Vec<_>>());
        Ok(())
    }

    fn resume(&mut self, sample: Paused) {
        if self.state.turn_state.values.is_empty() {
            let nodes = self.state.model().nodes().iter();
            let constants =
                nodes.map(|node| node.op_as::<Const>().map(|constant| constant.val().clone().into_tvalue()));
            self.state.turn_state.values = constants.map(|constant| constant.map(|value| tvec!(value))).collect();
        }
        for (node, values) in sample.0 {
            self.state.turn_state.values[node] = Some(values);
        }
    }

    /// Evaluates one node. A value is given away with its last use, so that operators can work in place.
    fn step(&mut self, stages: &Stages, step: usize) -> TractResult<()> {
        let node = stages.order[step];
        let inputs = self.state.prepare_inputs(node)?;
        for done in &stages.done_with[step] {
            self.state.turn_state.values[*done] = None;
        }
        self.state.compute_one_with_inputs(node, inputs)
    }

    fn pause(&mut self, live: &[usize]) -> Paused {
        let values = &mut self.state.turn_state.values;
        Paused(live.iter().filter_map(|node| Some((*node, values[*node].take()?))).collect())
    }
}

#[cfg(test)]
mod tests;
