//! Carrying out the plan.

use super::find::Addend;
use super::plan::{Change, Plan};
use crate::graph::Graph;
use crate::transform::operand::write_operand;

/// Takes the biases away and moves the means.
pub fn apply(graph: &mut Graph, plan: Plan) {
    for decision in plan.decisions {
        let Ok(Some(Change { addends, mean, .. })) = decision.outcome else { continue };
        let old = graph.input(decision.node, 3);
        let name = old.map(|old| format!("{}_without_bias", graph.name(old)));
        write_operand(graph, (decision.node, 3), old, name, &mean);
        addends.into_iter().for_each(|addend| take_away(graph, addend));
    }
    graph.sweep_released();
}

fn take_away(graph: &mut Graph, addend: Addend) {
    match addend {
        Addend::Operand { node, zero: None } => graph.remove_inputs(node, |slot| slot == 2),
        Addend::Operand { node, zero: Some(zero) } => {
            let old = graph.input(node, 2);
            let name = old.map(|old| format!("{}_zero", graph.name(old)));
            write_operand(graph, (node, 2), old, name, &zero);
        }
        Addend::Sum { node, data } => graph.bypass(node, data),
        Addend::Difference(node) => {
            let Some(data) = graph.input(node, 1) else { return };
            graph.replace_node(node, "Neg", &[data], Vec::new());
        }
    }
}
