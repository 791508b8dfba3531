//! Concat and Split.

use super::call::{Call, Outputs, axis};
use super::value::{Result, Value};
use ndarray::{Axis, Slice, concatenate};

/// Concat-1 (axis 1 by default), 4 and later.
pub fn concat(call: &Call) -> Outputs {
    let parts: Vec<_> = call.all()?.into_iter().map(|part| part.data.view()).collect();
    let rank = parts.first().ok_or("no operands")?.ndim();
    let axis = Axis(axis(call.int("axis", 1), rank)?);
    call.one(concatenate(axis, &parts).map_err(|error| error.to_string())?)
}

/// Split: the lengths of the parts are an attribute before opset 13 and an input from then
/// on; else the parts are equal (from opset 18 on, `num_outputs` of them, the last may be
/// smaller).
pub fn split(call: &Call) -> Outputs {
    let x = call.input(0)?;
    let axis = axis(call.int("axis", 0), x.data.ndim())?;
    let total = x.data.shape()[axis];
    let lengths = lengths(call, total)?;
    if lengths.iter().sum::<usize>() != total {
        return Err(format!("parts of {lengths:?} from an axis of length {total}"));
    }
    let mut start = 0;
    let part = |length: &usize| {
        let data = x.data.slice_axis(Axis(axis), Slice::from(start..start + length)).to_owned();
        start += length;
        Value::new(data, x.kind)
    };
    Ok(lengths.iter().map(part).collect())
}

fn lengths(call: &Call, total: usize) -> Result<Vec<usize>> {
    // Split-1 has both; Split-2 and 11 the attribute; 13 and later the input.
    let given = call.ints("split").or_else(|| call.input_ints(1));
    if let Some(given) = given {
        return Ok(given.iter().map(|length| *length as usize).collect());
    }
    let parts = call.int("num_outputs", call.node.output.len() as i64) as usize;
    if call.opset < 18 && !total.is_multiple_of(parts) {
        return Err(format!("an axis of length {total} in {parts} equal parts"));
    }
    let length = total.div_ceil(parts);
    Ok((0..parts).map(|part| length.min(total.saturating_sub(part * length))).collect())
}
