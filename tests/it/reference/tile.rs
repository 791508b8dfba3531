//! Tile-1, 6, 13.

use super::call::{Call, Outputs, axis};
use super::value::bounded;
use ndarray::{ArrayD, Dimension, IxDyn};

/// Repeats each axis: `repeats` from opset 6 on, before that `tiles` of one `axis`.
pub fn tile(call: &Call) -> Outputs {
    let x = call.data(0)?;
    let ints = |index: usize| call.input_ints(index).ok_or("a missing input");
    let repeats = match call.opset {
        ..6 => {
            let mut repeats = vec![1; x.ndim()];
            let (tiles, on) = (ints(1)?[0], ints(2)?[0]);
            repeats[axis(on, x.ndim())?] = tiles;
            repeats
        }
        _ => ints(1)?,
    };
    if repeats.len() != x.ndim() {
        return Err(format!("repeats {repeats:?} of {:?}", x.shape()));
    }
    let shape: Vec<usize> = x.shape().iter().zip(&repeats).map(|(length, times)| length * *times as usize).collect();
    let source = |at: IxDyn| at.slice().iter().zip(x.shape()).map(|(at, length)| at % length).collect::<Vec<_>>();
    call.one(ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| x[&source(at)[..]]))
}
