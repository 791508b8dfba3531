//! Gather-1, 11, 13.

use super::call::{Call, Outputs, axis};
use super::value::{Result, bounded};
use ndarray::{ArrayD, Dimension, IxDyn};

/// The axis is replaced by those of the indices; negative indices count from the end.
pub fn gather(call: &Call) -> Outputs {
    let (x, indices) = (call.data(0)?, call.data(1)?);
    let axis = axis(call.int("axis", 0), x.ndim())?;
    let length = x.shape()[axis];
    let position = |index: &f64| -> Result<f64> {
        let at = if *index < 0.0 { index + length as f64 } else { *index };
        if (0.0..length as f64).contains(&at) { Ok(at) } else { Err(format!("index {index} of {length}")) }
    };
    let positions: Vec<f64> = indices.iter().map(position).collect::<Result<_>>()?;
    let positions = ArrayD::from_shape_vec(indices.raw_dim(), positions).expect("one for each index");
    let shape = [&x.shape()[..axis], indices.shape(), &x.shape()[axis + 1..]].concat();
    let rank = indices.ndim();
    call.one(ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| {
        let at = at.slice();
        let chosen = positions[&at[axis..axis + rank]] as usize;
        x[&[&at[..axis], &[chosen], &at[axis + rank..]].concat()[..]]
    }))
}
