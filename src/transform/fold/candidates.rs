//! What there is to fold: every BatchNormalization, and all arithmetic with constants.

use super::FoldError;
use super::health::Health;
use super::planner::Planner;
use super::source::Source;
use crate::arithmetic::Arithmetic;
use crate::batch_norm::BatchNorm;
use crate::graph::{Graph, NodeId};
use crate::refusal::{Code, Refusal};
use std::collections::BTreeMap;

/// A BatchNormalization: its parameters, and why it stays.
pub struct Norm {
    /// The number of channels, if it is known.
    pub channels: Option<usize>,
    /// What is remarkable about its parameters.
    pub health: Option<Health>,
    /// Why it stays, as far as is known.
    pub refusal: Option<Refusal>,
}

impl Planner<'_> {
    /// Reads all nodes that apply maps.
    pub fn read_sources(&mut self) -> Result<BTreeMap<NodeId, Norm>, FoldError> {
        let mut norms = BTreeMap::new();
        for node in self.graph.nodes() {
            if BatchNorm::is(self.graph, node) {
                norms.insert(node, self.read_norm(node)?);
            } else if let Some(source) = Source::of_arithmetic(&self.operator(node)) {
                self.sources.insert(node, source);
            } else if self.options.affine && !self.unread {
                self.unread = Arithmetic::may_become(&self.operator(node));
            }
        }
        Ok(norms)
    }

    fn read_norm(&mut self, node: NodeId) -> Result<Norm, FoldError> {
        let norm = BatchNorm::read(self.graph, self.constants, node);
        let health = norm.as_ref().ok().map(Health::of);
        let channels = norm.as_ref().ok().map(BatchNorm::channels).or_else(|| self.channels(node));
        let source = norm.and_then(|norm| Source::of_norm(node, norm));
        let is_selected = !self.left_out.contains(&node);
        let refusal = match source {
            Ok(source) => {
                self.sources.insert(node, source);
                None
            }
            Err(refusal) => Some(refusal),
        };
        let refusal = if is_selected { refusal } else { Some(Refusal::new(Code::NotSelected, "it is not selected")) };
        check_valid(self.graph, node, refusal.as_ref())?;
        Ok(Norm { channels, health, refusal })
    }

    /// The number of channels of a BatchNormalization that is kept: the length of its scale.
    fn channels(&self, node: NodeId) -> Option<usize> {
        let (_, shape) = self.constants.type_and_shape(self.graph.input(node, 1)?).ok()?;
        if let [channels] = shape[..] { Some(channels) } else { None }
    }

    /// Whether a node is to be folded for its own sake.
    pub fn is_root(&self, node: NodeId, norms: &BTreeMap<NodeId, Norm>) -> bool {
        match norms.get(&node) {
            Some(norm) => norm.refusal.is_none(),
            None => self.options.affine && !self.left_out.contains(&node),
        }
    }
}

/// A model that no runtime can run is not folded around.
pub fn check_valid(graph: &Graph, node: NodeId, refusal: Option<&Refusal>) -> Result<(), FoldError> {
    match refusal {
        Some(refusal) if refusal.code == Code::Malformed => {
            Err(FoldError::Invalid { node: graph.label(node), detail: refusal.detail.clone() })
        }
        _ => Ok(()),
    }
}
