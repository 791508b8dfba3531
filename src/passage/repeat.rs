//! Expand and Tile: elements are repeated along an axis.

use super::{Moved, Passage, mixes, only_first};
use crate::affine::{Affine, LARGEST};
use crate::operator::Operator;
use crate::refusal::Refusal;

pub(super) struct Repeat;

impl Passage for Repeat {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        let pulled = || if op.name() == "Tile" { untiled(op, map) } else { unexpanded(op, map) };
        only_first(slot, pulled, op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        let pushed = || if op.name() == "Tile" { tiled(op, map) } else { expanded(op, map) };
        only_first(slot, pushed, op)
    }
}

fn unknown(op: &Operator) -> Refusal {
    mixes(op, "may repeat the channels")
}

/// How many axes Expand puts before those of its input.
fn new_axes(op: &Operator) -> Result<usize, Refusal> {
    let (input, output) = (op.input_axes(0), op.output_axes(0));
    let new = input.zip(output).and_then(|(input, output)| output.len().checked_sub(input.len()));
    new.ok_or_else(|| unknown(op))
}

fn unexpanded(op: &Operator, map: &Affine) -> Result<Affine, Refusal> {
    if map.dependent().next().is_none() {
        return Ok(Affine::scalar(map.scale()[0], map.shift()[0]));
    }
    let new = new_axes(op)?;
    let axes = op.input_axes(0).unwrap_or_default();
    let is_there = |axis: usize| axis >= new && axes[axis - new].known() == Some(map.length(axis));
    if !map.dependent().all(is_there) {
        return Err(unknown(op));
    }
    map.with_axes(&(new..new + axes.len()).map(Some).collect::<Vec<_>>()).ok_or_else(|| unknown(op))
}

fn expanded(op: &Operator, map: &Affine) -> Result<Affine, Refusal> {
    let new = new_axes(op)?;
    let sources: Vec<Option<usize>> = (0..new + map.axes().len()).map(|axis| axis.checked_sub(new)).collect();
    map.with_axes(&sources).ok_or_else(|| unknown(op))
}

/// How often Tile repeats each axis, if it says.
fn repeats(op: &Operator) -> Result<Vec<usize>, Refusal> {
    let repeats = op.constant(1).and_then(|repeats| repeats.integers()).filter(|_| op.opset() >= 6);
    let repeats: Option<Vec<usize>> = repeats.and_then(|repeats| {
        repeats.iter().map(|count| usize::try_from(*count).ok().filter(|count| *count > 0)).collect()
    });
    repeats.ok_or_else(|| unknown(op))
}

fn untiled(op: &Operator, map: &Affine) -> Result<Affine, Refusal> {
    let repeats = repeats(op)?;
    let period = |axis: usize| match (map.length(axis), repeats.get(axis).copied().unwrap_or(1)) {
        (1, _) => Some(1),
        (length, count) => length.is_multiple_of(count).then_some(length / count),
    };
    let axes: Option<Vec<usize>> = (0..map.axes().len()).map(period).collect();
    let strides = map.strides(map.axes().len());
    let place = |index: &[usize]| Some(index.iter().zip(&strides).map(|(at, stride)| at * stride).sum());
    let first = map.gather(axes.ok_or_else(|| unknown(op))?, place);
    let again = tiled(op, &first)?;
    (again.expanded(map.axes()) == *map).then_some(first).ok_or_else(|| unknown(op))
}

fn tiled(op: &Operator, map: &Affine) -> Result<Affine, Refusal> {
    let repeats = repeats(op)?;
    let length = |axis: usize| match map.length(axis) {
        1 => Some(1),
        length => length.checked_mul(repeats.get(axis).copied().unwrap_or(1)),
    };
    let axes: Option<Vec<usize>> = (0..map.axes().len()).map(length).collect();
    let fits = |axes: &Vec<usize>| {
        axes.iter().try_fold(1usize, |count, length| count.checked_mul(*length)).is_some_and(|count| count <= LARGEST)
    };
    let axes = axes.filter(fits).ok_or_else(|| unknown(op))?;
    let strides = map.strides(axes.len());
    let place =
        |index: &[usize]| Some((0..index.len()).map(|axis| index[axis] % map.length(axis) * strides[axis]).sum());
    Ok(map.gather(axes, place))
}
