//! Matrix products in f64 as an operator of our own in tract, whose own one is a scalar loop.
//!
//! What is replaced are sums over the common axes of two operands (EinSum), which is what MatMul, Gemm and
//! Einsum become. In f32 tract is fast, and keeps them.

use super::product::{Product, Run, View, Weights};
use super::replace::{TakesIn, patch};
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::op_as_typed_op;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_hir::internal::*;

/// A product of two tensors over the axes that only they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MatMul {
    /// The axes of the operands: batch, own, summed. An axis of length 1 that stretches is left out.
    operands: [Axes; 2],
    /// The axes of the result: batch, those of the left operand, those of the right one.
    result: TVec<usize>,
    /// Which operand is the left-hand side of the products that are computed.
    weights: usize,
    packed: Option<Matrices>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Axes {
    batch: TVec<usize>,
    own: TVec<usize>,
    summed: TVec<usize>,
}

/// A constant operand, a matrix per element of the batch.
#[derive(Clone, PartialEq)]
struct Matrices {
    matrices: Arc<Vec<Weights<f64>>>,
    /// The lengths of its own axes.
    own: TVec<usize>,
}

impl Eq for Matrices {}

impl std::fmt::Debug for Matrices {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{} packed", self.matrices.len())
    }
}

impl Axes {
    /// A tensor as `[batch, own, summed]` or, if `summed_first`, `[batch, summed, own]`.
    fn arrange(&self, tensor: Tensor, summed_first: bool) -> TractResult<(Tensor, [usize; 3])> {
        let (second, third) = if summed_first { (&self.summed, &self.own) } else { (&self.own, &self.summed) };
        let used: TVec<usize> = self.batch.iter().chain(second).chain(third).copied().collect();
        // Axes that are left out have length 1, wherever they are.
        let order: TVec<usize> = (0..tensor.rank()).filter(|axis| !used.contains(axis)).chain(used.clone()).collect();
        let count = |axes: &[usize]| axes.iter().map(|axis| tensor.shape()[*axis]).product::<usize>();
        let lengths = [count(&self.batch), count(second), count(third)];
        Ok((tensor.permute_axes(&order)?, lengths))
    }

    /// A matrix per element of the batch, own by summed.
    fn pack(&self, tensor: &Tensor) -> TractResult<Matrices> {
        let own = self.own.iter().map(|axis| tensor.shape()[*axis]).collect();
        let axes = [&self.batch, &self.own, &self.summed];
        let [Some(batch), Some(row), Some(column)] = axes.map(|axes| stride(tensor, axes)) else {
            let (arranged, [batch, rows, depth]) = self.arrange(tensor.clone(), false)?;
            let matrices = matrices(&arranged, [batch, rows, depth], [rows * depth, depth, 1])?;
            return Ok(Matrices { matrices, own });
        };
        let lengths = axes.map(|axes| axes.iter().map(|axis| tensor.shape()[*axis]).product());
        Ok(Matrices { matrices: matrices(tensor, lengths, [batch, row, column])?, own })
    }
}

/// From one element to the next along these axes as one; `None` if they are not one behind another.
fn stride(tensor: &Tensor, axes: &[usize]) -> Option<usize> {
    let stride = |axis: usize| tensor.shape()[axis + 1..].iter().product::<usize>();
    let joined = axes.windows(2).all(|pair| stride(pair[0]) == tensor.shape()[pair[1]] * stride(pair[1]));
    joined.then(|| axes.last().map_or(1, |last| stride(*last)).max(1))
}

fn matrices(
    tensor: &Tensor,
    [batch, rows, depth]: [usize; 3],
    [matrix, row, column]: [usize; 3],
) -> TractResult<Arc<Vec<Weights<f64>>>> {
    let plain = tensor.try_as_plain_ram()?;
    let values = plain.as_slice::<f64>()?;
    let from = |index: usize| values.get(index * matrix..).unwrap_or(&[]);
    let pack = |index| Weights::pack(from(index), [rows, depth], [row, column]);
    Ok(Arc::new((0..batch).map(pack).collect()))
}

impl MatMul {
    /// Ours in place of a node, if it is such a product.
    pub(super) fn in_place_of(model: &TypedModel, node: usize) -> Option<MatMul> {
        let node = model.node(node);
        let einsum = node.op_as::<EinSum>()?;
        let facts = node.inputs.iter().map(|input| model.outlet_fact(*input));
        let facts = facts.collect::<TractResult<TVec<_>>>().ok()?;
        let shapes: Option<TVec<&[usize]>> = facts.iter().map(|fact| fact.shape.as_concrete()).collect();
        let f64s = facts.iter().all(|fact| fact.datum_type == DatumType::F64 && !fact.is_exotic());
        if !f64s || einsum.operating_dt != DatumType::F64 || einsum.q_params.is_some() {
            return None;
        }
        MatMul::new(&einsum.axes, shapes?.as_slice().try_into().ok()?)
    }

    fn new(axes: &AxesMapping, shapes: [&[usize]; 2]) -> Option<MatMul> {
        let [mut left, mut right] = [Axes::default(), Axes::default()];
        let mut result: [TVec<usize>; 3] = Default::default();
        for axis in axes.iter_all_axes() {
            let (places, [of_result]) = (&axis.inputs, axis.outputs.as_slice()) else { return None };
            let alone = |places: &TVec<usize>| (places.len() <= 1).then(|| places.first().copied());
            let [mut a, mut b, y] = [alone(&places[0])?, alone(&places[1])?, alone(of_result)?];
            let length = |place: Option<usize>, operand: usize| place.map_or(1, |place| shapes[operand][place]);
            let lengths = [length(a, 0), length(b, 1)];
            if y.is_some() && lengths[0] != lengths[1] {
                a = a.filter(|_| lengths[0] != 1);
                b = b.filter(|_| lengths[1] != 1);
            }
            match (a, b, y) {
                (Some(a), Some(b), Some(y)) if lengths[0] == lengths[1] => {
                    left.batch.push(a);
                    right.batch.push(b);
                    result[0].push(y);
                }
                (Some(a), None, Some(y)) => {
                    left.own.push(a);
                    result[1].push(y);
                }
                (None, Some(b), Some(y)) => {
                    right.own.push(b);
                    result[2].push(y);
                }
                (Some(a), Some(b), None) if lengths[0] == lengths[1] => {
                    left.summed.push(a);
                    right.summed.push(b);
                }
                (_, _, None) if lengths == [1, 1] => {}
                _ => return None,
            }
        }
        let result = result.into_iter().flatten().collect();
        Some(MatMul { operands: [left, right], result, weights: 0, packed: None })
    }

    /// The product of an operand and the other one.
    fn multiply(&self, weights: &Matrices, x: Tensor) -> TractResult<Tensor> {
        let other = &self.operands[1 - self.weights];
        let lengths = |axes: &[usize]| axes.iter().map(|axis| x.shape()[*axis]).collect::<TVec<usize>>();
        let (batch_shape, own) = (lengths(&other.batch), lengths(&other.own));
        let (x, [batch, depth, columns]) = other.arrange(x, true)?;
        let rows: usize = weights.own.iter().product();
        ensure!(weights.matrices.len() == batch, "{batch} products of {} matrices", weights.matrices.len());
        ensure!(weights.matrices.iter().all(|matrix| matrix.depth() == depth), "sums of {depth} numbers");
        let shape: TVec<usize> = batch_shape.iter().chain(&weights.own).chain(&own).copied().collect();
        let mut y = Tensor::zero::<f64>(&shape)?;
        let at: Vec<usize> = (0..depth).map(|row| row * columns).collect();
        let runs = [Run { from: 0, length: columns, to: 0 }];
        if rows * columns > 0 {
            let (x, mut y) = (x.try_as_plain_ram()?, y.try_as_plain_ram_mut()?);
            let results = y.as_slice_mut::<f64>()?.chunks_exact_mut(rows * columns);
            for (index, (weights, result)) in weights.matrices.iter().zip(results).enumerate() {
                let values = &x.as_slice::<f64>()?[index * depth * columns..][..depth * columns];
                let view = View { values, rows: &at, columns, far_apart: true };
                Product { weights, bias: &[], view, runs: &runs, result, pitch: columns }.compute();
            }
        }
        y.permute_axes(&self.order(batch_shape.len(), weights.own.len()))
    }

    /// For each axis of the result where it is after batch, weights and x.
    fn order(&self, batch: usize, own: usize) -> TVec<usize> {
        let mut axes = self.result.clone();
        if self.weights == 1 {
            let left = self.operands[0].own.len();
            axes[batch..].rotate_left(left);
            debug_assert_eq!(axes.len(), batch + own + left);
        }
        let mut order: TVec<usize> = tvec!(0; axes.len());
        axes.iter().enumerate().for_each(|(place, axis)| order[*axis] = place);
        order
    }
}

impl Op for MatMul {
    fn name(&self) -> StaticName {
        "MatMul64".into()
    }

    op_as_typed_op!();
}

impl TypedOp for MatMul {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let mut shape: TVec<TDim> = tvec!(TDim::Val(0); self.result.len());
        let own_of = |operand: usize| -> TractResult<TVec<TDim>> {
            match &self.packed {
                Some(packed) if operand == self.weights => {
                    Ok(packed.own.iter().map(|length| length.to_dim()).collect())
                }
                _ => {
                    let input = inputs.get(if self.packed.is_some() { 0 } else { operand }).context("two operands")?;
                    Ok(self.operands[operand].own.iter().map(|axis| input.shape[*axis].clone()).collect())
                }
            }
        };
        let known = if self.packed.is_some() { 1 - self.weights } else { 0 };
        let first = inputs.first().context("an operand")?;
        let batch = self.operands[known].batch.iter().map(|axis| first.shape[*axis].clone());
        let lengths = batch.chain(own_of(0)?).chain(own_of(1)?).collect::<TVec<_>>();
        for (axis, length) in self.result.iter().zip(lengths) {
            shape[*axis] = length;
        }
        Ok(tvec!(DatumType::F64.fact(shape)))
    }

    fn codegen(&self, model: &TypedModel, node: &TypedNode) -> TractResult<Option<TypedModelPatch>> {
        patch(self, model, node)
    }
}

impl TakesIn for MatMul {
    /// One operand, the right one if both are known.
    fn takes(&self, known: &[bool]) -> TVec<usize> {
        let operand = if self.packed.is_some() { None } else { known.iter().rposition(|known| *known) };
        operand.into_iter().collect()
    }

    fn take_in(&self, constants: &[(usize, Arc<Tensor>)]) -> TractResult<Box<dyn TypedOp>> {
        let [(weights, known)] = constants else { bail!("{} constants of a product", constants.len()) };
        let packed = Some(self.operands[*weights].pack(known)?);
        Ok(Box::new(MatMul { weights: *weights, packed, ..self.clone() }))
    }
}

impl EvalOp for MatMul {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut inputs = inputs.into_iter().map(TValue::into_tensor);
        let y = match (&self.packed, inputs.next(), inputs.next()) {
            (Some(packed), Some(x), None) => self.multiply(packed, x)?,
            (None, Some(left), Some(right)) => self.multiply(&self.operands[0].pack(&left)?, right)?,
            _ => bail!("the wrong number of operands"),
        };
        Ok(tvec!(y.into_tvalue()))
    }
}

#[cfg(test)]
mod tests;
