//! From a BatchNormalization back to what makes its input.

use super::Linear;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId, ValueId};
use crate::refusal::{Code, Refusal};

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
    let mut reader = reader;
    loop {
        let Some(value) = graph.input(reader, 0) else {
            return Err(Refusal::new(Code::Malformed, "its input is missing"));
        };
        let Some(node) = graph.producer(value) else {
            let detail = format!("`{}` is not made by a node", graph.name(value));
            return Err(Refusal::new(Code::NoLinearProducer, detail));
        };
        check_sole_reader(graph, value, reader)?;
        if graph.op(node) == "BatchNormalization" && graph.output(node, 0) == Some(value) {
            return Ok(Maker::BatchNorm(node));
        }
        if let Some(linear) = super::read(graph, constants, node) {
            return linear.map(Maker::Linear);
        }
        if !passes_on(graph, constants, node, value) {
            let detail = format!("{} `{}` makes its input", graph.op_label(node), graph.label(node));
            return Err(Refusal::because_of(graph, node, Code::NoLinearProducer, detail));
        }
        reader = node;
    }
}

/// Checks that nobody but `reader` sees the elements of `value`.
///
/// # Errors
/// The refusal, when it is a graph output, captured by a subgraph, or read by another node.
pub fn check_sole_reader(graph: &Graph, value: ValueId, reader: NodeId) -> Result<(), Refusal> {
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
fn own_slot(graph: &Graph, value: ValueId, reader: NodeId) -> usize {
    graph.node(reader).inputs.iter().position(|input| *input == Some(value)).unwrap_or(0)
}

/// Whether a node hands `value` on unchanged: Identity, or Dropout in inference mode.
fn passes_on(graph: &Graph, constants: &Constants, node: NodeId, value: ValueId) -> bool {
    if graph.output(node, 0) != Some(value) {
        return false;
    }
    graph.op(node) == "Identity" || graph.op(node) == "Dropout" && is_inference_dropout(graph, constants, node)
}

/// Dropout without a mask, and not told to train: version 12 on by an input, versions 1 and 6
/// by the absence of `is_test`; versions 7 and 10 are for inference.
/// <https://onnx.ai/onnx/operators/onnx__Dropout.html>
fn is_inference_dropout(graph: &Graph, constants: &Constants, node: NodeId) -> bool {
    if graph.output(node, 1).is_some() {
        return false;
    }
    match graph.opset(node) {
        ..7 => graph.node(node).proto.int("is_test", 0) != 0,
        7..12 => true,
        _ => graph.input(node, 2).is_none_or(|mode| {
            constants.dense(mode).is_ok_and(|mode| mode.values.iter().all(|training| *training == 0.0))
        }),
    }
}
