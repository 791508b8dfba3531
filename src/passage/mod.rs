//! Operators that let a map pass: `P(m(x)) = m'(P(x))`.
//!
//! [`pull`] moves a map from the output of such an operator to its inputs, [`push`] from an input
//! to its output. An operator that only moves elements about (Reshape, Transpose, Slice) lets every
//! map pass and changes the axes that it depends on; one that averages, compares or pads lets some
//! pass; one that joins values (Concat, Add) asks all of them to take the map.

mod average;
mod cast;
mod compare;
mod concat;
mod depth;
mod move_axes;
mod pad;
mod regroup;
mod repeat;
mod resize;
mod select;
mod sum;

use crate::affine::Affine;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

/// Maps, and the inputs or outputs where they have to be applied.
pub type Moved = Vec<(usize, Affine)>;

/// How one operator lets maps pass.
trait Passage {
    /// The maps on the inputs that do the same as `map` on output `slot`.
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal>;

    /// The maps on the outputs that do the same as `map` on input `slot`.
    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal>;
}

/// The maps on the inputs of a node that do the same as `map` on its output `slot`; `None` when the
/// operator lets no map pass.
pub fn pull(op: &Operator, slot: usize, map: &Affine) -> Option<Result<Moved, Refusal>> {
    Some(passage(op)?.pull(op, slot, map))
}

/// The maps on the outputs of a node that do the same as `map` on its input `slot`; `None` when the
/// operator lets no map pass.
pub fn push(op: &Operator, slot: usize, map: &Affine) -> Option<Result<Moved, Refusal>> {
    Some(passage(op)?.push(op, slot, map))
}

/// Whether an operator only hands on what it reads: every map passes as it is.
pub fn hands_on(op: &Operator) -> bool {
    op.name() == "Identity" || op.name() == "Dropout" && cast::is_inference_dropout(op)
}

fn passage(op: &Operator) -> Option<&'static dyn Passage> {
    if op.has_references() {
        return None;
    }
    Some(match op.name() {
        "Identity" => &cast::Identity,
        "Dropout" if cast::is_inference_dropout(op) => &cast::Identity,
        "Cast" | "CastLike" => &cast::Cast,
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => &regroup::Regroup,
        "Transpose" => &move_axes::Transpose,
        "DepthToSpace" | "SpaceToDepth" => &depth::Depth,
        "Slice" | "Gather" | "Split" => &select::Select,
        "Expand" | "Tile" => &repeat::Repeat,
        "Concat" => &concat::Concat,
        "Add" | "Sub" | "Sum" | "Mean" | "Where" => &sum::Sum,
        "Relu" | "LeakyRelu" => &compare::Rectifier,
        "Max" | "Min" => &compare::Elementwise,
        "MaxPool" | "GlobalMaxPool" | "ReduceMax" | "ReduceMin" => &compare::Reduce,
        "AveragePool" | "GlobalAveragePool" | "ReduceMean" | "ReduceSum" => &average::Average,
        "Pad" => &pad::Pad,
        "Resize" | "Upsample" => &resize::Resize,
        _ => return None,
    })
}

/// A refusal because the map depends on an axis that the operator mixes, or of which it is not
/// proven that it does not.
fn mixes(op: &Operator, what: &str) -> Refusal {
    op.refuse(Code::ChannelAxis, format!("{} {what}", op.label()))
}

/// The map, if it depends on none of the axes from `first` on.
fn along_first_axes(op: &Operator, map: &Affine, first: usize) -> Result<Affine, Refusal> {
    let mut map = map.clone();
    for axis in first..map.axes().len() {
        map = map.without(axis).ok_or_else(|| mixes(op, &format!("mixes along axis {axis}, where factors differ")))?;
    }
    Ok(map)
}

/// Of axes that an operator combines, the map that depends on none; `None` stands for all of them.
fn independent_of(op: &Operator, map: &Affine, axes: Option<&[usize]>) -> Result<Affine, Refusal> {
    let all: Vec<usize> = (0..map.axes().len()).collect();
    let mut map = map.clone();
    for axis in axes.unwrap_or(&all) {
        map = map.without(*axis).ok_or_else(|| mixes(op, &format!("combines axis {axis}, where factors differ")))?;
    }
    Ok(map)
}

/// The one input that an operator passes on.
fn only_first(slot: usize, moved: impl FnOnce() -> Result<Affine, Refusal>, op: &Operator) -> Result<Moved, Refusal> {
    match slot {
        0 => Ok(vec![(0, moved()?)]),
        _ => Err(op.refuse(Code::NoLinearProducer, format!("{} does not pass on its value {slot}", op.label()))),
    }
}
