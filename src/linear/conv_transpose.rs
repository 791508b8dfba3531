//! ConvTranspose: weight `[C_in, C_out/group, k…]`, bias `[C_out]`.
//!
//! Output channel `g · (C_out/group) + j` is column `j` of the rows of group `g`. How many elements
//! of the input an output sums differs from place to place, even without padding: a shift of the
//! input is no bias.
//! <https://onnx.ai/onnx/operators/onnx__ConvTranspose.html>, versions 1, 11 and 22.

use super::bias::Layout;
use super::weight::Role;
use super::{Input, Linear, Operand, Takes, one_per_channel, read_bias};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

pub(super) fn read(op: &Operator) -> Result<Linear, Refusal> {
    let weight = Operand::weight(op, 1, 3)?;
    let (inputs, per_group, rank) = (weight.shape[0], weight.shape[1], weight.shape.len());
    let groups = usize::try_from(op.int("group", 1)).ok();
    let Some(groups) = groups.filter(|groups| *groups > 0 && inputs.is_multiple_of(*groups)) else {
        let detail = format!("the groups of {} do not divide its {inputs} input channels", op.label());
        return Err(op.refuse(Code::Malformed, detail));
    };
    let channels = groups.saturating_mul(per_group);
    let inner = weight.shape[2..].iter().product();
    let layout = Layout::Along { axis: 1, length: channels };
    let takes = Takes::Scaling(format!("{} sums another number of elements at its borders", op.label()));
    Ok(Linear {
        operator: "ConvTranspose",
        node: op.node,
        bias: read_bias(op, 2, 1.0, weight.element, layout, one_per_channel(channels))?,
        weight: weight.with_axes(
            vec![groups, inputs / groups, per_group, inner],
            vec![Role::new(1, [0, 2])],
            vec![Role::new(1, [0, 1])],
        ),
        rank,
        input: Input { slot: 0, gain: 1.0, takes },
    })
}
