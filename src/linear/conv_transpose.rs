//! ConvTranspose: weight `[C_in, C_out/group, k…]`, bias `[C_out]`.
//!
//! Output channel `g · (C_out/group) + j` is column `j` of the rows of group `g`.
//! <https://onnx.ai/onnx/operators/onnx__ConvTranspose.html>, versions 1, 11 and 22.

use super::{Context, Linear, one_per_channel};
use crate::refusal::{Code, Refusal};

pub(super) fn read(context: &Context) -> Result<Linear, Refusal> {
    let weight = context.weight(1, 3)?;
    let groups = usize::try_from(context.int("group", 1)).ok();
    let groups = groups.filter(|groups| *groups > 0 && weight.shape[0].is_multiple_of(*groups));
    let Some(groups) = groups else {
        let detail = format!("the groups of {} do not divide its {} input channels", context.label(), weight.shape[0]);
        return Err(context.refuse(Code::Malformed, detail));
    };
    let per_group = weight.shape[1];
    let inner = weight.shape[2..].iter().product();
    Ok(Linear {
        operator: "ConvTranspose",
        node: context.node,
        slot: 1,
        weight: weight.value,
        element: weight.element,
        shape: weight.shape.clone(),
        view: [groups, weight.shape[0] / groups, per_group, inner],
        bias: context.bias(2, 1.0, weight.element, one_per_channel(groups * per_group))?,
    })
}
