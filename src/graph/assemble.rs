//! Putting the model together again.

use super::{Graph, NodeId, Origin, ScopeId, ScopeKind};
use crate::onnx::access::text;
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bstr::BStr;

impl Graph {
    /// The model with all edits.
    pub fn into_model(mut self) -> ModelProto {
        // Subgraphs have higher numbers than the scopes around them.
        for id in (0..self.scopes.len() as u32).rev().map(ScopeId) {
            self.close_scope(id);
        }
        for scope in std::mem::take(&mut self.scopes) {
            match scope.kind {
                ScopeKind::Main => self.shell.graph = Some(scope.graph),
                ScopeKind::Function(index) => {
                    let function = &mut self.shell.functions[index];
                    (function.node, function.value_info) = (scope.graph.node, scope.graph.value_info);
                }
                ScopeKind::Subgraph => {}
            }
        }
        self.shell
    }

    /// Moves the scope's nodes back into its graph, and what was removed out of it.
    fn close_scope(&mut self, id: ScopeId) {
        let prepended = std::mem::take(&mut self.scope_mut(id).prepended);
        let mut order = Vec::new();
        for node in prepended.into_iter().chain(std::mem::take(&mut self.scope_mut(id).order)) {
            self.push_with_inserted(node, &mut order);
        }
        order.iter().for_each(|node| self.restore_subgraphs(*node));
        let mut graph = std::mem::take(&mut self.scope_mut(id).graph);
        pick(&mut graph.node, order.iter().map(|node| self.node(*node).place).collect());
        if self.scope(id).shrunk {
            let stays = |name: &BStr| self.stays(id, name);
            graph.initializer.retain(|tensor| stays(text(&tensor.name)));
            graph.value_info.retain(|info| stays(text(&info.name)));
            graph.input.retain(|info| stays(text(&info.name)));
            graph.sparse_initializer.retain(|tensor| stays(tensor.name()));
        }
        self.scope_mut(id).graph = graph;
    }

    /// Whether no edit removed the value of this name from a scope.
    fn stays(&self, scope: ScopeId, name: &BStr) -> bool {
        let value = self.names.resolve(name, std::iter::once(scope));
        value.is_none_or(|value| self.value(value).origin != Origin::Gone)
    }

    fn push_with_inserted(&mut self, root: NodeId, order: &mut Vec<NodeId>) {
        // Depth first, without recursion: nodes can be inserted after inserted nodes.
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            let data = self.node_mut(node);
            stack.extend(std::mem::take(&mut data.inserted_after).into_iter().rev());
            if !data.removed {
                order.push(node);
            }
        }
    }

    fn restore_subgraphs(&mut self, id: NodeId) {
        let scopes = std::mem::take(&mut self.node_mut(id).subscopes);
        let graphs: Vec<GraphProto> =
            scopes.into_iter().map(|scope| std::mem::take(&mut self.scope_mut(scope).graph)).collect();
        self.proto_mut(id).subgraphs_mut().zip(graphs).for_each(|(place, graph)| *place = graph);
    }
}

/// Keeps the nodes at these places, in this order.
fn pick(nodes: &mut Vec<NodeProto>, places: Vec<u32>) {
    if !places.is_sorted() {
        *nodes = places.into_iter().map(|place| std::mem::take(&mut nodes[place as usize])).collect();
        return;
    }
    // Usually nothing was added, and no node has to move far.
    let mut kept = places.into_iter().peekable();
    let mut place = 0..;
    nodes.retain(|_| place.next().is_some_and(|place| kept.next_if_eq(&place).is_some()));
}
