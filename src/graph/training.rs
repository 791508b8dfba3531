//! Training info: graphs of their own that read and replace values of the main graph by name.

use super::{Graph, ScopeId};
use crate::onnx::access::text;
use crate::onnx::schema::{GraphProto, StringStringEntryProto};
use bstr::{BString, ByteSlice};

/// Pins the values of the main graph that training info names, so that none of them changes or
/// goes, and notes those that training updates, so that none of them counts as constant.
pub(super) fn pin(graph: &mut Graph, main: ScopeId) {
    let infos = std::mem::take(&mut graph.shell.training_info);
    for info in &infos {
        let mut names = Vec::new();
        for training in info.initialization.iter().chain(&info.algorithm) {
            collect(training, &mut names);
        }
        let bindings = || info.initialization_binding.iter().chain(&info.update_binding);
        names.extend(
            bindings().flat_map(|entry: &StringStringEntryProto| [&entry.key, &entry.value]).flatten().cloned(),
        );
        for name in names {
            graph.pin(main, name.as_bstr());
            graph.names.add(name.as_bstr());
        }
        for updated in bindings().map(|entry| text(&entry.key)) {
            if let Some(value) = graph.resolve(main, updated) {
                graph.value_mut(value).trained = true;
            }
        }
    }
    graph.shell.training_info = infos;
}

/// Every name that occurs in a graph and its subgraphs.
fn collect(graph: &GraphProto, names: &mut Vec<BString>) {
    let ports = graph.input.iter().chain(&graph.output).filter_map(|info| info.name.clone());
    let tensors = graph.initializer.iter().filter_map(|tensor| tensor.name.clone());
    names.extend(ports.chain(tensors));
    for node in &graph.node {
        names.extend(node.input.iter().chain(&node.output).cloned());
        node.subgraphs().for_each(|subgraph| collect(subgraph, names));
    }
}
