//! What a fold did, as a value that people and programs read.

use super::plan::{Decision, Plan};
use crate::batch_norm::BatchNorm;
use crate::refusal::Refusal;
use serde::Serialize;

/// What was folded, and what was kept and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoldReport {
    /// One entry per BatchNormalization, in graph order.
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

/// One BatchNormalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NormReport {
    /// Its name, or its first output if it has none.
    pub name: String,
    /// The number of channels, if its parameters could be read.
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
        /// The operator that took it in: `Conv`, `MatMul+Add` …
        operator: &'static str,
        /// The name of that node.
        into: String,
    },
    /// It was kept.
    Kept {
        /// Why.
        refusal: Refusal,
    },
}

/// What is remarkable about the parameters of a BatchNormalization.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Health {
    /// The largest |γ| / sqrt(σ² + ε) of all channels.
    pub max_gain: f64,
    /// Channels with γ = 0: whatever comes in, β comes out.
    pub zero_scale: usize,
    /// Channels with a NaN or infinite parameter, or a negative variance.
    pub invalid: usize,
    /// All means are 0 and all variances 1: the statistics were never trained.
    pub untrained: bool,
}

impl Health {
    /// Looks at the parameters.
    pub fn of(norm: &BatchNorm) -> Health {
        let channels = 0..norm.channels();
        let gain = |channel: usize| (norm.scale[channel] / (norm.variance[channel] + norm.epsilon).sqrt()).abs();
        let invalid = |channel: &usize| {
            let all = [norm.scale[*channel], norm.bias[*channel], norm.mean[*channel], norm.variance[*channel]];
            all.iter().any(|number| !number.is_finite()) || norm.variance[*channel] < 0.0
        };
        Health {
            max_gain: channels.clone().map(gain).filter(|gain| gain.is_finite()).fold(0.0, f64::max),
            zero_scale: norm.scale.iter().filter(|scale| **scale == 0.0).count(),
            invalid: channels.filter(invalid).count(),
            untrained: norm.mean.iter().all(|mean| *mean == 0.0) && norm.variance.iter().all(|var| *var == 1.0),
        }
    }
}

impl FoldReport {
    pub(super) fn new(plan: Plan, into: &[String], nodes_before: usize, nodes_after: usize) -> FoldReport {
        let operators: Vec<&'static str> = plan.folds.iter().map(|fold| fold.linear.operator).collect();
        let norm = |decision: Decision| NormReport {
            name: decision.name,
            channels: decision.channels,
            producer: decision.producer,
            health: decision.health,
            outcome: match decision.outcome {
                Ok(fold) => Outcome::Folded { operator: operators[fold], into: into[fold].clone() },
                Err(refusal) => Outcome::Kept { refusal },
            },
        };
        let norms: Vec<NormReport> = plan.decisions.into_iter().map(norm).collect();
        let folded = norms.iter().filter(|norm| matches!(norm.outcome, Outcome::Folded { .. })).count();
        FoldReport { folded, kept: norms.len() - folded, norms, nodes_before, nodes_after }
    }
}
