//! Which biases move into which means.

use super::find::{Addend, find};
use crate::batch_norm::BatchNorm;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId};
use crate::linear::bias::NewConstant;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

/// One decision per BatchNormalization, in graph order.
pub struct Plan {
    pub decisions: Vec<Decision>,
}

/// What becomes of the biases before one BatchNormalization.
pub struct Decision {
    pub node: NodeId,
    /// Its name, or its first output if it has none.
    pub name: String,
    /// The number of channels, if it is known.
    pub channels: Option<usize>,
    /// Whether it is in training mode, where only the running mean moves.
    pub trains: bool,
    /// What moves; `None` if there is no bias.
    pub outcome: Result<Option<Change>, Refusal>,
}

/// What goes, and where it goes.
pub struct Change {
    pub addends: Vec<Addend>,
    /// μ − b, `[C]`.
    pub mean: NewConstant,
    /// The largest |b|.
    pub largest: f64,
}

impl Plan {
    /// Decides about every BatchNormalization.
    pub fn new(graph: &Graph, is_selected: impl Fn(&str) -> bool) -> Plan {
        let constants = Constants::new(graph);
        let norms = graph.nodes().filter(|node| BatchNorm::is(graph, *node));
        let decide = |node| decide(&Operator { graph, constants: &constants, node }, &is_selected);
        Plan { decisions: norms.map(decide).collect() }
    }
}

fn decide(op: &Operator, is_selected: impl Fn(&str) -> bool) -> Decision {
    let name = op.graph.label(op.node);
    let trains = BatchNorm::trains(op.graph, op.node);
    let (channels, outcome) = match BatchNorm::read_in_any_mode(op.graph, op.constants, op.node) {
        _ if !is_selected(&name) => (None, Err(Refusal::new(Code::NotSelected, "it is not selected"))),
        Err(refusal) => (None, Err(refusal)),
        Ok(norm) => (Some(norm.channels()), change(op, &norm)),
    };
    Decision { node: op.node, name, channels, trains, outcome }
}

fn change(op: &Operator, norm: &BatchNorm) -> Result<Option<Change>, Refusal> {
    let found = find(op, norm.channels())?;
    if found.addends.is_empty() {
        return Ok(None);
    }
    if let Some(seen) = BatchNorm::seen_statistic(op.graph, op.node) {
        let detail = format!("its output `{}` is a running statistic, which would move", op.graph.name(seen));
        return Err(op.refuse(Code::TrainingMode, detail));
    }
    let mean: Vec<f64> = norm.mean.iter().zip(&found.bias).map(|(mean, bias)| mean - bias).collect();
    let element = op.input_type(3).and_then(|element| element.float());
    let element = element.ok_or_else(|| op.refuse(Code::UnsupportedType, "its mean is of no type of numbers"))?;
    let mean = NewConstant::new(vec![mean.len()], &mean, element)?;
    let largest = found.bias.iter().fold(0.0, |largest, bias| f64::max(largest, bias.abs()));
    Ok(Some(Change { addends: found.addends, mean, largest }))
}
