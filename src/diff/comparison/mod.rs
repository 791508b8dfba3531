//! What differs between things that correspond.

mod attribute;
mod constants;
mod encoding;
mod fields;
mod header;
mod nodes;
mod values;

use super::index::{Body, Index, ScopeId};
use super::matching::Matching;
use super::order::{Step, merge};
use super::report::{Change, FieldChange, GraphDiff, Status};
use crate::onnx::TensorError;
pub(super) use encoding::same_encoding;
use fields::{Fields, HiddenNotes};

/// Two models, and which part of one is which of the other.
pub(super) struct Comparison<'x, 'm> {
    a: &'x Index<'m>,
    b: &'x Index<'m>,
    found: &'x Matching,
    context: usize,
    /// What has no line of its own.
    pub hidden: HiddenNotes,
}

impl<'x, 'm> Comparison<'x, 'm> {
    pub fn new(a: &'x Index<'m>, b: &'x Index<'m>, found: &'x Matching, context: usize) -> Self {
        Comparison { a, b, found, context, hidden: HiddenNotes::default() }
    }

    /// All graphs and functions that differ.
    ///
    /// # Errors
    /// When a tensor cannot be read.
    pub fn graphs(&mut self) -> Result<Vec<GraphDiff>, TensorError> {
        let partners: Vec<Option<ScopeId>> = (0..self.a.scopes.len()).map(|id| self.found.scopes.of_a(id)).collect();
        let mut graphs = Vec::new();
        for step in merge(&partners, self.b.scopes.len()) {
            let graph = match step {
                Step::Kept(a, b) => self.scope(Some(a), Some(b), Status::Changed)?,
                Step::Moved(a, b) => {
                    // Subgraphs go where their nodes go.
                    let place = || self.a.scopes[a].path.clone();
                    self.hidden.note(self.a.scopes[a].parent.is_none(), place);
                    self.scope(Some(a), Some(b), Status::Changed)?
                }
                Step::Removed(a) => self.scope(Some(a), None, Status::Removed)?,
                Step::Added(b) => self.scope(None, Some(b), Status::Added)?,
            };
            graphs.extend(Some(graph).filter(|graph| !graph.is_empty()));
        }
        Ok(graphs)
    }

    fn scope(&mut self, a: Option<ScopeId>, b: Option<ScopeId>, status: Status) -> Result<GraphDiff, TensorError> {
        let path = |index: &Index, id: Option<ScopeId>| id.map(|id| index.scopes[id].path.clone());
        let path = path(self.a, a).or_else(|| path(self.b, b)).unwrap_or_default();
        let mut fields = self.body_fields(a, b);
        let (inputs, input_order) = self.inputs(a, b);
        let (outputs, output_order) = self.outputs(a, b);
        let nodes = self.nodes(a, b)?;
        let (initializers, moved_initializers) = self.initializers(a, b)?;
        let values = self.inner_values(a, b);
        let initializer_order = moved_initializers.then(Change::default);
        for (order, what) in [(input_order, "inputs"), (output_order, "outputs"), (initializer_order, "initializers")] {
            fields.extend(order.map(|value| FieldChange { field: format!("order of {what}"), value }));
        }
        Ok(GraphDiff { path, status, fields, inputs, outputs, nodes, initializers, values })
    }

    /// What two graphs or functions say of themselves.
    fn body_fields(&mut self, a: Option<ScopeId>, b: Option<ScopeId>) -> Vec<FieldChange> {
        let (Some(a), Some(b)) = (a, b) else { return Vec::new() };
        let place = || Some(self.a.scopes[a].path.clone()).filter(|path| !path.is_empty());
        let place = place().unwrap_or_else(|| "the graph".into());
        let mut fields = Fields::new(&mut self.hidden, &place);
        match (self.a.scopes[a].body, self.b.scopes[b].body) {
            (Body::Graph(old), Body::Graph(new)) => fields.graph(old, new),
            (Body::Function(old), Body::Function(new)) => fields.function(old, new),
            _ => {}
        }
        fields.changes
    }
}
