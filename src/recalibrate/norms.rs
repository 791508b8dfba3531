//! The BatchNormalizations of a model: which are measured, and why others are not.

use super::estimate::Target;
use crate::batch_norm::BatchNorm;
use crate::engine::tap::ATTRIBUTE;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId, ValueId};
use crate::onnx::element::FloatType;
use crate::onnx::schema::{AttributeProto, ModelProto};
use crate::refusal::{Code, Refusal};
use crate::transform::selection::{Selection, SelectionError};

/// Where a BatchNormalization reads its mean and its variance.
pub const MEAN_AND_VARIANCE: [usize; 2] = [3, 4];

/// One BatchNormalization.
pub struct Norm {
    /// The node.
    pub node: NodeId,
    /// Its name, or its first output if it has none.
    pub name: String,
    /// What it is now, unless it stays as it is.
    pub target: Result<Target, Refusal>,
}

/// All BatchNormalizations, in graph order.
///
/// # Errors
/// When a pattern of the selection matches none of them.
pub fn find(graph: &Graph, selection: &Selection) -> Result<Vec<Norm>, SelectionError> {
    let constants = Constants::new(graph);
    let norms = graph.nodes().filter(|node| BatchNorm::is(graph, *node));
    let read = |node| {
        let name = graph.label(node);
        let target = match selection.contains(&name) {
            true => read(graph, &constants, node),
            false => Err(Refusal::new(Code::NotSelected, "it is not selected")),
        };
        Norm { node, name, target }
    };
    let found: Vec<Norm> = norms.map(read).collect();
    selection.check_all_match(found.iter().map(|norm| &norm.name))?;
    Ok(found)
}

/// Those that are measured.
pub fn measured(found: &[Norm]) -> impl Iterator<Item = (&Norm, &Target)> {
    found.iter().filter_map(|norm| Some((norm, norm.target.as_ref().ok()?)))
}

fn read(graph: &Graph, constants: &Constants, node: NodeId) -> Result<Target, Refusal> {
    let norm = BatchNorm::read(graph, constants, node)?;
    let element = |slot| {
        let dense = graph.input(node, slot).and_then(|value| constants.dense(value).ok());
        let unknown = || Refusal::new(Code::UnsupportedType, "its statistics are of no type of numbers");
        dense.and_then(|dense| dense.float()).ok_or_else(unknown)
    };
    let elements: [FloatType; 2] = [element(3)?, element(4)?];
    Ok(Target { norm, elements, shared: sharers(graph, node) })
}

/// The other nodes that read the mean or the variance of this one.
fn sharers(graph: &Graph, node: NodeId) -> Vec<String> {
    /// So many are named at most.
    const MOST: usize = 8;
    let values = MEAN_AND_VARIANCE.into_iter().filter_map(|slot| graph.input(node, slot));
    let others = |value: ValueId| graph.data_uses(value).map(|usage| usage.node).filter(|other| *other != node);
    let mut names: Vec<String> = values.flat_map(others).take(2 * MOST).map(|other| graph.label(other)).collect();
    names.sort();
    names.dedup();
    names.truncate(MOST);
    names
}

/// The model of a graph with these nodes numbered in their order, as the engine is to measure them.
pub fn numbered(mut graph: Graph, nodes: &[NodeId]) -> ModelProto {
    for (tap, node) in nodes.iter().enumerate() {
        graph.set_attribute(*node, AttributeProto::int(ATTRIBUTE, tap as i64));
    }
    graph.into_model()
}
