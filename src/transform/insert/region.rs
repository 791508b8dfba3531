//! Activations, in one node or in several.
//!
//! Exporters write SiLU as `x · Sigmoid(x)`, HardSwish as `x · Clip(x + 3, 0, 6) / 6`, GELU by Erf or
//! by Tanh, Mish as `x · Tanh(Softplus(x))`, ReLU6 by Min and Max. What they have in common is taken
//! for the definition: a region of pointwise nodes that reads the value and single numbers, takes in
//! all readers of the value, and gives on only what is not affine in it.
//!
//! ```text
//! v ──┬── Sigmoid ──┐
//!     └──────────── Mul ── h       all readers of v are inside: h = φ(v)
//! ```
//!
//! The region begins with the value and grows by one node at a time until no reader of an affine
//! value is left outside. Several activations may read one value (concatenated ReLU: `Relu(x)` and
//! `Relu(−x)`); a residual Add may not read it beside them: it would see the value normalised.

use super::pointwise::{Operand, Shape, shape};
use crate::graph::{NodeId, Use, Value, ValueId};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};
use std::collections::{BTreeMap, BTreeSet};

/// No activation has more nodes, or readers of one value.
const MOST: usize = 48;

/// The nodes of the activation that reads a value of this rank, in graph order; `op` is the node that
/// makes the value.
///
/// # Errors
/// The refusal, when nothing that reads the value is an activation, or something else does as well.
pub fn activation(op: &Operator, value: ValueId, rank: usize) -> Result<Vec<NodeId>, Refusal> {
    let mut region =
        Region { op: *op, rank, shapes: BTreeMap::from([(value, Shape::Straight)]), nodes: BTreeSet::new() };
    if op.graph.value(value).uses.len() > MOST {
        let detail = format!("`{}` has more than {MOST} readers", op.graph.name(value));
        return Err(Refusal::new(Code::OtherReader, detail));
    }
    if op.graph.data_uses(value).next().is_none() {
        let detail = format!("nothing reads `{}` but the caller", op.graph.name(value));
        return Err(Refusal::new(Code::NoActivation, detail));
    }
    while let Some(open) = region.open() {
        if region.nodes.len() >= MOST || !region.grow() {
            return Err(region.refusal(value, open));
        }
    }
    Ok(region.nodes.into_iter().collect())
}

struct Region<'a> {
    op: Operator<'a>,
    /// The rank of all values: a constant of a higher rank would raise it.
    rank: usize,
    /// The values of the region.
    shapes: BTreeMap<ValueId, Shape>,
    nodes: BTreeSet<NodeId>,
}

impl Region<'_> {
    /// The first reader outside of a value that is affine in the first one.
    fn open(&self) -> Option<Use> {
        self.outside(Shape::Straight).next()
    }

    /// Who reads values of this shape, and is not in the region, in graph order.
    fn outside(&self, shape: Shape) -> impl Iterator<Item = Use> {
        let values = self.shapes.iter().filter(move |(_, of)| **of == shape).map(|(value, _)| *value);
        let mut uses: Vec<Use> = values
            .flat_map(|value| self.op.graph.data_uses(value).take(MOST))
            .filter(|usage| !self.nodes.contains(&usage.node))
            .collect();
        uses.sort_unstable_by_key(|usage| usage.node);
        uses.into_iter()
    }

    /// Takes one more node in: one that reads what is affine, or else one that leads on from what is
    /// not, because the two may meet again.
    fn grow(&mut self) -> bool {
        let candidates = self.outside(Shape::Straight).chain(self.outside(Shape::Curved));
        let found = candidates.map(|usage| usage.node).find_map(|node| Some((node, self.shape_of(node)?)));
        let Some((node, shape)) = found else { return false };
        self.nodes.insert(node);
        if let Some(output) = self.op.graph.output(node, 0) {
            self.shapes.insert(output, shape);
        }
        true
    }

    /// What a node makes of the values inside; `None` if it does not belong there.
    fn shape_of(&self, node: NodeId) -> Option<Shape> {
        let graph = self.op.graph;
        let (first, _) = self.shapes.first_key_value()?;
        let op = Operator { node, ..self.op };
        let same_scope = graph.node(node).scope == graph.value(*first).scope;
        if !same_scope || op.has_references() || graph.output(node, 0).is_none() {
            return None;
        }
        let shape = shape(&op, |value| match self.shapes.get(&value) {
            Some(shape) => Operand::Inside(*shape),
            None if self.is_scalar(value) => Operand::Scalar,
            None => Operand::Other,
        })?;
        // All readers of what is affine have to be looked at.
        let leaks = |data: &Value| data.is_seen_outside() || data.uses.len() > MOST;
        let is_straight = shape == Shape::Straight;
        (!is_straight || !op.output(0).is_some_and(|output| leaks(graph.value(output)))).then_some(shape)
    }

    /// Whether a value is one number, of no higher rank than the value.
    fn is_scalar(&self, value: ValueId) -> bool {
        let known = self.op.constants.type_and_shape(value);
        known.is_ok_and(|(_, shape)| shape.len() <= self.rank && shape.iter().all(|length| *length == 1))
    }

    /// Why there is no region: `open` cannot be taken in.
    fn refusal(&self, value: ValueId, open: Use) -> Refusal {
        let graph = self.op.graph;
        let name = graph.name(value);
        let reader = format!("{} `{}`", graph.op_label(open.node), graph.label(open.node));
        let is_captured = graph.node(open.node).scope != graph.value(value).scope;
        // Whether anything that reads it is an activation.
        let has_curve = self.shapes.values().any(|shape| *shape == Shape::Curved);
        let (code, detail) = match (is_captured, has_curve) {
            (true, _) => (Code::SubgraphCapture, format!("`{name}` is read in a subgraph, by {reader}")),
            (_, true) => (Code::OtherReader, format!("`{name}` is read by an activation, but by {reader} as well")),
            _ => (Code::NoActivation, format!("`{name}` is read by {reader}, which is no activation")),
        };
        Refusal::because_of(graph, open.node, code, detail)
    }
}
