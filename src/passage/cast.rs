//! Identity, Dropout in inference mode, and Cast between floating-point types: no element changes
//! but for its rounding.

use super::{Moved, Passage, only_first};
use crate::affine::Affine;
use crate::onnx::element::DataType;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

pub(super) struct Identity;

impl Passage for Identity {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || Ok(map.clone()), op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        only_first(slot, || Ok(map.clone()), op)
    }
}

pub(super) struct Cast;

impl Passage for Cast {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_floats(op)?;
        only_first(slot, || Ok(map.clone()), op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_floats(op)?;
        only_first(slot, || Ok(map.clone()), op)
    }
}

/// A Cast to or from integers truncates.
fn check_floats(op: &Operator) -> Result<(), Refusal> {
    let to = match op.name() {
        "Cast" => i32::try_from(op.int("to", 0)).ok().and_then(DataType::from_code),
        _ => op.input_type(1),
    };
    let is_float = |element: Option<DataType>| element.and_then(DataType::float).is_some();
    if is_float(to) && is_float(op.input_type(0)) {
        return Ok(());
    }
    let detail = format!("{} is not known to be from one floating-point type to another", op.label());
    Err(op.refuse(Code::NoLinearProducer, detail))
}

/// Dropout that is not told to train: version 12 on by an input, versions 1 and 6 by the absence
/// of `is_test`; versions 7 and 10 are for inference. Whether the mask is read does not matter:
/// in inference it is all true.
/// <https://onnx.ai/onnx/operators/onnx__Dropout.html>
pub(super) fn is_inference_dropout(op: &Operator) -> bool {
    match op.opset() {
        ..7 => op.int("is_test", 0) != 0,
        7..12 => true,
        _ => op.input(2).is_none() || op.constant(2).is_some_and(|mode| mode.values.iter().all(|mode| *mode == 0.0)),
    }
}
