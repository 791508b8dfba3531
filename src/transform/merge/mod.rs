//! Merging: parallel linear branches of one input that are summed become one operator (RepVGG,
//! Ding et al., CVPR 2021; MobileOne, Vasu et al., CVPR 2023).
//!
//! ```text
//! before   y = Conv(x, W₃, b₃) + Conv(x, W₁, b₁) + BatchNormalization(x, γ, β, μ, σ²)
//! after    y = Conv(x, W₃ + pad(W₁) + s⊙I, b₃ + b₁ + t)
//! ```
//!
//! Folding goes first: it leaves branches without BatchNormalization, their weights scaled and
//! not yet rounded. Here they are summed in f64, so that the new weight is rounded once (a bias
//! that a fold has made was rounded before). As always, a plan is made on the graph as it is, then
//! carried out.

mod apply;
mod assemble;
mod constant;
mod operator;
mod part;
mod plan;
mod sum;
mod window;

use crate::graph::Graph;
use plan::Plan;
use serde::Serialize;

/// What was merged, and what was not and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MergeReport {
    /// The operators that took in others, in graph order of the sums.
    pub merges: Vec<Merge>,
    /// Branches of the same input as another one of their sum that could not be merged with it.
    pub kept: Vec<KeptBranch>,
}

impl MergeReport {
    /// Takes over what a later round merged; returns whether that is anything.
    pub fn add(&mut self, later: MergeReport) -> bool {
        let any = !later.merges.is_empty();
        self.merges.extend(later.merges);
        self.kept = later.kept;
        any
    }
}

/// One operator that took in other branches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merge {
    /// The name of the node that stays.
    pub into: String,
    /// Its operator.
    pub operator: &'static str,
    /// What went into it: nodes, or the values that were added as they are.
    pub branches: Vec<String>,
}

/// A branch that stays.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeptBranch {
    /// The node that makes the sum.
    pub sum: String,
    /// The node of the branch, or the value that is added as it is.
    pub branch: String,
    /// One sentence on why.
    pub reason: String,
}

/// Merges all parallel branches that can be merged.
///
/// New weights are in memory, and no larger than a small multiple of those that they replace.
pub fn merge_branches(graph: &mut Graph) -> MergeReport {
    let Plan { sums, report } = Plan::new(graph);
    sums.into_iter().for_each(|(sum, groups)| apply::apply(graph, &sum, &groups));
    graph.sweep_released();
    report
}
