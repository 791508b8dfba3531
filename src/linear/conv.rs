//! Conv: weight `[C_out, C_in/group, k…]`, bias `[C_out]`.
//!
//! <https://onnx.ai/onnx/operators/onnx__Conv.html>, versions 1, 11 and 22.

use super::{Context, Linear, one_per_channel};
use crate::refusal::{Code, Refusal};

pub(super) fn read(context: &Context) -> Result<Linear, Refusal> {
    let weight = context.weight(1, 3)?;
    let channels = weight.shape[0];
    if !usize::try_from(context.int("group", 1)).is_ok_and(|groups| groups > 0 && channels.is_multiple_of(groups)) {
        let detail = format!("the groups of {} do not divide its {channels} output channels", context.label());
        return Err(context.refuse(Code::Malformed, detail));
    }
    let inner = weight.shape[1..].iter().product();
    Ok(Linear {
        operator: "Conv",
        node: context.node,
        slot: 1,
        weight: weight.value,
        element: weight.element,
        shape: weight.shape.clone(),
        view: [1, 1, channels, inner],
        bias: context.bias(2, 1.0, weight.element, one_per_channel(channels))?,
    })
}
