//! From a BatchNormalization back to what makes its input.

use super::Linear;
use crate::batch_norm::BatchNorm;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId, ValueId};
use crate::refusal::{Code, Refusal};

/// More nodes in a row that only pass on are not seen through: each normalisation behind them
/// would walk all the way.
const LONGEST_WAY: usize = 1000;

/// What makes a value, seen through Identity and inference Dropout.
pub enum Maker {
    /// A linear operator.
    Linear(Linear),
    /// Another BatchNormalization.
    BatchNorm(NodeId),
}

/// Walks back from the first input of `reader`.
///
/// # Errors
/// The refusal, when a value on the way has other readers, or nothing linear makes it.
pub fn find_maker(graph: &Graph, constants: &Constants, reader: NodeId) -> Result<Maker, Refusal> {
    let way = walk_back(graph, constants, reader, 0);
    let Some(Hop { value, .. }) = way.last() else {
        return Err(Refusal::new(Code::Malformed, "its input is missing"));
    };
    let Some(node) = graph.producer(*value) else {
        let detail = format!("`{}` is not made by a node", graph.name(*value));
        return Err(Refusal::new(Code::NoLinearProducer, detail));
    };
    let is_norm = BatchNorm::is(graph, node) && graph.output(node, 0) == Some(*value);
    let linear = super::read(graph, constants, node);
    if linear.is_none() && !is_norm {
        let detail = format!("{} `{}` makes its input", graph.op_label(node), graph.label(node));
        return Err(Refusal::because_of(graph, node, Code::NoLinearProducer, detail));
    }
    check_sole_readers(graph, &way)?;
    linear.map_or(Ok(Maker::BatchNorm(node)), |linear| linear.map(Maker::Linear))
}

/// A value on the way back, and who reads it there.
pub(super) struct Hop {
    pub value: ValueId,
    reader: NodeId,
}

/// The values from an input of a node back to the one that is not merely passed on.
pub(super) fn walk_back(graph: &Graph, constants: &Constants, reader: NodeId, slot: usize) -> Vec<Hop> {
    let mut way = Vec::new();
    let mut next = graph.input(reader, slot).map(|value| Hop { value, reader });
    while let Some(hop) = next.filter(|_| way.len() < LONGEST_WAY) {
        let passing = graph.producer(hop.value).filter(|node| passes_on(graph, constants, *node, hop.value));
        next = passing.and_then(|reader| graph.input(reader, 0).map(|value| Hop { value, reader }));
        way.push(hop);
    }
    way
}

/// Checks that nobody else sees the elements of the values on the way.
///
/// # Errors
/// As [`check_sole_reader`].
pub(super) fn check_sole_readers(graph: &Graph, way: &[Hop]) -> Result<(), Refusal> {
    way.iter().try_for_each(|hop| check_sole_reader(graph, hop.value, hop.reader))
}

/// Readers of one value, be it only of its shape, beyond which they are not looked at: as many
/// normalisations may ask.
const MANY: usize = 10_000;

/// Checks that nobody but `reader` sees the elements of `value`.
///
/// # Errors
/// The refusal, when it is a graph output, captured by a subgraph, or read by another node.
fn check_sole_reader(graph: &Graph, value: ValueId, reader: NodeId) -> Result<(), Refusal> {
    let data = graph.value(value);
    let name = graph.name(value);
    if data.outputs > 0 {
        return Err(Refusal::new(Code::GraphOutput, format!("`{name}` is an output of the graph")));
    }
    if data.pinned {
        let detail = format!("`{name}` is named by training info or a quantisation annotation");
        return Err(Refusal::new(Code::OtherReader, detail));
    }
    if graph.node(reader).scope != data.scope {
        return Err(Refusal::new(Code::SubgraphCapture, format!("`{name}` comes from outside the subgraph")));
    }
    if data.uses.len() > MANY {
        let detail = format!("`{name}` has {} readers, too many to look at each", data.uses.len());
        return Err(Refusal::new(Code::OtherReader, detail));
    }
    let mut uses = graph.data_uses(value);
    let Some(other) = uses.find(|usage| usage.node != reader || usage.slot != own_slot(graph, value, reader)) else {
        return Ok(());
    };
    let captured = graph.node(other.node).scope != data.scope;
    let code = if captured { Code::SubgraphCapture } else { Code::OtherReader };
    let detail = format!("`{name}` is also read by {} `{}`", graph.op_label(other.node), graph.label(other.node));
    Err(Refusal::because_of(graph, other.node, code, detail))
}

/// The first input of `reader` that is `value`.
fn own_slot(graph: &Graph, value: ValueId, reader: NodeId) -> u32 {
    graph.node(reader).inputs.iter().position(|input| *input == Some(value)).unwrap_or(0) as u32
}

/// Whether a node hands `value` on unchanged: Identity, or Dropout in inference mode.
fn passes_on(graph: &Graph, constants: &Constants, node: NodeId, value: ValueId) -> bool {
    if graph.output(node, 0) != Some(value) {
        return false;
    }
    graph.op(node) == "Identity" || graph.op(node) == "Dropout" && is_inference_dropout(graph, constants, node)
}

/// Dropout that is not told to train: version 12 on by an input, versions 1 and 6 by the absence
/// of `is_test`; versions 7 and 10 are for inference. Whether the mask is read does not matter:
/// in inference it is all true.
/// <https://onnx.ai/onnx/operators/onnx__Dropout.html>
fn is_inference_dropout(graph: &Graph, constants: &Constants, node: NodeId) -> bool {
    match graph.opset(node) {
        ..7 => graph.proto(node).int("is_test", 0) != 0,
        7..12 => true,
        _ => graph.input(node, 2).is_none_or(|mode| {
            constants.dense(mode).is_ok_and(|mode| mode.values.iter().all(|training| *training == 0.0))
        }),
    }
}
