//! What a fold did, as a value that people and programs read.

use super::health::Health;
use super::plan::{Decision, Direction};
use crate::graph::NodeId;
use crate::refusal::Refusal;
use crate::transform::merge::MergeReport;
use serde::Serialize;
use std::collections::HashSet;

/// What was folded, and what was kept and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoldReport {
    /// One entry per BatchNormalization, and per constant arithmetic that is folded, in graph order.
    pub norms: Vec<NormReport>,
    /// How many BatchNormalizations are folded.
    pub folded: usize,
    /// How many BatchNormalizations are kept.
    pub kept: usize,
    /// How many Mul, Add, Sub, Div and Neg by constants are folded.
    pub folded_arithmetic: usize,
    /// Parallel branches that became one operator, if that was wanted.
    pub merged: MergeReport,
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

impl NormReport {
    /// Whether it is a BatchNormalization.
    pub fn is_norm(&self) -> bool {
        self.kind == "BatchNormalization"
    }
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

    /// What was done to a node of this name: the entries of which it is the subject, or of which it
    /// took in the map.
    pub fn concerning<'r>(&'r self, node: &'r str) -> impl Iterator<Item = &'r NormReport> {
        self.norms.iter().filter(move |norm| {
            let took_in = |outcome: &Outcome| match outcome {
                Outcome::Folded { into, also_into, .. } => {
                    into == node || also_into.iter().any(|(_, name)| name == node)
                }
                Outcome::Kept { .. } => false,
            };
            norm.name == node || took_in(&norm.outcome)
        })
    }

    /// Whether anything was changed.
    pub fn changed(&self) -> bool {
        self.folded + self.folded_arithmetic + self.merged.merges.len() > 0
    }

    /// `remains` are the nodes of the result.
    pub(super) fn new(
        decisions: Vec<Decision>,
        merged: MergeReport,
        nodes_before: usize,
        remains: &HashSet<NodeId>,
    ) -> FoldReport {
        let norm = |decision: Decision| NormReport {
            kind: decision.operator,
            channels: decision.channels,
            producer: decision.producer,
            health: decision.health,
            outcome: match decision.outcome {
                Ok((direction, mut into)) => {
                    let (operator, name) = if into.is_empty() { Default::default() } else { into.remove(0) };
                    Outcome::Folded { operator, into: name, direction, also_into: into }
                }
                Err(refusal) if remains.contains(&decision.node) => Outcome::Kept { refusal },
                // A branch of a sum that became one operator.
                Err(_) => beside(&merged, &decision.name),
            },
            name: decision.name,
        };
        let norms: Vec<NormReport> = decisions.into_iter().map(norm).collect();
        let is_folded = |norm: &&NormReport| matches!(norm.outcome, Outcome::Folded { .. });
        let folded = norms.iter().filter(|norm| norm.is_norm()).filter(is_folded).count();
        let kept = norms.iter().filter(|norm| norm.is_norm()).count() - folded;
        let folded_arithmetic = norms.iter().filter(is_folded).count() - folded;
        FoldReport { folded, kept, folded_arithmetic, merged, norms, nodes_before, nodes_after: remains.len() }
    }
}

/// The operator that a branch was merged with.
fn beside(merged: &MergeReport, branch: &str) -> Outcome {
    let merge = merged.merges.iter().find(|merge| merge.branches.iter().any(|name| name == branch));
    let (operator, into) = merge.map(|merge| (merge.operator.to_owned(), merge.into.clone())).unwrap_or_default();
    Outcome::Folded { operator, into, direction: Direction::Parallel, also_into: Vec::new() }
}
