//! In which order it is decided, so that the order of the nodes does not matter.
//!
//! First backward, in graph order: each node that applies a map looks for what can take it in before
//! it. Then forward, in reverse order, those that are left. A map goes in as a whole or not at all,
//! and what a place has taken in is kept as one map: nothing is rounded before all is known.

use super::FoldError;
use super::backward::backward;
use super::candidates::{Norm, check_valid};
use super::edits::operand;
use super::forward::forward;
use super::home::Home;
use super::plan::{Direction, Gone};
use super::planner::Planner;
use super::site::{Leaf, Place, Site};
use super::source::{Kind, Source};
use crate::affine::Affine;
use crate::graph::NodeId;
use crate::onnx::element::DataType;
use crate::refusal::{Code, Refusal};
use std::collections::{BTreeMap, BTreeSet};

/// Each round takes something away that the next one does not look at again.
const MOST_ROUNDS: usize = 16;

impl Planner<'_> {
    /// Decides about all of `norms` and all constant arithmetic.
    ///
    /// # Errors
    /// When a node makes the model an invalid one.
    pub fn fold_all(&mut self, norms: &mut BTreeMap<NodeId, Norm>) -> Result<(), FoldError> {
        let is_root = |node: &NodeId| self.sources.contains_key(node) && self.is_root(*node, norms);
        let roots: Vec<NodeId> = self.graph.nodes().filter(is_root).collect();
        // What went forward can have left a way back for others.
        for _ in 0..MOST_ROUNDS {
            self.fold_all_backward(&roots, norms)?;
            if !self.fold_all_forward(&roots, norms)? {
                break;
            }
        }
        Ok(())
    }

    fn fold_all_backward(&mut self, roots: &[NodeId], norms: &mut BTreeMap<NodeId, Norm>) -> Result<(), FoldError> {
        for root in roots {
            if self.is_gone(*root) || self.is_home(*root) || !self.sources.contains_key(root) {
                continue;
            }
            let refusal = self.fold_backward(*root).err();
            if let Some(norm) = norms.get_mut(root) {
                check_valid(self.graph, *root, refusal.as_ref())?;
                norm.refusal = refusal;
            }
        }
        Ok(())
    }

    /// Returns whether any node went forward.
    fn fold_all_forward(&mut self, roots: &[NodeId], norms: &mut BTreeMap<NodeId, Norm>) -> Result<bool, FoldError> {
        let mut any = false;
        for root in roots.iter().rev() {
            let stays = self.is_gone(*root) || self.is_settled(*root) || !self.sources.contains_key(root);
            if stays || self.is_unread(*root) {
                continue;
            }
            let refusal = self.fold_forward(*root).or_else(|refusal| self.fold_scale(*root, refusal)).err();
            any |= refusal.is_none();
            if let (Some(norm), Some(refusal)) = (norms.get_mut(root), refusal) {
                check_valid(self.graph, *root, Some(&refusal))?;
                norm.refusal = norm.refusal.take().map(|before| before.and(refusal));
            }
        }
        Ok(any)
    }

    /// Whether no node reads what a node makes.
    fn is_unread(&self, node: NodeId) -> bool {
        self.graph.output(node, 0).is_none_or(|output| self.graph.data_uses(output).next().is_none())
    }

    /// Whether a node is the bias of a linear operator.
    pub fn is_settled(&self, node: NodeId) -> bool {
        let site = self.homes.get(&node).and_then(|place| self.site(*place));
        self.settled.contains_key(&node) || site.is_some_and(|site| matches!(site.leaf, Leaf::Linear(_)))
    }

    fn fold_backward(&mut self, root: NodeId) -> Result<(), Refusal> {
        let overflow = || Refusal::new(Code::Degenerate, "the maps in a row overflow");
        let map = self.current_map(root).ok_or_else(overflow)?;
        let walk = backward(self, &Source { map, ..self.sources[&root].clone() })?;
        let home = |site: &Site| match site.home {
            Home::At { node, .. } if site.edits.shift.is_some() => Some(node),
            _ => None,
        };
        let homes: BTreeSet<NodeId> = walk.sites.iter().filter_map(|(_, site)| home(site)).collect();
        let gone: Vec<NodeId> = walk.consumed.iter().copied().filter(|node| !homes.contains(node)).collect();
        let added = self.added(&walk);
        let more = gone.iter().filter(|node| !self.is_gone(**node)).count();
        if !self.sources[&root].is_norm() && added >= more as i64 {
            // Nothing would be gained: it is the bias of an operator that has none.
            let linear = walk.sites.iter().find(|(_, site)| matches!(site.leaf, Leaf::Linear(_)));
            self.settled.extend(linear.map(|(place, _)| (root, *place)));
            return Err(Refusal::new(Code::NoLinearProducer, "it is the bias of the operator before it"));
        }
        gone.iter().for_each(|node| _ = self.sites.remove(&Place { node: *node, slot: None }));
        self.commit(walk, &gone, Direction::Backward);
        Ok(())
    }

    fn fold_forward(&mut self, root: NodeId) -> Result<(), Refusal> {
        let map = self.current_map(root).ok_or_else(|| Refusal::new(Code::Degenerate, "the maps in a row overflow"))?;
        let walk = forward(self, root, &map)?;
        if !self.sources[&root].is_norm() && self.added(&walk) > 0 {
            return Err(Refusal::new(Code::NoLinearProducer, "an Add would have to follow what takes it in"));
        }
        let place = Place { node: root, slot: None };
        if let Some(home) = self.homes.remove(&root) {
            // The shift has left the place before it.
            if let Some(site) = self.sites.get_mut(&home) {
                site.let_shift_go();
            }
        }
        self.sites.remove(&place);
        self.commit(walk, &[root], Direction::Forward);
        Ok(())
    }

    /// Where only the shift cannot go forward because of padding, folds the scale alone, if that is
    /// wanted: s·x + t = s·(x + t/s).
    fn fold_scale(&mut self, root: NodeId, refusal: Refusal) -> Result<(), Refusal> {
        if !self.options.pad_exact || refusal.code != Code::Padding || !self.sources[&root].is_norm() {
            return Err(refusal);
        }
        let Some(map) = self.current_map(root) else { return Err(refusal) };
        let per_scale = |(shift, scale): (&f64, &f64)| if *shift == 0.0 { 0.0 } else { shift / scale };
        let shifts: Vec<f64> = map.shift().iter().zip(map.scale().iter()).map(per_scale).collect();
        if !shifts.iter().all(|shift| shift.is_finite()) {
            return Err(refusal);
        }
        let shift = Affine::new(map.axes().to_vec(), vec![1.0; shifts.len()], shifts);
        let op = self.operator(root);
        let element = op.input_type(0).or(op.input_type(1)).and_then(DataType::float);
        let (Some(axes), Some(element)) = (op.output_axes(0), element) else { return Err(refusal) };
        let constant = operand(&op, &shift, axes.len(), element)?;
        let walk = forward(self, root, &map.without_shift())?;
        let into = walk.sites.iter().map(|(place, _)| *place).collect();
        self.sites.remove(&Place { node: root, slot: None });
        self.commit(walk, &[], Direction::Forward);
        self.shifts.insert(root, constant);
        self.scaled.insert(root, Gone { direction: Direction::Forward, data: 0, into });
        // What stays may still go back.
        self.sources.insert(root, Source { node: root, data: 0, map: shift, kind: Kind::Sum });
        Ok(())
    }
}
