//! MatMul, then Add of a constant, in either order of operands: how exporters write a linear
//! layer.
//!
//! <https://onnx.ai/onnx/operators/onnx__Add.html>, versions 1, 6, 7, 13 and 14. Before
//! version 7, broadcasting was an attribute and only of the right operand.

use super::{Context, Linear, matmul, path};
use crate::graph::{NodeId, ValueId};
use crate::refusal::{Code, Refusal};

/// `None` when the Add is not one of a MatMul and something else.
pub(super) fn read(context: &Context) -> Option<Result<Linear, Refusal>> {
    let (product, matmul, slot) = operands(context)?;
    Some(read_pair(context, product, matmul, slot))
}

/// The product, the MatMul that makes it, and the slot of the other operand.
fn operands(context: &Context) -> Option<(ValueId, NodeId, usize)> {
    [(0, 1), (1, 0)].into_iter().find_map(|(product, other)| {
        let value = context.graph.input(context.node, product)?;
        let node = context.graph.producer(value)?;
        (context.graph.op(node) == "MatMul").then_some((value, node, other))
    })
}

fn read_pair(context: &Context, product: ValueId, matmul: NodeId, slot: usize) -> Result<Linear, Refusal> {
    let linear = matmul::read(&Context { node: matmul, ..*context })?;
    path::check_sole_reader(context.graph, product, context.node)?;
    let channels = linear.channels();
    let fits = |shape: &[usize]| shape.len() <= 2 && shape.last().is_none_or(|last| *last == 1 || *last == channels);
    let bias = context.bias(slot, 1.0, fits)?;
    check_old_broadcast(context, slot)?;
    Ok(Linear { operator: "MatMul+Add", bias, ..linear })
}

/// Before opset 7 the right operand is broadcast, from `axis` on; default is the last axis.
fn check_old_broadcast(context: &Context, slot: usize) -> Result<(), Refusal> {
    let usual = slot == 1 && matches!(context.int("axis", 1), 1 | -1);
    if context.graph.opset(context.node) >= 7 || usual {
        return Ok(());
    }
    let detail = format!("{} broadcasts in the manner of opset 6 along another axis", context.label());
    Err(context.refuse(Code::ChannelAxis, detail))
}
