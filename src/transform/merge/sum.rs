//! Sums: trees of Add, Sub and Sum, seen as one list of signed leaves.

use crate::graph::{Graph, NodeId, ScopeKind, Use, ValueId};

/// Since this version of the standard operators all three of them broadcast in the same way.
const FIRST_OPSET: i64 = 8;

/// A sum of leaves.
pub(super) struct Sum {
    /// The nodes that add, each before those whose results it adds, and where their results are
    /// read; nowhere in the sum for the first one, the root.
    pub nodes: Vec<(NodeId, Option<Use>)>,
    /// What is added, from left to right.
    pub leaves: Vec<Leaf>,
}

/// An operand that is not itself a sum.
#[derive(Clone, Copy)]
pub(super) struct Leaf {
    /// What is added.
    pub value: ValueId,
    /// Which input of which node of the sum it is.
    pub place: Use,
    /// −1 when it is subtracted.
    pub sign: f64,
}

/// All sums of a graph, but for those in functions: what they are called with is not known.
pub(super) fn sums(graph: &Graph) -> impl Iterator<Item = Sum> {
    // The name of the result moves to where its first operand is made.
    let is_shadowed = |node| graph.output(node, 0).is_some_and(|output| graph.is_shadowed(output));
    let is_root = move |node: &NodeId| is_sum(graph, *node) && !is_in_larger_sum(graph, *node) && !is_shadowed(*node);
    graph.nodes().filter(is_root).map(|root| below(graph, root))
}

/// Who reads a value, if it is one node of the same scope and nothing and nobody else sees it,
/// be it only its shape.
pub(super) fn sole_reader(graph: &Graph, value: ValueId) -> Option<Use> {
    let data = graph.value(value);
    match data.uses[..] {
        [usage] if !data.is_seen_outside() && graph.node(usage.node).scope == data.scope => Some(usage),
        _ => None,
    }
}

/// The value that a node makes, if it is the only one.
pub(super) fn sole_output(graph: &Graph, node: NodeId) -> Option<ValueId> {
    let mut outputs = graph.node(node).outputs.iter();
    let first = outputs.next().copied().flatten();
    first.filter(|_| outputs.all(Option::is_none))
}

fn is_sum(graph: &Graph, node: NodeId) -> bool {
    let op = graph.op(node);
    // What remains of a Sub without its left operand is a Neg.
    let adds = op == "Add" || op == "Sum" || op == "Sub" && !graph.is_overridden("Neg");
    let is_complete = || graph.node(node).inputs.iter().all(Option::is_some) && sole_output(graph, node).is_some();
    let is_in_function = || matches!(graph.scope_kind(node), ScopeKind::Function(_));
    adds && graph.opset(node) >= FIRST_OPSET && is_complete() && !is_in_function()
}

fn is_in_larger_sum(graph: &Graph, node: NodeId) -> bool {
    let reader = graph.output(node, 0).and_then(|output| sole_reader(graph, output));
    reader.is_some_and(|usage| is_sum(graph, usage.node))
}

/// The sum of which this node is the root. (Without recursion: chains may be long.)
fn below(graph: &Graph, root: NodeId) -> Sum {
    let mut sum = Sum { nodes: vec![(root, None)], leaves: Vec::new() };
    let mut open: Vec<Leaf> = operands(graph, root, 1.0).rev().collect();
    while let Some(leaf) = open.pop() {
        let inner = graph.producer(leaf.value).filter(|node| is_sum(graph, *node));
        match inner.filter(|_| sole_reader(graph, leaf.value) == Some(leaf.place)) {
            Some(node) => {
                sum.nodes.push((node, Some(leaf.place)));
                open.extend(operands(graph, node, leaf.sign).rev());
            }
            None => sum.leaves.push(leaf),
        }
    }
    sum
}

fn operands(graph: &Graph, node: NodeId, sign: f64) -> impl DoubleEndedIterator<Item = Leaf> {
    let subtracts = graph.op(node) == "Sub";
    let inputs = graph.node(node).inputs.iter().enumerate();
    inputs.filter_map(move |(slot, value)| {
        let sign = if subtracts && slot == 1 { -sign } else { sign };
        value.map(|value| Leaf { value, place: Use { node, slot: slot as u32 }, sign })
    })
}
