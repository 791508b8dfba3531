//! What was stripped, and what was kept and why.

use super::find::Addend;
use super::plan::{Change, Decision, Plan};
use crate::graph::Graph;
use crate::refusal::Refusal;
use serde::Serialize;

/// What was done to a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StripReport {
    /// One entry per BatchNormalization, in graph order.
    pub norms: Vec<NormReport>,
    /// How many have no bias before them any more.
    pub stripped: usize,
    /// How many keep one.
    pub kept: usize,
    /// The number of nodes of the model, subgraphs and functions included.
    pub nodes_before: usize,
    /// The number of nodes of the result.
    pub nodes_after: usize,
}

/// What was done about one BatchNormalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NormReport {
    /// Its name, or its first output if it has none.
    pub name: String,
    /// The number of channels, if its parameters could be read.
    pub channels: Option<usize>,
    /// Whether it is in training mode, where only the running mean moves.
    pub trains: bool,
    /// What was done.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a bias.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It moved into the mean.
    Stripped {
        /// The nodes that added it, from the last one on.
        from: Vec<Term>,
        /// The largest magnitude that any mean moved by.
        largest: f64,
    },
    /// There is none.
    NoBias,
    /// It stays.
    Kept {
        /// Why.
        refusal: Refusal,
    },
}

/// A node that added a bias.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    /// Its operator.
    pub operator: String,
    /// Its name, or its first output if it has none.
    pub name: String,
}

impl StripReport {
    /// Whether anything was changed.
    pub fn changed(&self) -> bool {
        self.stripped > 0
    }

    /// Lets each refusal say what its code means, why, and what to do.
    pub fn explain(&mut self) {
        for norm in &mut self.norms {
            if let Outcome::Kept { refusal } = &mut norm.outcome {
                refusal.explanation = Some(refusal.code.explanation());
            }
        }
    }

    pub(super) fn new(graph: &Graph, plan: &Plan, nodes: usize) -> StripReport {
        let norms: Vec<NormReport> = plan.decisions.iter().map(|decision| norm(graph, decision)).collect();
        let count = |is: fn(&Outcome) -> bool| norms.iter().filter(|norm| is(&norm.outcome)).count();
        let stripped = count(|outcome| matches!(outcome, Outcome::Stripped { .. }));
        let kept = count(|outcome| matches!(outcome, Outcome::Kept { .. }));
        StripReport { norms, stripped, kept, nodes_before: nodes, nodes_after: nodes }
    }
}

fn norm(graph: &Graph, decision: &Decision) -> NormReport {
    let term = |addend: &Addend| {
        let (Addend::Operand { node, .. } | Addend::Sum { node, .. } | Addend::Difference(node)) = addend;
        Term { operator: graph.op_label(*node), name: graph.label(*node) }
    };
    let outcome = match &decision.outcome {
        Ok(Some(Change { addends, largest, .. })) => {
            Outcome::Stripped { from: addends.iter().map(term).collect(), largest: *largest }
        }
        Ok(None) => Outcome::NoBias,
        Err(refusal) => Outcome::Kept { refusal: refusal.clone() },
    };
    NormReport { name: decision.name.clone(), channels: decision.channels, trains: decision.trains, outcome }
}
