//! Resize and Upsample along axes that the map does not depend on: each new element is one of the old
//! ones, or an average of some with weights that add up to 1.

use super::{Moved, Passage, mixes, only_first};
use crate::affine::Affine;
use crate::operator::{Operator, normal_axis};
use crate::refusal::Refusal;

pub(super) struct Resize;

impl Passage for Resize {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || passing(op, map), op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || passing(op, map), op)
    }
}

fn passing(op: &Operator, map: &Affine) -> Result<Affine, Refusal> {
    if op.string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize" {
        return Err(mixes(op, "extrapolates"));
    }
    let stays = |axis: usize| keeps(op, axis).unwrap_or(false);
    match map.dependent().find(|axis| !stays(*axis)) {
        None => Ok(map.clone()),
        Some(axis) => Err(mixes(op, &format!("is not known to leave axis {axis} as it is"))),
    }
}

/// Whether an axis keeps its length.
fn keeps(op: &Operator, axis: usize) -> Option<bool> {
    // Since opset 18 only some axes may be given.
    let place = match op.graph.proto(op.node).ints("axes") {
        None => axis,
        Some(axes) => {
            let rank = op.input_axes(0)?.len();
            let axes: Vec<usize> = axes.iter().map(|axis| normal_axis(*axis, rank)).collect::<Option<_>>()?;
            let Some(place) = axes.iter().position(|given| *given == axis) else { return Some(true) };
            place
        }
    };
    let upsample = op.name() == "Upsample";
    if upsample && op.opset() < 9 {
        let scales = op.graph.proto(op.node).attribute("scales")?;
        return Some(*scales.floats.get(place)? == 1.0);
    }
    let slot = if upsample || op.opset() < 11 { 1 } else { 2 };
    if let Some(scales) = op.constant(slot).filter(|scales| !scales.values.is_empty()) {
        return Some(*scales.values.get(place)? == 1.0);
    }
    let stretches = op.string("keep_aspect_ratio_policy", "stretch") == "stretch";
    let size = op.numbers(3)?.get(place)?.length()?;
    Some(stretches && size == *op.input_axes(0)?.get(axis)?)
}
