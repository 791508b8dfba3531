//! From a node that applies a map on to all who read its output: each of them takes the map in, or
//! none does.

use super::home::Home;
use super::planner::Planner;
use super::site::{Leaf, Place};
use super::source::{Kind, Source};
use super::walk::{Take, Walk};
use crate::affine::Affine;
use crate::graph::{NodeId, Use, ValueId};
use crate::linear::bias::Bias;
use crate::linear::{self, Linear};
use crate::passage;
use crate::refusal::{Code, Refusal};
use crate::transform::readers::{MANY, check_inside};

/// How many nodes may follow one another between.
const DEEPEST: usize = 64;

/// Follows a map from the output of a node to all operators that have to take it in.
///
/// # Errors
/// The refusal, when one of them does not.
pub fn forward(planner: &Planner, root: NodeId, map: &Affine) -> Result<Walk, Refusal> {
    let mut walk = Walk::new(root);
    let missing = || Refusal::new(Code::Malformed, "its output is missing");
    let output = planner.graph.output(root, 0).ok_or_else(missing)?;
    push(planner, &mut walk, output, map, 0)?;
    match walk.sites.is_empty() {
        true => Err(Refusal::new(Code::NoLinearProducer, "no node reads its output")),
        false => Ok(walk),
    }
}

fn push(planner: &Planner, walk: &mut Walk, value: ValueId, map: &Affine, depth: usize) -> Result<(), Refusal> {
    let uses: Vec<Use> = planner.graph.data_uses(value).take(MANY + 1).collect();
    if uses.is_empty() && planner.graph.value(value).outputs > 0 {
        let detail = format!("`{}` is an output of the graph", planner.graph.name(value));
        return Err(Refusal::new(Code::NoLinearProducer, detail));
    }
    check_inside(planner.graph, value)?;
    if depth > DEEPEST {
        return Err(Refusal::new(Code::NoLinearProducer, format!("more than {DEEPEST} nodes follow")));
    }
    uses.into_iter().try_for_each(|usage| reader(planner, walk, value, usage, map, depth))
}

fn reader(
    planner: &Planner,
    walk: &mut Walk,
    value: ValueId,
    usage: Use,
    map: &Affine,
    depth: usize,
) -> Result<(), Refusal> {
    let graph = planner.graph;
    walk.step()?;
    let Use { node, slot } = usage;
    let op = planner.operator(node);
    if graph.node(node).scope != graph.value(value).scope {
        let detail = format!("`{}` is read by {} in a subgraph", graph.name(value), op.label());
        return Err(Refusal::because_of(graph, node, Code::SubgraphCapture, detail));
    }
    if planner.is_gone(node) {
        let output = graph.output(node, 0).ok_or_else(|| not_linear(planner, node))?;
        return push(planner, walk, output, map, depth + 1);
    }
    let place = Place { node, slot: None };
    if let Some(source) = planner.source(node).filter(|source| source.is_norm() && source.data == slot as usize) {
        return walk.take(
            planner,
            place,
            Leaf::Source(Box::new(source.clone())),
            Take::before(map.clone(), Home::None),
        );
    }
    if let Some(linear) = linear::read(&op) {
        let linear = linear?;
        if linear.input.slot != slot as usize {
            return Err(not_linear(planner, node));
        }
        let home = home_after(planner, &linear);
        return walk.take(planner, place, Leaf::Linear(Box::new(linear)), Take::before(map.clone(), home));
    }
    let moved = passage::push(&op, slot as usize, map).ok_or_else(|| reads_too(planner, value, node))??;
    moved.iter().try_for_each(|(slot, map)| match graph.output(node, *slot) {
        Some(output) => push(planner, walk, output, map, depth + 1),
        None => Ok(()),
    })
}

/// The constant Add right after an operator without a bias of its own.
fn home_after(planner: &Planner, linear: &Linear) -> Home {
    let graph = planner.graph;
    let output = graph.output(linear.node, 0).filter(|_| matches!(linear.bias, Bias::None));
    let Some(output) = output.filter(|output| check_inside(graph, *output).is_ok()) else { return Home::None };
    let mut uses = graph.data_uses(output);
    let (Some(usage), None) = (uses.next(), uses.next()) else { return Home::None };
    match planner.source(usage.node) {
        Some(Source { node, map, kind: Kind::Sum, data }) if *data == usage.slot as usize => {
            match planner.is_gone(*node) || graph.node(*node).scope != graph.node(linear.node).scope {
                true => Home::None,
                false => Home::At { node: *node, data: *data, total: map.clone(), direct: true },
            }
        }
        _ => Home::None,
    }
}

/// A reader that does not take the map in, beside others that might.
fn reads_too(planner: &Planner, value: ValueId, node: NodeId) -> Refusal {
    let others = planner.graph.data_uses(value).nth(1).is_some();
    Refusal { code: if others { Code::OtherReader } else { Code::NoLinearProducer }, ..not_linear(planner, node) }
}

fn not_linear(planner: &Planner, node: NodeId) -> Refusal {
    let op = planner.operator(node);
    op.refuse(Code::NoLinearProducer, format!("{} reads its output", op.label()))
}
