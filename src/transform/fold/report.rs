//! What a fold did, as a value that people and programs read.

use super::health::Health;
use super::plan::{Decision, Direction};
use crate::refusal::Refusal;
use serde::Serialize;

/// What was folded, and what was kept and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoldReport {
    /// One entry per BatchNormalization, and per constant arithmetic that is folded, in graph order.
    pub norms: Vec<NormReport>,
    /// How many are folded.
    pub folded: usize,
    /// How many are kept.
    pub kept: usize,
    /// Nodes of the original, subgraphs and functions included.
    pub nodes_before: usize,
    /// Nodes of the result.
    pub nodes_after: usize,
}

/// One BatchNormalization, or constant arithmetic that is folded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NormReport {
    /// Its name, or its first output if it has none.
    pub name: String,
    /// Its operator: `BatchNormalization`, `Mul` …
    pub kind: String,
    /// The number of channels, if its scale is known.
    pub channels: Option<usize>,
    /// Operator and name of the node that makes its input.
    pub producer: Option<String>,
    /// What is remarkable about its parameters, if they could be read.
    pub health: Option<Health>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a BatchNormalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was folded.
    Folded {
        /// The operator that took it in: `Conv`, `MatMul` …
        operator: String,
        /// The name of that node.
        into: String,
        /// Whether that is before it or after it.
        direction: Direction,
        /// Others that took it in as well: operators and names.
        also_into: Vec<(String, String)>,
    },
    /// It was kept.
    Kept {
        /// Why.
        refusal: Refusal,
    },
}

impl FoldReport {
    /// Lets each refusal say what its code means, why, and what to do.
    pub fn explain(&mut self) {
        for norm in &mut self.norms {
            if let Outcome::Kept { refusal } = &mut norm.outcome {
                refusal.explanation = Some(refusal.code.explanation());
            }
        }
    }

    pub(super) fn new(decisions: Vec<Decision>, nodes_before: usize, nodes_after: usize) -> FoldReport {
        let norm = |decision: Decision| NormReport {
            name: decision.name,
            kind: decision.operator,
            channels: decision.channels,
            producer: decision.producer,
            health: decision.health,
            outcome: match decision.outcome {
                Ok((direction, mut into)) => {
                    let (operator, name) = if into.is_empty() { Default::default() } else { into.remove(0) };
                    Outcome::Folded { operator, into: name, direction, also_into: into }
                }
                Err(refusal) => Outcome::Kept { refusal },
            },
        };
        let norms: Vec<NormReport> = decisions.into_iter().map(norm).collect();
        let folded = norms.iter().filter(|norm| matches!(norm.outcome, Outcome::Folded { .. })).count();
        FoldReport { folded, kept: norms.len() - folded, norms, nodes_before, nodes_after }
    }
}
