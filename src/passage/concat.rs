//! Concat: each input is a part of the output along an axis.

use super::{Moved, Passage, mixes};
use crate::affine::{Affine, LARGEST};
use crate::graph::shape::Length;
use crate::operator::{Operator, normal_axis};
use crate::refusal::Refusal;
use std::ops::Range;

pub(super) struct Concat;

impl Passage for Concat {
    fn pull(&self, op: &Operator, _: usize, map: &Affine) -> Result<Moved, Refusal> {
        let axis = axis(op)?;
        if map.length(axis) == 1 {
            return Ok((0..op.inputs()).map(|slot| (slot, map.clone())).collect());
        }
        let parts = parts(op, axis)?;
        if parts.last().map(|part| part.end) != Some(map.length(axis)) {
            return Err(unknown(op));
        }
        Ok(parts.into_iter().enumerate().map(|(slot, part)| (slot, cut(map, axis, part))).collect())
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        let axis = axis(op)?;
        let parts = parts(op, axis)?;
        let total = parts.last().map_or(0, |part| part.end);
        let part = parts.get(slot).cloned().ok_or_else(|| unknown(op))?;
        let fits = map.length(axis) == 1 || map.length(axis) == part.len();
        let fits = fits && total.checked_mul(map.shift().len()).is_some_and(|count| count <= LARGEST);
        if fits { Ok(vec![(0, embed(map, axis, part, total))]) } else { Err(unknown(op)) }
    }
}

fn unknown(op: &Operator) -> Refusal {
    mixes(op, "joins parts of unknown length")
}

/// Version 1 joins axis 1 by default, later ones must say.
fn axis(op: &Operator) -> Result<usize, Refusal> {
    let axis = op.int("axis", 1);
    let rank = (0..op.inputs()).find_map(|slot| op.input_axes(slot)).map(|axes| axes.len());
    let axis = normal_axis(axis, rank.unwrap_or(usize::MAX)).filter(|_| axis >= 0 || rank.is_some());
    axis.ok_or_else(|| unknown(op))
}

/// Where each input lies in the output.
fn parts(op: &Operator, axis: usize) -> Result<Vec<Range<usize>>, Refusal> {
    let mut end = 0usize;
    let part = |slot| {
        let length = op.input_axes(slot)?.get(axis).copied().and_then(Length::known)?;
        let start = end;
        end = end.checked_add(length)?;
        Some(start..end)
    };
    (0..op.inputs()).map(part).collect::<Option<Vec<_>>>().ok_or_else(|| unknown(op))
}

fn cut(map: &Affine, axis: usize, part: Range<usize>) -> Affine {
    let mut axes = map.axes().to_vec();
    axes[axis] = part.len();
    let strides = map.strides(axes.len());
    let at = |axis_: usize, at: usize| if axis_ == axis { at + part.start } else { at };
    map.gather(axes, |index| Some((0..index.len()).map(|axis| at(axis, index[axis]) * strides[axis]).sum()))
}

/// The map on one part; the others stay as they are.
fn embed(map: &Affine, axis: usize, part: Range<usize>, total: usize) -> Affine {
    let mut axes = map.axes().to_vec();
    axes.resize(axes.len().max(axis + 1), 1);
    let strides = map.strides(axes.len());
    axes[axis] = total;
    map.gather(axes, |index| {
        let own = index[axis].checked_sub(part.start).filter(|own| *own < part.len())?;
        let at = |other: usize| if other == axis { own } else { index[other] };
        Some((0..index.len()).map(|axis| at(axis) * strides[axis]).sum())
    })
}
