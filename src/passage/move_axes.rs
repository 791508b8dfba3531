//! Transpose: axis `i` of the output is axis `perm[i]` of the input.

use super::{Moved, Passage, mixes, only_first};
use crate::affine::Affine;
use crate::operator::{Operator, normal_axis};
use crate::refusal::Refusal;

pub(super) struct Transpose;

impl Passage for Transpose {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        let perm = perm(op)?;
        let inverse: Vec<Option<usize>> =
            (0..perm.len()).map(|axis| perm.iter().position(|source| *source == axis)).collect();
        only_first(slot, || map.with_axes(&inverse).ok_or_else(|| unknown(op)), op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        let sources: Vec<Option<usize>> = perm(op)?.into_iter().map(Some).collect();
        only_first(slot, || map.with_axes(&sources).ok_or_else(|| unknown(op)), op)
    }
}

fn unknown(op: &Operator) -> Refusal {
    mixes(op, "reorders axes in a way that is not known")
}

/// The permutation; by default it reverses the axes.
fn perm(op: &Operator) -> Result<Vec<usize>, Refusal> {
    let perm: Option<Vec<usize>> = match op.graph.proto(op.node).ints("perm") {
        Some(perm) => perm.iter().map(|axis| normal_axis(*axis, perm.len())).collect(),
        None => op.input_axes(0).map(|axes| (0..axes.len()).rev().collect()),
    };
    let is_permutation = |perm: &Vec<usize>| (0..perm.len()).all(|axis| perm.contains(&axis));
    perm.filter(is_permutation).ok_or_else(|| unknown(op))
}
