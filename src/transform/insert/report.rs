//! What an insertion did, as a value that people and programs read.

use crate::refusal::{Code, Refusal};
use serde::Serialize;

/// Where a BatchNormalization was inserted, and where not and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InsertReport {
    /// One entry per layer (or input), in graph order.
    pub layers: Vec<LayerReport>,
    /// How many BatchNormalizations are new.
    pub inserted: usize,
    /// How many layers were left as they are.
    pub kept: usize,
    /// Nodes of the original, subgraphs and functions included.
    pub nodes_before: usize,
    /// Nodes of the result.
    pub nodes_after: usize,
}

/// One affine layer, or input of the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerReport {
    /// Its name, or its first output if it has none.
    pub name: String,
    /// Its operator: `Conv`, `MatMul` …, or `Input`.
    pub operator: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: InsertOutcome,
}

/// What became of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum InsertOutcome {
    /// It has a BatchNormalization now.
    Inserted {
        /// The name of the new node. Layers that read one value can share one.
        norm: String,
        /// The number of channels.
        channels: usize,
        /// Operator and name of the first node of the activation behind it, if one was looked for.
        activation: Option<String>,
        /// Whether it is between two Transposes, because its channels are not axis 1.
        transposed: bool,
    },
    /// It is as it was.
    Kept {
        /// Why.
        refusal: Refusal,
    },
}

impl InsertOutcome {
    /// Of a node without an output; the plan makes no such decision.
    pub(super) fn nothing() -> InsertOutcome {
        InsertOutcome::Kept { refusal: Refusal::new(Code::Malformed, "it has no output") }
    }

    /// The name of the new node, if there is one.
    pub fn norm(&self) -> Option<&str> {
        match self {
            InsertOutcome::Inserted { norm, .. } => Some(norm),
            InsertOutcome::Kept { .. } => None,
        }
    }
}

impl InsertReport {
    pub(super) fn new(layers: Vec<LayerReport>, nodes_before: usize, nodes_after: usize) -> InsertReport {
        let mut norms: Vec<&str> = layers.iter().filter_map(|layer| layer.outcome.norm()).collect();
        let kept = layers.len() - norms.len();
        norms.sort_unstable();
        norms.dedup();
        InsertReport { inserted: norms.len(), kept, nodes_before, nodes_after, layers }
    }

    /// The names of the new nodes, each once, in graph order.
    pub fn norms(&self) -> Vec<&str> {
        let mut seen = std::collections::BTreeSet::new();
        self.layers.iter().filter_map(|layer| layer.outcome.norm()).filter(|norm| seen.insert(*norm)).collect()
    }

    /// Lets each refusal say what its code means, why, and what to do.
    pub fn explain(&mut self) {
        for layer in &mut self.layers {
            if let InsertOutcome::Kept { refusal } = &mut layer.outcome {
                refusal.explanation = Some(refusal.code.explanation());
            }
        }
    }

    /// Whether anything was changed.
    pub fn changed(&self) -> bool {
        self.inserted > 0
    }
}
