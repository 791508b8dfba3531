//! Pad: what is put around the elements must be what the map makes of it.

use super::{Moved, Passage, mixes, only_first};
use crate::affine::Affine;
use crate::operator::{Operator, normal_axis};
use crate::refusal::{Code, Refusal};

pub(super) struct Pad;

impl Passage for Pad {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || passing(op, map), op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || passing(op, map), op)
    }
}

fn passing(op: &Operator, map: &Affine) -> Result<Affine, Refusal> {
    let pads = pads(op).ok_or_else(|| mixes(op, "pads axes that are not known"))?;
    if let Some((axis, _)) = pads.iter().find(|(axis, pads)| map.length(*axis) != 1 && *pads != [0, 0]) {
        return Err(mixes(op, &format!("pads axis {axis}, where factors differ")));
    }
    let adds = pads.iter().any(|(_, pads)| pads.iter().any(|pad| *pad > 0));
    if !adds || op.string("mode", "constant") != "constant" {
        return Ok(map.clone());
    }
    let value = value(op)
        .ok_or_else(|| op.refuse(Code::Padding, format!("{} pads with a number that is not known", op.label())))?;
    let stays = map.scale().iter().zip(map.shift()).all(|(scale, shift)| scale.mul_add(value, *shift) == value);
    let detail = || format!("{} pads with {value}, which the map would change", op.label());
    stays.then(|| map.clone()).ok_or_else(|| op.refuse(Code::Padding, detail()))
}

/// What is added to each axis at its begin and end: an attribute until opset 10, an input since, for
/// some axes only since 18.
fn pads(op: &Operator) -> Option<Vec<(usize, [i64; 2])>> {
    let name = if op.opset() < 2 { "paddings" } else { "pads" };
    let pads = op.integers(if op.opset() < 11 { usize::MAX } else { 1 }, name)?;
    let count = pads.len() / 2;
    let axes: Vec<usize> = match op.input(3).filter(|_| op.opset() >= 18) {
        None => (0..count).collect(),
        Some(_) => {
            let rank = op.input_axes(0)?.len();
            op.integers(3, "")?.iter().map(|axis| normal_axis(*axis, rank)).collect::<Option<_>>()?
        }
    };
    let pairs = (0..count).map(|place| [pads[place], pads[place + count]]);
    (axes.len() == count && pads.len() == 2 * count).then(|| axes.into_iter().zip(pairs).collect())
}

fn value(op: &Operator) -> Option<f64> {
    match op.opset() {
        ..11 => Some(op.graph.proto(op.node).float("value", 0.0).into()),
        _ if op.input(2).is_none() => Some(0.0),
        _ => op.constant(2)?.values.first().copied(),
    }
}
