//! The weight and bias of a merged operator.

use super::constant::Source;
use super::operator::{Kind, Operator};
use super::part::Part;
use super::sum::Leaf;
use super::window::Window;
use crate::graph::{Graph, NodeId, Use};
use crate::onnx::element::FloatType;
use crate::onnx::payload::Payload;

/// A merged weight of more elements is not made: it would have to be in memory.
const LARGEST: usize = 1 << 28;
/// A kernel that covers others can have many more taps than they have together, if these lie far
/// apart: then merging costs more than it saves.
const LARGEST_GROWTH: usize = 4;

/// What will be merged.
pub(super) struct Parts<'a> {
    /// The operator that stays.
    pub operator: &'a Operator,
    /// The window that covers all of them.
    pub window: Window,
    /// The operator first.
    pub members: Vec<Member<'a>>,
}

/// One summand.
pub(super) struct Member<'a> {
    /// Which leaf of the sum it is.
    pub index: usize,
    pub leaf: Leaf,
    pub part: Part<'a>,
}

/// A merged operator, and what it replaces.
pub(super) struct Group {
    pub kind: Kind,
    /// The node that stays.
    pub node: NodeId,
    /// The nodes that go.
    pub nodes: Vec<NodeId>,
    /// Where the sum reads the result.
    pub place: Use,
    /// The operands of the sum that go.
    pub removed: Vec<Use>,
    pub element: FloatType,
    pub shape: Vec<usize>,
    pub weight: Payload,
    pub bias: Option<Bias>,
    /// The window, unless it is the one that the node has.
    pub window: Option<Window>,
}

/// The sum of all biases.
pub(super) enum Bias {
    /// It is an input of the operator.
    Own(Vec<f64>),
    /// The operator has none; it is an operand of the sum, where another one was.
    Summand(Use, Vec<f64>),
}

impl Parts<'_> {
    /// The operator that computes all members.
    ///
    /// # Errors
    /// Why there is none.
    pub fn assemble(&self, graph: &Graph, source: &Source) -> Result<Group, String> {
        let place = self.place();
        let kernel = self.kernel(graph, source, place.sign)?;
        let bias = self.bias(source, place.sign)?;
        let Operator { kind, node, element, .. } = *self.operator;
        let is_finite = |values: &[f64]| values.iter().all(|value| element.round(*value).is_finite());
        if !is_finite(&kernel) || !is_finite(&bias) {
            return Err(format!("a merged weight or bias would not fit {}", element.data_type().name()));
        }
        let others = || self.members.iter().map(|member| &member.leaf).filter(|leaf| leaf.place != place.place);
        Ok(Group {
            kind,
            node,
            nodes: self.members.iter().filter_map(|member| self.node_that_goes(graph, member)).collect(),
            place: place.place,
            removed: others().map(|leaf| leaf.place).collect(),
            element,
            shape: self.operator.shape(&self.window),
            weight: element.encode(&self.operator.stored(kernel)).into(),
            bias: self.place_bias(bias, place.sign),
            window: (self.window != self.operator.window).then(|| self.window.clone()),
        })
    }

    /// The leaf where the result will be read: the first one, unless the node that reads it comes
    /// before the operator.
    fn place(&self) -> Leaf {
        let branches = self.members.iter().filter(|member| !matches!(member.part, Part::Constant(_)));
        let behind = branches.filter(|member| member.leaf.place.node > self.operator.node);
        behind.min_by_key(|member| member.index).unwrap_or(&self.members[0]).leaf
    }

    /// The weight as `[outputs, inputs, taps…]`.
    fn kernel(&self, graph: &Graph, source: &Source, sign: f64) -> Result<Vec<f64>, String> {
        let [outputs, inputs] = self.operator.channels;
        let taps = self.check_size()?;
        source.spend(Some(outputs * inputs * taps))?;
        let mut kernel = vec![0.0; outputs * inputs * taps];
        for Member { leaf, part, .. } in &self.members {
            let places = self.window.places(&part.window(self.window.axes.len()));
            match part {
                Part::Operator(operator) => {
                    let values = operator.kernel(graph, source)?;
                    for (slice, own) in kernel.chunks_mut(taps).zip(values.chunks(places.len())) {
                        own.iter().zip(&places).for_each(|(value, place)| slice[*place] += sign * leaf.sign * value);
                    }
                }
                // Output o is input o: in its group, the one with this remainder.
                Part::Channels { scale, .. } => scale.iter().enumerate().for_each(|(output, factor)| {
                    kernel[(output * inputs + output % inputs) * taps + places[0]] += sign * leaf.sign * factor;
                }),
                Part::Constant(_) => {}
            }
        }
        Ok(kernel)
    }

    /// The number of taps of the merged kernel, if there are not too many.
    fn check_size(&self) -> Result<usize, String> {
        let [outputs, inputs] = self.operator.channels;
        let elements = |window: &Window| outputs.checked_mul(inputs)?.checked_mul(window.taps()?);
        let before = self.members.iter().filter_map(|member| elements(&member.part.window(self.window.axes.len())));
        let largest = before.fold(0, usize::saturating_add).saturating_mul(LARGEST_GROWTH).min(LARGEST);
        let taps = elements(&self.window).filter(|count| *count <= largest).and(self.window.taps());
        taps.ok_or_else(|| "the merged weight would be too large".into())
    }

    fn bias(&self, source: &Source, sign: f64) -> Result<Vec<f64>, String> {
        let mut sum = vec![0.0; self.operator.channels[0]];
        for Member { leaf, part, .. } in &self.members {
            let own = match part {
                Part::Operator(operator) => &operator.bias(source)?,
                Part::Channels { shift, .. } => shift,
                Part::Constant(values) => values,
            };
            sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += sign * leaf.sign * own);
        }
        Ok(sum)
    }

    /// Where the bias goes, if one is needed.
    fn place_bias(&self, bias: Vec<f64>, sign: f64) -> Option<Bias> {
        let is_zero = bias.iter().all(|number| *number == 0.0);
        if self.operator.kind != Kind::MatMul {
            return (!is_zero || self.operator.has_bias()).then_some(Bias::Own(bias));
        }
        let place = self.place().place;
        let mut free = self.members.iter().filter(|member| member.leaf.place != place);
        let constant = free.clone().find(|member| matches!(member.part, Part::Constant(_)));
        let leaf = constant.or_else(|| free.next()).filter(|_| !is_zero)?.leaf;
        let bias = bias.into_iter().map(|number| leaf.sign * sign * number).collect();
        Some(Bias::Summand(leaf.place, bias))
    }

    /// The node behind a member, unless it is the operator that stays, or the input, or a constant.
    fn node_that_goes(&self, graph: &Graph, member: &Member) -> Option<NodeId> {
        let is_branch = !matches!(member.part, Part::Constant(_)) && member.leaf.value != self.operator.input;
        graph.producer(member.leaf.value).filter(|node| is_branch && *node != self.operator.node)
    }
}
