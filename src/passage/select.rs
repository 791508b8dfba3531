//! Slice, Gather and Split: the output has some of the elements along an axis.
//!
//! Backward, elements that nobody else can see may be mapped or not: they keep what they are.

use super::{Moved, Passage, mixes};
use crate::affine::{Affine, LARGEST};
use crate::graph::shape::Length;
use crate::graph::slice::places;
use crate::operator::{Operator, normal_axis};
use crate::refusal::{Code, Refusal};

pub(super) struct Select;

/// Along one axis, which of the old positions each new one is.
struct Picked {
    axis: usize,
    /// The length of the old axis.
    length: usize,
    positions: Vec<usize>,
}

impl Passage for Select {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        let map = match op.name() {
            "Split" => split(op, slot)?.embed(map),
            _ if slot != 0 => None,
            "Gather" => return gather_pull(op, map).map(|map| vec![(0, map)]),
            _ => slices(op, map)?.iter().try_fold(map.clone(), |map, picked| picked.pull(&map)),
        };
        Ok(vec![(0, map.ok_or_else(|| unknown(op))?)])
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        if slot != 0 {
            return Err(op.refuse(Code::NoLinearProducer, format!("{} reads it as its input {slot}", op.label())));
        }
        match op.name() {
            "Split" => split_push(op, map),
            "Gather" => gather_push(op, map).map(|map| vec![(0, map)]),
            _ => {
                let map = slices(op, map)?.iter().try_fold(map.clone(), |map, picked| picked.push(&map));
                Ok(vec![(0, map.ok_or_else(|| unknown(op))?)])
            }
        }
    }
}

fn unknown(op: &Operator) -> Refusal {
    mixes(op, "is not known to take channels apart")
}

impl Picked {
    /// The map before, if the other elements do not matter.
    fn pull(&self, map: &Affine) -> Option<Affine> {
        if map.length(self.axis) == 1 {
            return Some(map.clone());
        }
        if map.length(self.axis) != self.positions.len() {
            return None;
        }
        let pulled = self.embed(map)?;
        // A position that is picked twice must have one factor.
        (self.push(&pulled)? == *map).then_some(pulled)
    }

    /// The map before, if the other elements must stay as they are.
    fn embed(&self, map: &Affine) -> Option<Affine> {
        let mut axes = map.axes().to_vec();
        axes.resize(axes.len().max(self.axis + 1), 1);
        axes[self.axis] = self.positions.len();
        let expanded = map.expanded(&axes);
        let strides: Vec<usize> = row_major(&axes);
        let mut new = vec![None; self.length];
        self.positions.iter().enumerate().for_each(|(place, position)| new[*position] = Some(place));
        axes[self.axis] = self.length;
        let place = |index: &[usize]| {
            let own = new[index[self.axis]]?;
            let at = |axis: usize| if axis == self.axis { own } else { index[axis] };
            Some((0..index.len()).map(|axis| at(axis) * strides[axis]).sum())
        };
        (axes.iter().product::<usize>() <= LARGEST).then(|| expanded.gather(axes, place))
    }

    /// The map after.
    fn push(&self, map: &Affine) -> Option<Affine> {
        if map.length(self.axis) == 1 {
            return Some(map.clone());
        }
        let mut axes = map.axes().to_vec();
        axes[self.axis] = self.positions.len();
        let strides = map.strides(axes.len());
        let at = |axis: usize, at: usize| if axis == self.axis { self.positions[at] } else { at };
        let place = |index: &[usize]| Some((0..index.len()).map(|axis| at(axis, index[axis]) * strides[axis]).sum());
        (map.length(self.axis) == self.length).then(|| map.gather(axes, place))
    }
}

fn row_major(axes: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; axes.len()];
    for axis in (1..axes.len()).rev() {
        strides[axis - 1] = strides[axis] * axes[axis];
    }
    strides
}

/// The length of an axis of the first input.
fn length(op: &Operator, axis: usize) -> Result<usize, Refusal> {
    let length = op.input_axes(0).and_then(|axes| axes.get(axis).copied()).and_then(Length::known);
    length
        .filter(|length| *length <= LARGEST)
        .ok_or_else(|| mixes(op, &format!("reads an axis {axis} of unknown length")))
}

/// The part of the input that output `slot` is.
fn split(op: &Operator, slot: usize) -> Result<Picked, Refusal> {
    let rank = op.input_axes(0).map(|axes| axes.len()).ok_or_else(|| unknown(op))?;
    let axis = normal_axis(op.int("axis", 0), rank).ok_or_else(|| unknown(op))?;
    let length = length(op, axis)?;
    let outputs = op.graph.node(op.node).outputs.len();
    let sizes = op.integers(1, "split").or_else(|| {
        // Equal parts; since opset 18 the last one may be smaller.
        let size = if op.input(1).is_none() { length.div_ceil(outputs) } else { return None };
        Some((0..outputs).map(|part| size.min(length.saturating_sub(part * size)) as i64).collect())
    });
    let sizes: Option<Vec<usize>> =
        sizes.and_then(|sizes| sizes.iter().map(|size| usize::try_from(*size).ok()).collect());
    let sizes = sizes.filter(|sizes| sizes.len() == outputs && sizes.iter().sum::<usize>() == length);
    let sizes = sizes.ok_or_else(|| unknown(op))?;
    let start = sizes[..slot].iter().sum();
    Ok(Picked { axis, length, positions: (start..start + sizes[slot]).collect() })
}

fn split_push(op: &Operator, map: &Affine) -> Result<Moved, Refusal> {
    let outputs = (0..op.graph.node(op.node).outputs.len()).filter(|slot| op.output(*slot).is_some());
    let part = |slot| Ok((slot, split(op, slot)?.push(map).ok_or_else(|| unknown(op))?));
    outputs.map(part).collect()
}

/// What a Slice does along the axes that the map depends on.
fn slices(op: &Operator, map: &Affine) -> Result<Vec<Picked>, Refusal> {
    let old = op.opset() < 10;
    let list = |slot: usize, name: &str| if old { op.integers(usize::MAX, name) } else { op.integers(slot, "") };
    let count = op.input_axes(1).and_then(|axes| axes.first().copied()).and_then(Length::known);
    let starts = list(1, "starts");
    let given = if old { op.graph.proto(op.node).ints("axes").is_some() } else { op.input(3).is_some() };
    let axes = match given {
        true => list(3, "axes"),
        false => {
            starts.as_ref().map(Vec::len).or(count).filter(|count| *count < 64).map(|count| (0..count as i64).collect())
        }
    };
    let rank = op.input_axes(0).map_or(usize::MAX, |axes| axes.len());
    let axes: Option<Vec<usize>> = axes.and_then(|axes| {
        axes.iter().map(|axis| normal_axis(*axis, rank).filter(|_| *axis >= 0 || rank < 64)).collect()
    });
    let axes = axes.ok_or_else(|| unknown(op))?;
    let mut picked = Vec::new();
    for (place, axis) in axes.iter().enumerate().filter(|(_, axis)| map.length(**axis) != 1) {
        let at = |list: Option<Vec<i64>>| list.and_then(|list| list.get(place).copied()).ok_or_else(|| unknown(op));
        let step = if old || op.input(4).is_none() { 1 } else { at(list(4, ""))? };
        let (start, end) = (at(starts.clone())?, at(list(2, "ends"))?);
        let length = length(op, *axis)?;
        picked.push(Picked {
            axis: *axis,
            length,
            positions: places(start, end, step, length).ok_or_else(|| unknown(op))?.collect(),
        });
    }
    Ok(picked)
}

/// Positions as NumPy's `start:end:step` has them.
/// The axis of a Gather, the rank of its indices, and the indices if the map depends on that axis.
fn gathered(op: &Operator, picks: bool) -> Result<(usize, usize, Option<Vec<usize>>), Refusal> {
    let rank = op.input_axes(0).map(|axes| axes.len());
    let axis = op.int("axis", 0);
    let axis = normal_axis(axis, rank.unwrap_or(usize::MAX)).filter(|_| axis >= 0 || rank.is_some());
    let axis = axis.ok_or_else(|| unknown(op))?;
    let ranked = op.input_axes(1).map(|axes| axes.len()).or_else(|| op.constant(1).map(|indices| indices.shape.len()));
    let ranked = ranked.ok_or_else(|| unknown(op))?;
    if !picks {
        return Ok((axis, ranked, None));
    }
    let length = length(op, axis)?;
    let indices = op.constant(1).and_then(|indices| indices.integers()).ok_or_else(|| unknown(op))?;
    let indices: Option<Vec<usize>> = indices.iter().map(|index| normal_axis(*index, length)).collect();
    Ok((axis, ranked, Some(indices.ok_or_else(|| unknown(op))?)))
}

fn gather_pull(op: &Operator, map: &Affine) -> Result<Affine, Refusal> {
    let (axis, ranked, _) = gathered(op, false)?;
    let picks = (axis..axis + ranked).any(|axis| map.length(axis) != 1);
    let rank = (map.axes().len() + 1).max(axis + 1);
    if !picks {
        let source = |input: usize| match input {
            _ if input < axis => Some(input),
            _ if input == axis => None,
            _ => Some(input + ranked - 1),
        };
        return map.with_axes(&(0..rank).map(source).collect::<Vec<_>>()).ok_or_else(|| unknown(op));
    }
    let (axis, _, positions) = gathered(op, true)?;
    let positions = positions.filter(|_| ranked == 1).ok_or_else(|| unknown(op))?;
    Picked { axis, length: length(op, axis)?, positions }.pull(map).ok_or_else(|| unknown(op))
}

fn gather_push(op: &Operator, map: &Affine) -> Result<Affine, Refusal> {
    let (axis, ranked, _) = gathered(op, false)?;
    let picked = if map.length(axis) == 1 {
        map.clone()
    } else {
        let (axis, _, positions) = gathered(op, true)?;
        let positions = positions.ok_or_else(|| unknown(op))?;
        Picked { axis, length: length(op, axis)?, positions }.push(map).ok_or_else(|| unknown(op))?
    };
    let rank = map.axes().len().max(axis + 1) + ranked - 1;
    // A vector of indices keeps the axis; otherwise only a map that does not depend on it passes.
    let source = |output: usize| match output {
        _ if output < axis => Some(output),
        _ if output < axis + ranked => (ranked == 1).then_some(axis),
        _ => Some(output + 1 - ranked),
    };
    let sources: Vec<Option<usize>> = (0..rank).map(source).collect();
    picked.with_axes(&sources).ok_or_else(|| unknown(op))
}
