//! What takes maps in, and what that makes of its constants.

use super::source::{Kind, Source};
use super::walk::Take;
use crate::affine::Affine;
use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::bias::{self, Bias, NewConstant};
use crate::linear::quantized::{Requantized, requantized};
use crate::linear::weight;
use crate::linear::{Linear, Takes};
use crate::onnx::element::FloatType;
use crate::onnx::payload::Payload;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

/// Where maps go in: a node, or a constant that a node reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The node.
    pub node: NodeId,
    /// Which of its inputs, if that is a constant that takes the map itself.
    pub slot: Option<usize>,
}

/// What takes maps in.
#[derive(Clone, Debug)]
pub enum Leaf {
    /// An operator with a weight.
    Linear(Box<Linear>),
    /// A BatchNormalization that stays, or a constant Mul or Div.
    Source(Box<Source>),
    /// A constant that is joined with other values.
    Constant {
        /// The constant.
        value: ValueId,
        /// The type of its elements.
        element: FloatType,
    },
}

/// Where the shift goes when the operator has no bias.
#[derive(Clone, Debug)]
pub enum Home {
    /// Nowhere: there is none, or the operator has a bias.
    None,
    /// To an Add that is put right after the operator.
    Inserted,
    /// To a constant Add or Sub that follows.
    At {
        /// The node.
        node: NodeId,
        /// Its input that is not constant.
        data: usize,
        /// All maps on its input; the scale has gone before.
        total: Affine,
        /// Whether nothing between moves axes: what the operator gets is what the node gets.
        direct: bool,
    },
}

/// Something that takes maps in, with all that it takes.
#[derive(Clone, Debug)]
pub struct Site {
    /// What it is.
    pub leaf: Leaf,
    /// The map after it.
    pub after: Affine,
    /// The map before it.
    pub before: Affine,
    /// Where the shift goes.
    pub home: Home,
    /// The constants that follow from that.
    pub edits: Edits,
}

/// New constants.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// The weight of a linear operator; the same type and shape as before.
    pub weight: Option<Payload>,
    /// The inputs of the DequantizeLinear that makes the weight.
    pub requantized: Option<Requantized>,
    /// Its bias; the scale of a BatchNormalization or the factor of a Mul are `scale`.
    pub bias: Option<NewConstant>,
    /// The scale of a BatchNormalization, the factor of a Mul, a constant.
    pub scale: Option<NewConstant>,
    /// What is added after it.
    pub shift: Option<NewConstant>,
}

impl Home {
    /// The same, seen from before an operator that moves elements or combines them.
    pub fn behind_others(self) -> Home {
        match self {
            Home::At { node, data, total, .. } => Home::At { node, data, total, direct: false },
            home => home,
        }
    }

    /// The same, behind other maps as well.
    pub fn with_total(self, total: &Affine) -> Home {
        match self {
            Home::At { node, data, direct, .. } => Home::At { node, data, total: total.clone(), direct },
            home => home,
        }
    }

    /// The same, if nothing lies between it and the operator: only there it is known what another shift
    /// is that has to go there as well.
    pub fn if_direct(self) -> Home {
        match self {
            Home::At { direct: false, .. } => Home::None,
            home => home,
        }
    }
}

impl Site {
    /// Something that nothing has gone into yet.
    pub fn new(leaf: Leaf) -> Site {
        let identity = Affine::scalar(1.0, 0.0);
        let (after, before) = (identity.clone(), identity);
        Site { leaf, after, before, home: Home::None, edits: Edits::default() }
    }

    /// All that happens to the input of a node that applies a map itself.
    pub fn total(&self) -> Option<Affine> {
        match &self.leaf {
            Leaf::Source(source) => self.before.then(&source.map)?.then(&self.after),
            _ => None,
        }
    }

    /// Whether the operator has no place for a shift.
    pub fn lacks_bias(&self) -> bool {
        match &self.leaf {
            Leaf::Linear(linear) => matches!(linear.bias, Bias::None),
            Leaf::Source(source) => matches!(source.kind, Kind::Product),
            Leaf::Constant { .. } => false,
        }
    }

    /// Behind other nodes, a home can keep only the shift of maps that come by it. When another shift
    /// is to be taken in, all go right behind the operator. Returns the node that kept the shift.
    pub fn release(&mut self, take: &Take) -> Option<NodeId> {
        let Home::At { node, direct: false, .. } = self.home else { return None };
        let from_before = self.lacks_bias() && !take.before.has_no_shift();
        let beside = take.at_home.is_none() && !take.after.has_no_shift();
        if self.edits.shift.is_none() || !(from_before || beside) {
            return None;
        }
        self.home = Home::Inserted;
        Some(node)
    }

    /// Finds a place for the shift: where it has one, or at a node that could be one, or in a new one.
    /// Returns whether `candidate` became the place.
    pub fn settle(&mut self, candidate: Home, at_home: Option<Affine>) -> Option<bool> {
        let lacks_bias = self.lacks_bias();
        if self.edits.shift.is_none() {
            // It was not needed.
            self.home = Home::None;
        }
        match (&mut self.home, at_home) {
            (Home::At { total, .. }, Some(map)) => *total = total.then(&map)?,
            (home @ (Home::None | Home::Inserted), _) if !matches!(candidate, Home::None) => {
                *home = candidate;
                return Some(true);
            }
            // Beside a Mul it would be a node for a node.
            (home @ Home::None, _) if lacks_bias && matches!(self.leaf, Leaf::Linear(_)) => *home = Home::Inserted,
            _ => {}
        }
        Some(false)
    }

    /// Whether an Add has to be put after it.
    pub fn adds_node(&self) -> bool {
        matches!(self.home, Home::Inserted) && self.edits.shift.is_some()
    }

    /// Computes the constants. An overflow of the weight that shows later carries the `tag`.
    ///
    /// # Errors
    /// The refusal, when they cannot be had.
    pub fn evaluate(&mut self, op: &Operator, tag: u32) -> Result<(), Refusal> {
        if !self.after.is_finite() || !self.before.is_finite() {
            return Err(Refusal::new(Code::Degenerate, "the maps in a row overflow"));
        }
        if [&self.after, &self.before].into_iter().all(|map| map.has_unit_scale() && map.has_no_shift()) {
            // Nothing is to be written, be it only in another form.
            self.edits = Edits::default();
            return Ok(());
        }
        self.edits = match &self.leaf {
            Leaf::Linear(linear) => self.of_linear(op, linear, tag)?,
            Leaf::Source(source) => self.of_source(op, source)?,
            Leaf::Constant { value, element } => self.of_constant(op, *value, *element)?,
        };
        Ok(())
    }

    fn of_linear(&self, op: &Operator, linear: &Linear, tag: u32) -> Result<Edits, Refusal> {
        let brought = self.brought(op, linear)?;
        let (weight, requantized) = match &linear.weight.quantized {
            None => (weight::scaled(op, &linear.weight, &self.after, &self.before, tag)?, None),
            Some(quantized) => (None, requantized(op, &linear.weight, quantized, &self.after, &self.before)?),
        };
        let element = linear.weight.element;
        let total = brought.as_ref().map_or(Some(self.after.clone()), |brought| brought.then(&self.after));
        let total = total.ok_or_else(|| misfit(op))?;
        let (bias, shift) = match bias::new(op, linear, brought.as_ref(), &self.after) {
            _ if self.lacks_bias() => (None, self.shift(op, &total, element, linear.rank)?),
            Ok(bias) if self.edits.shift.is_none() => (bias, None),
            Err(refusal) if !matches!(self.home, Home::At { .. }) => return Err(refusal),
            // The shift differs along axes that the bias has not: it stays behind the operator.
            _ => {
                let bias = bias::new(op, linear, brought.as_ref(), &self.after.without_shift())?;
                (bias, self.shift(op, &self.after, element, linear.rank)?)
            }
        };
        Ok(Edits { weight, requantized, bias, shift, scale: None })
    }

    /// What the shift before the operator is after it.
    fn brought(&self, op: &Operator, linear: &Linear) -> Result<Option<Affine>, Refusal> {
        if linear.input.takes == Takes::Nothing && !(self.before.has_unit_scale() && self.before.has_no_shift()) {
            return Err(op.refuse(Code::NoLinearProducer, format!("{} is not linear", op.label())));
        }
        if self.before.has_no_shift() {
            return Ok(None);
        }
        if let Takes::Scaling(reason) = &linear.input.takes {
            return Err(op.refuse(Code::Padding, format!("{reason}, which a shift would change")));
        }
        weight::of_shift(op, &linear.weight, &self.before, linear.input.gain).map(Some)
    }

    /// What the Add after an operator adds. `total` is what happens to the output of the operator.
    fn shift(
        &self,
        op: &Operator,
        total: &Affine,
        element: FloatType,
        rank: usize,
    ) -> Result<Option<NewConstant>, Refusal> {
        match &self.home {
            Home::At { node, total: at_node, direct, .. } => {
                if !direct && self.lacks_bias() && !self.before.has_no_shift() {
                    let detail =
                        format!("the shift would have to go to `{}`, behind other nodes", op.graph.label(*node));
                    return Err(op.refuse(Code::ChannelAxis, detail));
                }
                let home = Operator { node: *node, ..*op };
                match direct {
                    true => operand(op, total, rank, element).map(Some),
                    false => operand(op, at_node, rank_of(&home, at_node)?, element).map(Some),
                }
            }
            _ if total.has_no_shift() => Ok(None),
            Home::Inserted if op.graph.is_overridden("Add") => {
                Err(Refusal::new(Code::NameClash, "it would become an Add, which a local function replaces"))
            }
            Home::Inserted => operand(op, total, rank, element).map(Some),
            Home::None => Err(op.refuse(Code::ChannelAxis, format!("{} has no place for a shift", op.label()))),
        }
    }

    fn of_source(&self, op: &Operator, source: &Source) -> Result<Edits, Refusal> {
        let total = self.total().filter(Affine::is_finite).ok_or_else(|| misfit(op))?;
        let element = |slot| {
            let element = op.input(slot).and_then(|value| op.constants.type_and_shape(value).ok());
            element.and_then(|(element, _)| element.float()).ok_or_else(|| misfit(op))
        };
        let Kind::Norm(norm) = &source.kind else {
            if total.scale().len() > source.map.scale().len().max(self.after.scale().len()) {
                // Its constant would grow by an axis: nothing would be gained.
                return Err(misfit(op));
            }
            let element = element(1 - source.data)?;
            let rank = rank_of(op, &total)?;
            let shift = self.shift(op, &total, element, rank)?;
            let factors = Affine::new(total.axes().to_vec(), vec![1.0; total.scale().len()], total.scale().to_vec());
            let scale = Some(operand(op, &factors, rank, element)?);
            return Ok(Edits { scale, shift, ..Edits::default() });
        };
        let channels = norm.channels();
        let total = along_channels(&total, channels).ok_or_else(|| misfit(op))?;
        // y = γ'·(x − μ)/σ + β': μ and σ stay.
        let spread = |channel: usize| (norm.variance[channel] + norm.epsilon).sqrt();
        let scale: Vec<f64> = (0..channels).map(|channel| total.scale()[channel] * spread(channel)).collect();
        let bias =
            (0..channels).map(|channel| total.scale()[channel].mul_add(norm.mean[channel], total.shift()[channel]));
        let bias: Vec<f64> = bias.collect();
        Ok(Edits {
            scale: Some(NewConstant::new(vec![channels], &scale, element(1)?)?),
            bias: Some(NewConstant::new(vec![channels], &bias, element(2)?)?),
            ..Edits::default()
        })
    }

    fn of_constant(&self, op: &Operator, value: ValueId, element: FloatType) -> Result<Edits, Refusal> {
        let refuse = |reason| Refusal::not_constant(op.graph, Code::BiasNotConstant, "a constant operand", reason);
        let old = op.constants.dense(value).map_err(refuse)?;
        let map = Affine::new(old.shape.clone(), vec![1.0; old.values.len()], old.values.clone());
        let new = map.then(&self.after).filter(|new| new.axes() == old.shape).ok_or_else(|| misfit(op))?;
        Ok(Edits { scale: Some(NewConstant::new(old.shape.clone(), new.shift(), element)?), ..Edits::default() })
    }
}

/// The rank of what a node makes. A map that is the same everywhere needs none.
fn rank_of(op: &Operator, map: &Affine) -> Result<usize, Refusal> {
    let any = map.dependent().next().is_none().then_some(map.axes().len());
    let unknown = || op.refuse(Code::ChannelAxis, format!("the rank of what {} makes is not known", op.label()));
    op.output_axes(0).map(|axes| axes.len()).or(any).ok_or_else(unknown)
}

/// The shift of a map as an operand of a tensor of this rank. Before opset 7 only a vector along the
/// last axis is broadcast without further ado.
pub(super) fn operand(op: &Operator, map: &Affine, rank: usize, element: FloatType) -> Result<NewConstant, Refusal> {
    let new = NewConstant::shift_of(map, rank, element)?;
    match op.opset() < 7 && new.shape.len() > 1 {
        true => Err(op.refuse(Code::ChannelAxis, format!("{} broadcasts in the manner of opset 6", op.label()))),
        false => Ok(new),
    }
}

fn misfit(op: &Operator) -> Refusal {
    op.refuse(Code::ChannelAxis, format!("{} has not the axes that the map depends on", op.label()))
}

/// A map that depends on axis 1 only, told for all channels.
fn along_channels(map: &Affine, channels: usize) -> Option<Affine> {
    let others = (0..map.axes().len()).filter(|axis| *axis != 1);
    let map = others.into_iter().try_fold(map.clone(), |map, axis| map.without(axis))?;
    matches!(map.length(1), 1).then_some(()).or((map.length(1) == channels).then_some(()))?;
    Some(map.expanded(&[1, channels]))
}

impl Place {
    /// The operator that is there.
    pub fn operator(&self, graph: &Graph, leaf: &Leaf) -> String {
        match leaf {
            Leaf::Linear(linear) => linear.operator.to_owned(),
            Leaf::Source(_) => graph.op_label(self.node),
            Leaf::Constant { .. } => format!("a constant of {}", graph.op_label(self.node)),
        }
    }
}
