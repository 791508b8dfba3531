//! Gemm: `alpha · A'·B' + beta · C`, weight B `[K, N]`, or `[N, K]` with transB; C broadcast
//! to `[M, N]`. A constant A is a weight as well, whose rows are axis 0 of the output.
//!
//! alpha multiplies the product only, so it stays; beta becomes 1 when C is rewritten. With
//! beta = 0 there is no C. The output is always of rank 2: its columns are axis 1.
//! <https://onnx.ai/onnx/operators/onnx__Gemm.html>, versions 1, 6, 7, 9, 11 and 13.

use super::bias::Layout;
use super::weight::Role;
use super::{Input, Linear, Operand, Takes, read_bias};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

pub(super) fn read(op: &Operator) -> Result<Linear, Refusal> {
    let left = op.is_constant(0) && !op.is_constant(1);
    let (slot, data) = if left { (0, 1) } else { (1, 0) };
    let weight = Operand::weight(op, slot, 2)?;
    let [rows, columns] = weight.shape[..] else {
        let detail = format!("the weight of {} has the shape {:?}", op.label(), weight.shape);
        return Err(op.refuse(Code::ShapeMismatch, detail));
    };
    let transposed = |slot| op.int(if slot == 0 { "transA" } else { "transB" }, 0) != 0;
    // A is [M, K] and B is [K, N], unless they are transposed.
    let summed = |slot: usize| usize::from((slot == 0) != transposed(slot));
    let part = summed(slot);
    let output = Role::new(if left { 0 } else { 1 }, [1 - part]);
    let channels = [rows, columns][1 - part];
    let fits = |shape: &[usize]| match shape {
        [] | [1] | [_, 1] => Ok(()),
        [_] | [_, _] if left => Ok(()),
        [columns] | [_, columns] if *columns == channels => Ok(()),
        [_] | [_, _] => Err(Code::Malformed),
        _ => Err(Code::ShapeMismatch),
    };
    let number = |name| f64::from(op.graph.proto(op.node).float(name, 1.0));
    Ok(Linear {
        operator: "Gemm",
        node: op.node,
        bias: read_bias(op, 2, number("beta"), weight.element, Layout::Broadcast, fits)?,
        weight: weight.with_axes(vec![rows, columns], vec![output], vec![Role::new(summed(data), [part])]),
        rank: 2,
        input: Input { slot: data, gain: number("alpha"), takes: Takes::All },
    })
}
