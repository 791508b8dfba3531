//! Which node is which, for those who want that and no differences.

use super::DiffError;
use super::index::Index;
use super::matching::Matching;
use crate::onnx::schema::ModelProto;

/// Of each node of the main graph of the first model the place of the same node in that of the
/// second, if there is one.
///
/// # Errors
/// When a tensor contradicts itself or cannot be read.
pub(crate) fn matched_nodes(a: &ModelProto, b: &ModelProto) -> Result<Vec<Option<usize>>, DiffError> {
    let (Some(main), Some(_)) = (&a.graph, &b.graph) else { return Ok(Vec::new()) };
    let found = Matching::new(&Index::new(a), &Index::new(b))?;
    // The main graph is the first scope, and the nodes of a scope are numbered in a row.
    let count = b.graph.as_ref().map_or(0, |graph| graph.node.len());
    Ok((0..main.node.len()).map(|node| found.nodes.of_a(node).filter(|other| *other < count)).collect())
}
