//! Writing new statistics into a model.

use super::estimate::Estimate;
use super::norms::MEAN_AND_VARIANCE;
use crate::graph::{Graph, NodeId};
use crate::refusal::Refusal;
use crate::transform::operand::write_operand;

/// Gives each of these nodes its statistics. Where somebody else reads the old ones too, it gets
/// constants of its own.
pub fn apply(graph: &mut Graph, nodes: &[NodeId], estimates: &[Result<Estimate, Refusal>]) {
    for (node, estimate) in nodes.iter().zip(estimates) {
        let Ok(Estimate { constants, .. }) = estimate else { continue };
        for (slot, constant) in MEAN_AND_VARIANCE.into_iter().zip(constants) {
            let old = graph.input(*node, slot);
            let name = old.map(|old| format!("{}_recalibrated", graph.name(old)));
            write_operand(graph, (*node, slot), old, name, constant);
        }
    }
    graph.sweep_released();
}
