//! Add, Sub, Sum, Mean and Where of values that are all computed: each summand takes the factor,
//! one of them the shift.

use super::{Moved, Passage, mixes};
use crate::affine::Affine;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

pub(super) struct Sum;

impl Passage for Sum {
    fn pull(&self, op: &Operator, _: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_broadcast(op)?;
        let slots: Vec<usize> = if op.name() == "Where" { vec![1, 2] } else { (0..op.inputs()).collect() };
        let all_shift = matches!(op.name(), "Mean" | "Where");
        let shifted = slots.iter().copied().find(|slot| takes_shift(op, *slot)).unwrap_or(0);
        let of_slot = |slot: usize| {
            let map = match () {
                () if all_shift => map.clone(),
                () if slot != shifted => map.without_shift(),
                () if op.name() == "Sub" && slot == 1 => negated_shift(map),
                () => map.clone(),
            };
            Ok((slot, for_operand(op, slot, &map)?))
        };
        slots.into_iter().map(of_slot).collect()
    }

    /// A shift of one summand is a shift of the sum; a factor is not.
    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_broadcast(op)?;
        if !(map.has_unit_scale() && matches!(op.name(), "Add" | "Sum")
            || op.name() == "Sub" && map.has_unit_scale() && slot == 0)
        {
            return Err(op.refuse(Code::NoLinearProducer, format!("{} reads it beside other values", op.label())));
        }
        let unknown = || mixes(op, "has operands of unknown rank");
        let (input, output) = op.input_axes(slot).zip(op.output_axes(0)).ok_or_else(unknown)?;
        let new = output.len().checked_sub(input.len()).ok_or_else(unknown)?;
        let sources: Vec<Option<usize>> = (0..output.len()).map(|axis: usize| axis.checked_sub(new)).collect();
        Ok(vec![(0, map.with_axes(&sources).ok_or_else(unknown)?)])
    }
}

fn negated_shift(map: &Affine) -> Affine {
    Affine::new(map.axes().to_vec(), map.scale().to_vec(), map.shift().iter().map(|shift| -shift).collect())
}

/// Before opset 7, broadcasting was an attribute.
fn check_broadcast(op: &Operator) -> Result<(), Refusal> {
    if op.opset() < 7 && op.int("broadcast", 0) != 0 {
        return Err(mixes(op, "broadcasts in the manner of opset 6"));
    }
    Ok(())
}

/// The map on an operand, which must have all the axes that the map depends on.
pub(super) fn for_operand(op: &Operator, slot: usize, map: &Affine) -> Result<Affine, Refusal> {
    if map.dependent().next().is_none() {
        return Ok(Affine::scalar(map.scale()[0], map.shift()[0]));
    }
    let unknown = || mixes(op, "may broadcast an operand along the channels");
    let (input, output) = op.input_axes(slot).zip(op.output_axes(0)).ok_or_else(unknown)?;
    let missing = output.len().checked_sub(input.len()).ok_or_else(unknown)?;
    let is_there =
        |axis: usize| axis >= missing && axis < output.len() && input[axis - missing].known() == Some(map.length(axis));
    if !map.dependent().all(is_there) {
        return Err(unknown());
    }
    map.with_axes(&(missing..output.len()).map(Some).collect::<Vec<_>>()).ok_or_else(unknown)
}

/// How far to look for an operator with a bias.
const FAR: usize = 16;

/// Whether an operand is made by an operator that has a place for a shift. If not, a node would have
/// to be added.
fn takes_shift(op: &Operator, slot: usize) -> bool {
    let mut value = op.input(slot);
    for _ in 0..FAR {
        let Some(node) = value.and_then(|value| op.graph.producer(value)) else { return false };
        let maker = Operator { node, ..*op };
        if matches!(maker.name(), "Conv" | "ConvTranspose" | "Gemm" | "BatchNormalization" | "InstanceNormalization") {
            return true;
        }
        value = maker.input(0);
    }
    false
}
