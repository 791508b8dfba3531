//! MatMul: weight `[K, N]` on the right, no bias.
//!
//! Channels are the last axis of the output, which is axis 1 only at rank 2: at any other
//! rank the factors would land on the wrong axis.
//! <https://onnx.ai/onnx/operators/onnx__MatMul.html>, versions 1, 9 and 13.

use super::{Bias, Context, Linear};
use crate::refusal::{Code, Refusal};

pub(super) fn read(context: &Context) -> Result<Linear, Refusal> {
    let constant = |slot| {
        let value = context.graph.input(context.node, slot);
        value.is_some_and(|value| context.constants.type_and_shape(value).is_ok())
    };
    if constant(0) && !constant(1) {
        let detail = format!("the constant of {} is its left operand", context.label());
        return Err(context.refuse(Code::ConstantLeft, detail));
    }
    let weight = context.weight(1, 1)?;
    let rank =
        context.graph.input(context.node, 0).and_then(|left| context.constants.facts().rank(context.graph, left));
    let ([rows, columns], Some(2)) = (&weight.shape[..], rank) else {
        return Err(wrong_rank(context, rank, &weight.shape));
    };
    Ok(Linear {
        operator: "MatMul",
        node: context.node,
        slot: 1,
        weight: weight.value,
        element: weight.element,
        shape: weight.shape.clone(),
        view: [1, *rows, *columns, 1],
        bias: Bias::None,
    })
}

fn wrong_rank(context: &Context, rank: Option<usize>, weight: &[usize]) -> Refusal {
    let label = context.label();
    let detail = match rank {
        None => format!("the rank of the input of {label} is not known, so its channels may not be axis 1"),
        Some(rank) => format!("{label} multiplies rank {rank} by {weight:?}: its channels are not axis 1"),
    };
    context.refuse(Code::ChannelAxis, detail)
}
