//! Who else sees a value.

use crate::graph::{Graph, NodeId, ValueId};
use crate::refusal::{Code, Refusal};

/// Readers of one value, be it only of its shape, beyond which they are not looked at: as many
/// normalisations may ask.
pub const MANY: usize = 10_000;

/// Checks that no caller sees a value, and that not too many nodes do.
///
/// # Errors
/// The refusal, when it is a graph output, or named by something that is no node.
pub fn check_inside(graph: &Graph, value: ValueId) -> Result<(), Refusal> {
    let data = graph.value(value);
    let name = graph.name(value);
    if data.outputs > 0 {
        return Err(Refusal::new(Code::GraphOutput, format!("`{name}` is an output of the graph")));
    }
    if data.pinned {
        let detail = format!("`{name}` is named by training info or a quantisation annotation");
        return Err(Refusal::new(Code::OtherReader, detail));
    }
    if data.uses.len() > MANY {
        let detail = format!("`{name}` has {} readers, too many to look at each", data.uses.len());
        return Err(Refusal::new(Code::OtherReader, detail));
    }
    Ok(())
}

/// Checks that nobody but an input of `reader` sees the elements of `value`.
///
/// # Errors
/// The refusal, when it is a graph output, captured by a subgraph, or read by another node.
pub fn check_sole(graph: &Graph, value: ValueId, reader: NodeId, slot: usize) -> Result<(), Refusal> {
    check_inside(graph, value)?;
    let data = graph.value(value);
    let name = graph.name(value);
    if graph.node(reader).scope != data.scope {
        return Err(Refusal::new(Code::SubgraphCapture, format!("`{name}` comes from outside the subgraph")));
    }
    let mut uses = graph.data_uses(value);
    let Some(other) = uses.find(|usage| usage.node != reader || usage.slot as usize != slot) else {
        return Ok(());
    };
    let captured = graph.node(other.node).scope != data.scope;
    let code = if captured { Code::SubgraphCapture } else { Code::OtherReader };
    let detail = format!("`{name}` is also read by {} `{}`", graph.op_label(other.node), graph.label(other.node));
    Err(Refusal::because_of(graph, other.node, code, detail))
}
