//! Which nodes a difference is about.

use super::location::NodeName;
use crate::diff::{Difference, ModelDiff, NodeChange, NodeEntry, NodeText, TensorChange};
use crate::onnx::access::text;
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bstr::ByteSlice;
use serde::Serialize;

/// A node that is not the same in both models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Touched {
    /// The node in the original, if it is there.
    pub original: Option<NodeName>,
    /// The node in the result, if it is there.
    pub result: Option<NodeName>,
    /// Where it is, if not in the main graph: as in `if_1/then_branch`.
    pub path: String,
    /// Whether it reads or makes other values, or has other attributes.
    pub rewired: bool,
    /// Its constants that differ.
    pub constants: Vec<TouchedConstant>,
}

/// A constant that a node reads, and that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TouchedConstant {
    /// Its name in the original, or in the result if only that has it.
    pub name: String,
    /// Whether only the result has it.
    pub is_new: bool,
    /// How far both are apart, if they are of one shape.
    pub difference: Option<Difference>,
}

/// The nodes that a difference of two models is about, without those that only got other names.
pub fn touched(diff: &ModelDiff, models: [&ModelProto; 2]) -> Vec<Touched> {
    let mut all = Vec::new();
    for graph in &diff.graphs {
        all.extend(graph.nodes.iter().filter_map(|entry| of_entry(entry, &graph.path)));
    }
    let nodes = models.map(|model| all_nodes(model.graph.iter().collect()));
    for tensor in diff.graphs.iter().flat_map(|graph| &graph.initializers).filter(|tensor| !tensor.is_renaming()) {
        add_constant(&mut all, tensor, [&nodes[0], &nodes[1]]);
    }
    all
}

fn of_entry(entry: &NodeEntry, path: &str) -> Option<Touched> {
    let none = || Touched { original: None, result: None, path: path.into(), rewired: false, constants: vec![] };
    // A constant that is held in another way computes nothing else.
    let computes = |node: &&NodeText| node.operator != "Constant";
    match entry {
        NodeEntry::Removed(node) => {
            Some(node).filter(computes).map(|node| Touched { original: Some(name_of(node)), ..none() })
        }
        NodeEntry::Added(node) => {
            Some(node).filter(computes).map(|node| Touched { result: Some(name_of(node)), ..none() })
        }
        NodeEntry::Changed(change) if !change.is_renaming() => {
            let [original, result] = names_of(change);
            Some(Touched { original: Some(original), result: Some(result), rewired: true, ..none() })
        }
        _ => None,
    }
}

fn name_of(node: &NodeText) -> NodeName {
    let first = || node.outputs.first().cloned().unwrap_or_default();
    let name = if node.name.is_empty() { first() } else { node.name.clone() };
    NodeName { name, operator: node.operator.clone() }
}

fn names_of(change: &NodeChange) -> [NodeName; 2] {
    let first =
        |name: fn(&crate::diff::Slot) -> &Option<String>| change.outputs.first().and_then(|slot| name(slot).clone());
    let name = |own: &Option<String>, output: Option<String>, operator: &Option<String>| {
        let own = own.clone().filter(|name| !name.is_empty());
        NodeName { name: own.or(output).unwrap_or_default(), operator: operator.clone().unwrap_or_default() }
    };
    [
        name(&change.name.before, first(|slot| &slot.name.before), &change.operator.before),
        name(&change.name.after, first(|slot| &slot.name.after), &change.operator.after),
    ]
}

/// Adds a constant that differs to the nodes that read it. One that is gone with its reader, or
/// came with it, says nothing more.
fn add_constant(all: &mut Vec<Touched>, tensor: &TensorChange, nodes: [&[&NodeProto]; 2]) {
    let (side, name) = match (&tensor.name.before, &tensor.name.after) {
        (Some(before), Some(_)) => (0, before),
        (None, Some(after)) => (1, after),
        _ => return,
    };
    let constant = TouchedConstant { name: name.clone(), is_new: side == 1, difference: tensor.difference };
    for reader in nodes[side].iter().filter(|node| node.input.iter().any(|input| input.as_bstr() == name.as_str())) {
        let reader = NodeName::of(reader);
        let own = |touched: &Touched| if side == 0 { touched.original.clone() } else { touched.result.clone() };
        match all.iter_mut().find(|touched| own(touched).as_ref() == Some(&reader)) {
            Some(touched) if touched.original.is_none() || touched.result.is_none() => {}
            Some(touched) => touched.constants.push(constant.clone()),
            None => all.push(Touched {
                original: Some(reader.clone()),
                result: Some(reader),
                path: String::new(),
                rewired: false,
                constants: vec![constant.clone()],
            }),
        }
    }
}

fn all_nodes(mut graphs: Vec<&GraphProto>) -> Vec<&NodeProto> {
    let mut nodes = Vec::new();
    while let Some(graph) = graphs.pop() {
        nodes.extend(&graph.node);
        graphs.extend(graph.node.iter().flat_map(|node| node.subgraphs()));
    }
    nodes
}

impl NodeName {
    /// What a node is called.
    pub(super) fn of(node: &NodeProto) -> Self {
        let domain = text(&node.domain);
        let operator = text(&node.op_type);
        let is_standard = crate::onnx::access::is_standard_domain(domain);
        let operator = if is_standard { operator.to_string() } else { format!("{domain}.{operator}") };
        NodeName { name: node.label().to_string(), operator }
    }
}
