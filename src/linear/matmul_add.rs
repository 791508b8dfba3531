//! MatMul, then Add of a constant, in either order of operands: how exporters write a linear
//! layer.
//!
//! <https://onnx.ai/onnx/operators/onnx__Add.html>, versions 1, 6, 7, 13 and 14. Before
//! version 7, broadcasting was an attribute and only of the right operand.

use super::path::{Hop, check_sole_readers, walk_back};
use super::{Context, Linear, matmul};
use crate::graph::NodeId;
use crate::refusal::{Code, Refusal};

/// `None` when the Add is not one of a MatMul and something else.
pub(super) fn read(context: &Context) -> Option<Result<Linear, Refusal>> {
    let (way, matmul, slot) = operands(context)?;
    Some(read_pair(context, &way, matmul, slot))
}

/// The way back to the MatMul, the MatMul, and the slot of the other operand.
fn operands(context: &Context) -> Option<(Vec<Hop>, NodeId, usize)> {
    [(0, 1), (1, 0)].into_iter().find_map(|(product, other)| {
        let way = walk_back(context.graph, context.constants, context.node, product);
        let node = context.graph.producer(way.last()?.value)?;
        (context.graph.op(node) == "MatMul").then_some((way, node, other))
    })
}

fn read_pair(context: &Context, way: &[Hop], matmul: NodeId, slot: usize) -> Result<Linear, Refusal> {
    let linear = matmul::read(&Context { node: matmul, ..*context })?;
    check_sole_readers(context.graph, way)?;
    check_rank(context, slot)?;
    let channels = linear.channels();
    let fits = |shape: &[usize]| match shape.last() {
        Some(last) if *last != 1 && *last != channels => Err(Code::ShapeMismatch),
        _ => Ok(()),
    };
    context.check_attributes()?;
    let bias = context.bias(slot, 1.0, linear.element, fits)?;
    check_old_broadcast(context, slot)?;
    Ok(Linear { operator: "MatMul+Add", bias, ..linear })
}

/// A constant of a higher rank raises that of the sum: its last axis is not axis 1 any more.
fn check_rank(context: &Context, slot: usize) -> Result<(), Refusal> {
    let constant = context.graph.input(context.node, slot);
    let shape = constant.and_then(|value| context.constants.type_and_shape(value).ok());
    match shape {
        Some((_, shape)) if shape.len() > 2 => {
            let detail =
                format!("{} adds a constant of rank {}: channels are not axis 1", context.label(), shape.len());
            Err(context.refuse(Code::ChannelAxis, detail))
        }
        _ => Ok(()),
    }
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
