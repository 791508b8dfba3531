//! Matrix products: MatMul-1…13 and Gemm-1…13.

use super::binary::{broadcast, broadcast_shape};
use super::call::{Call, Outputs};
use super::value::{Result, Tensor, bounded};
use ndarray::{ArrayD, Axis, Dimension, IxDyn};

/// MatMul, as `numpy.matmul`: the last two axes are matrices, those before broadcast, a
/// vector on the left is a row and one on the right a column that vanish from the result.
pub fn matmul(call: &Call) -> Outputs {
    let (a, b) = (call.data(0)?, call.data(1)?);
    if a.ndim() == 0 || b.ndim() == 0 {
        return Err("a scalar operand".into());
    }
    let left = if a.ndim() == 1 { a.clone().insert_axis(Axis(0)) } else { a.clone() };
    let right = if b.ndim() == 1 { b.clone().insert_axis(Axis(1)) } else { b.clone() };
    let mut product = batched(&left, &right)?;
    let rank = product.ndim();
    if b.ndim() == 1 {
        product = product.index_axis_move(Axis(rank - 1), 0);
    }
    if a.ndim() == 1 {
        product = product.index_axis_move(Axis(rank - 2), 0);
    }
    call.one(product)
}

/// `[…, M, K] × […, K, N] → […, M, N]`.
fn batched(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (rank_a, rank_b) = (a.ndim(), b.ndim());
    let (m, k, n) = (a.shape()[rank_a - 2], a.shape()[rank_a - 1], b.shape()[rank_b - 1]);
    if b.shape()[rank_b - 2] != k {
        return Err(format!("{:?} × {:?}", a.shape(), b.shape()));
    }
    let batch = broadcast_shape(&a.shape()[..rank_a - 2], &b.shape()[..rank_b - 2])?;
    let a = broadcast(a, &[&batch[..], &[m, k]].concat())?;
    let b = broadcast(b, &[&batch[..], &[k, n]].concat())?;
    let rank = batch.len();
    Ok(ArrayD::from_shape_fn(IxDyn(bounded(&[&batch[..], &[m, n]].concat())), |at| {
        let (outer, row, column) = (&at.slice()[..rank], at[rank], at[rank + 1]);
        let term = |i: usize| a[&[outer, &[row, i]].concat()[..]] * b[&[outer, &[i, column]].concat()[..]];
        (0..k).map(term).sum()
    }))
}

/// Gemm: `Y = alpha · A' · B' + beta · C`, with A and B transposed on demand and C broadcast
/// to `[M, N]`. Before opset 7, C broadcasts only with `broadcast=1`; before opset 11 it must
/// be there.
pub fn gemm(call: &Call) -> Outputs {
    let operand = |index: usize, flag: &str| -> Result<Tensor> {
        let matrix = call.data(index)?;
        match (matrix.ndim(), call.flag(flag)) {
            (2, true) => Ok(matrix.t().to_owned()),
            (2, false) => Ok(matrix.clone()),
            (rank, _) => Err(format!("an operand of rank {rank}")),
        }
    };
    let product = batched(&operand(0, "transA")?, &operand(1, "transB")?)? * call.factor("alpha");
    let Some(c) = call.optional(2) else { return call.one(product) };
    if call.opset < 7 && !call.flag("broadcast") && c.data.shape() != product.shape() {
        return Err(format!("C {:?} must be {:?} without broadcast=1", c.data.shape(), product.shape()));
    }
    let c = broadcast(&c.data, product.shape())? * call.factor("beta");
    call.one(product + c)
}
