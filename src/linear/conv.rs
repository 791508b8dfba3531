//! Conv: weight `[C_out, C_in/group, k…]`, bias `[C_out]`.
//!
//! <https://onnx.ai/onnx/operators/onnx__Conv.html>, versions 1, 11 and 22.

use super::{Context, Linear};
use crate::refusal::Refusal;

pub(super) fn read(context: &Context) -> Result<Linear, Refusal> {
    let weight = context.weight(1, 3)?;
    let channels = weight.shape[0];
    let inner = weight.shape[1..].iter().product();
    Ok(Linear {
        operator: "Conv",
        node: context.node,
        slot: 1,
        weight: weight.value,
        element: weight.element,
        shape: weight.shape.clone(),
        view: [1, 1, channels, inner],
        bias: context.bias(2, 1.0, weight.element, |shape| shape == [channels])?,
    })
}
