//! Conv: weight `[C_out, C_in/group, k…]`, bias `[C_out]`.
//!
//! Output channel `g · (C_out/group) + i` sums input channels `g · (C_in/group) + j`.
//! <https://onnx.ai/onnx/operators/onnx__Conv.html>, versions 1, 11 and 22.

use super::bias::Layout;
use super::weight::Role;
use super::{Input, Linear, Operand, Takes, one_per_channel, read_bias};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

pub(super) fn read(op: &Operator) -> Result<Linear, Refusal> {
    let weight = Operand::weight(op, 1, 3)?;
    let (channels, per_group, rank) = (weight.shape[0], weight.shape[1], weight.shape.len());
    let groups = usize::try_from(op.int("group", 1)).ok();
    let Some(groups) = groups.filter(|groups| *groups > 0 && channels.is_multiple_of(*groups)) else {
        let detail = format!("the groups of {} do not divide its {channels} output channels", op.label());
        return Err(op.refuse(Code::Malformed, detail));
    };
    let inner = weight.shape[2..].iter().product();
    let takes = if pads(op, &weight.shape[2..]) {
        Takes::Scaling(format!("{} pads with zeros", op.label()))
    } else {
        Takes::All
    };
    let layout = Layout::Along { axis: 1, length: channels };
    Ok(Linear {
        operator: "Conv",
        node: op.node,
        bias: read_bias(op, 2, 1.0, weight.element, layout, one_per_channel(channels))?,
        weight: weight.with_axes(
            vec![groups, channels / groups, per_group, inner],
            vec![Role::new(1, [0, 1])],
            vec![Role::new(1, [0, 2])],
        ),
        rank,
        input: Input { slot: 0, gain: 1.0, takes },
    })
}

/// Whether zeros are added around the input. SAME_* adds none to what a kernel of length 1 sees.
fn pads(op: &Operator, kernel: &[usize]) -> bool {
    if op.has_references() {
        return true;
    }
    match op.string("auto_pad", "NOTSET").as_str() {
        "NOTSET" | "" => op.graph.proto(op.node).ints("pads").unwrap_or_default().iter().any(|pad| *pad != 0),
        "VALID" => false,
        _ => kernel.iter().any(|length| *length != 1),
    }
}
