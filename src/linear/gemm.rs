//! Gemm: `alpha · A'·B' + beta · C`, weight B `[K, N]`, or `[N, K]` with transB; C broadcast
//! to `[M, N]`.
//!
//! alpha multiplies the product only, so it stays; beta becomes 1 when C is rewritten. With
//! beta = 0 there is no C. The output is always of rank 2: its columns are axis 1.
//! <https://onnx.ai/onnx/operators/onnx__Gemm.html>, versions 1, 6, 7, 9, 11 and 13.

use super::{Context, Linear};
use crate::refusal::{Code, Refusal};

pub(super) fn read(context: &Context) -> Result<Linear, Refusal> {
    let weight = context.weight(1, 2)?;
    let [rows, columns] = weight.shape[..] else {
        let detail = format!("the weight of {} has the shape {:?}", context.label(), weight.shape);
        return Err(context.refuse(Code::ShapeMismatch, detail));
    };
    let transposed = context.int("transB", 0) != 0;
    let view = if transposed { [1, 1, rows, columns] } else { [1, rows, columns, 1] };
    let channels = view[2];
    let beta = f64::from(context.graph.proto(context.node).float("beta", 1.0));
    let fits = |shape: &[usize]| match shape {
        [] | [1] | [_, 1] => Ok(()),
        [columns] | [_, columns] if *columns == channels => Ok(()),
        [_] | [_, _] => Err(Code::Malformed),
        _ => Err(Code::ShapeMismatch),
    };
    Ok(Linear {
        operator: "Gemm",
        node: context.node,
        slot: 1,
        weight: weight.value,
        element: weight.element,
        shape: weight.shape.clone(),
        view,
        bias: context.bias(2, beta, weight.element, fits)?,
    })
}
