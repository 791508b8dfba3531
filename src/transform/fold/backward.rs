//! From a node that applies a map back to what can take it in.

use super::home::Home;
use super::planner::Planner;
use super::site::{Leaf, Place};
use super::source::{Kind, Source};
use super::walk::{Mark, Take, Walk};
use crate::affine::Affine;
use crate::graph::{NodeId, ValueId};
use crate::linear;
use crate::operator::Operator;
use crate::passage;
use crate::refusal::{Code, Refusal};
use crate::transform::readers::check_sole;

/// How many joins may be nested.
const DEEPEST: usize = 64;

/// A place on the way: what is done to a value that a node reads.
#[derive(Clone)]
struct Step {
    value: ValueId,
    reader: NodeId,
    slot: usize,
    map: Affine,
    /// The constant Add nearest to the operator, which can keep the shift.
    home: Home,
    /// The maps where the shift of an operator has its place already.
    at_homes: Vec<(NodeId, Affine)>,
}

/// A node that could take the map in, if nothing before it does.
struct Fallback {
    source: Source,
    step: Step,
    mark: Mark,
}

/// Where the way leads from a node.
enum Next {
    /// To the value before.
    To(Step),
    /// The map has been taken in.
    End,
}

/// Follows the map of a source to all operators that have to take it in.
///
/// # Errors
/// The refusal, when one of them does not.
pub fn backward(planner: &Planner, source: &Source) -> Result<Walk, Refusal> {
    source.check_name(planner.graph)?;
    let missing = || Refusal::new(Code::Malformed, "its input is missing");
    let value = planner.graph.input(source.node, source.data).ok_or_else(missing)?;
    let mut walk = Walk::new(source.node);
    let (reader, slot, map) = (source.node, source.data, source.map.clone());
    let home = home_of(source, &source.map);
    pull(planner, &mut walk, Step { value, reader, slot, map, home, at_homes: Vec::new() }, 0)?;
    Ok(walk)
}

fn home_of(source: &Source, total: &Affine) -> Home {
    match source.kind {
        Kind::Sum => Home::At { node: source.node, data: source.data, total: total.clone(), direct: true },
        _ => Home::None,
    }
}

/// Follows one way back. When it ends at nothing that takes the map in, a node on it that applies a
/// map itself may: the farthest one that can.
fn pull(planner: &Planner, walk: &mut Walk, mut step: Step, depth: usize) -> Result<(), Refusal> {
    let mut fallbacks = Vec::new();
    let refusal = loop {
        match advance(planner, walk, step, depth, &mut fallbacks) {
            Ok(Next::To(next)) => step = next,
            Ok(Next::End) => return Ok(()),
            Err(refusal) => break refusal,
        }
    };
    while let Some(Fallback { source, step, mark }) = fallbacks.pop() {
        walk.rewind(mark);
        let node = source.node;
        if take(planner, walk, node, Leaf::Source(Box::new(source)), step).is_ok() {
            return Ok(());
        }
    }
    Err(refusal)
}

fn advance(
    planner: &Planner,
    walk: &mut Walk,
    mut step: Step,
    depth: usize,
    fallbacks: &mut Vec<Fallback>,
) -> Result<Next, Refusal> {
    let graph = planner.graph;
    walk.step()?;
    if graph.producer(step.value).is_none() {
        return constant(planner, walk, step);
    }
    check_sole(graph, step.value, step.reader, step.slot)?;
    // Who reads the values between nodes that vanish was looked at when they were folded.
    (step.value, step.reader, step.slot) = planner.behind_gone(step.value, step.reader, step.slot);
    let Some(node) = graph.producer(step.value) else { return Err(not_made(planner, step.value)) };
    if let Some(slot) = planner.data_of_gone(node) {
        // It went forward, into what now goes back: nothing is left of it on this way.
        walk.consumed.push(node);
        let value = graph.input(node, slot).ok_or_else(|| not_made(planner, step.value))?;
        return Ok(Next::To(Step { value, reader: node, slot, ..step }));
    }
    let op = planner.operator(node);
    if let Some(source) = planner.source(node) {
        return through_source(planner, walk, step, source, fallbacks);
    }
    if let Some(linear) = linear::read(&op) {
        take(planner, walk, node, Leaf::Linear(Box::new(linear?)), step)?;
        return Ok(Next::End);
    }
    let slot = graph.node(node).outputs.iter().position(|output| *output == Some(step.value)).unwrap_or(0);
    let moved = passage::pull(&op, slot, &step.map).ok_or_else(|| not_linear(&op))??;
    let hands_on = passage::hands_on(&op);
    match &moved[..] {
        [(slot, map)] => {
            let value = graph.input(node, *slot).ok_or_else(|| not_linear(&op))?;
            let home = if hands_on { step.home } else { step.home.behind_others() };
            Ok(Next::To(Step { value, reader: node, slot: *slot, map: map.clone(), home, at_homes: step.at_homes }))
        }
        _ => join(planner, walk, &op, moved, depth).map(|()| Next::End),
    }
}

/// Follows the way back from each input of a node that joins them.
fn join(planner: &Planner, walk: &mut Walk, op: &Operator, moved: passage::Moved, depth: usize) -> Result<(), Refusal> {
    if depth > DEEPEST || moved.is_empty() {
        return Err(not_linear(op));
    }
    moved.into_iter().try_for_each(|(slot, map)| {
        let value = op.input(slot).ok_or_else(|| not_linear(op))?;
        let step = Step { value, reader: op.node, slot, map, home: Home::None, at_homes: Vec::new() };
        pull(planner, walk, step, depth + 1)
    })
}

/// A node that applies a map itself: both go on together, if it may vanish.
fn through_source(
    planner: &Planner,
    walk: &mut Walk,
    step: Step,
    source: &Source,
    fallbacks: &mut Vec<Fallback>,
) -> Result<Next, Refusal> {
    let node = source.node;
    let missing = || Refusal::new(Code::Malformed, "its input is missing");
    let value = planner.graph.input(node, source.data).ok_or_else(missing)?;
    if planner.is_home(node) || walk.consumed.contains(&node) {
        // What it does is part of what the operator before it has taken in, on this walk perhaps, by
        // another way.
        let mut at_homes = step.at_homes;
        at_homes.push((node, step.map.clone()));
        return Ok(Next::To(Step { value, reader: node, slot: source.data, at_homes, ..step }));
    }
    if !matches!(source.kind, Kind::Sum) {
        fallbacks.push(Fallback { source: source.clone(), step: step.clone(), mark: walk.mark() });
    }
    if walk.site(planner, Place { node, slot: None }).is_some() || !planner.may_vanish(source) {
        // It stays, and takes the map in.
        return Err(Refusal::new(
            Code::NoLinearProducer,
            format!("`{}` makes its input and stays", planner.graph.label(node)),
        ));
    }
    let Some(map) = source.map.then(&step.map) else {
        let (own, other) = (source.map.axes(), step.map.axes());
        let detail = format!("`{}` has the axes {own:?}, the map after it {other:?}", planner.graph.label(node));
        return Err(Refusal::because_of(planner.graph, node, Code::ShapeMismatch, detail));
    };
    walk.consumed.push(node);
    let home = match home_of(source, &map) {
        Home::None if source.is_norm() => step.home.if_direct().with_total(&map),
        Home::None => step.home,
        home => home,
    };
    Ok(Next::To(Step { value, reader: node, slot: source.data, map, home, at_homes: step.at_homes }))
}

fn not_made(planner: &Planner, value: ValueId) -> Refusal {
    Refusal::new(Code::NoLinearProducer, format!("`{}` is not made by a node", planner.graph.name(value)))
}

/// A constant takes the map itself, if it is joined with other values.
fn constant(planner: &Planner, walk: &mut Walk, step: Step) -> Result<Next, Refusal> {
    let not_made = || not_made(planner, step.value);
    let (element, _) = planner.constants.type_and_shape(step.value).map_err(|_| not_made())?;
    let element = element.float().filter(|_| planner.source(step.reader).is_none()).ok_or_else(not_made)?;
    let place = Place { node: step.reader, slot: Some(step.slot) };
    walk.take(planner, place, Leaf::Constant { value: step.value, element }, Take::after(step.map))?;
    Ok(Next::End)
}

fn take(planner: &Planner, walk: &mut Walk, node: NodeId, leaf: Leaf, step: Step) -> Result<(), Refusal> {
    let place = Place { node, slot: None };
    let home = walk.site(planner, place).map(|site| &site.home);
    let at_home = step.at_homes.into_iter().find(|(at, _)| matches!(home, Some(Home::At { node, .. }) if node == at));
    let take = Take { home: step.home, at_home: at_home.map(|(_, map)| map), ..Take::after(step.map) };
    walk.take(planner, place, leaf, take)
}

fn not_linear(op: &Operator) -> Refusal {
    op.refuse(Code::NoLinearProducer, format!("{} makes its input", op.label()))
}
