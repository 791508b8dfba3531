//! What a place makes of the maps that it has taken in: its new constants, each rounded once.

use super::home::Home;
use super::site::{Leaf, Site};
use super::source::{Kind, Source};
use crate::affine::Affine;
use crate::graph::ValueId;
use crate::linear::bias::{self, NewConstant};
use crate::linear::quantized::{Requantized, requantized};
use crate::linear::weight;
use crate::linear::{Linear, Takes};
use crate::onnx::element::FloatType;
use crate::onnx::payload::Payload;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

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

impl Site {
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
                let bias = bias::new(op, linear, brought.as_ref(), &self.own())?;
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
        let brought = weight::of_shift(op, &linear.weight, &self.before, linear.input.gain)?;
        if !brought.is_finite() {
            // ∞·s·x + ∞·t need not be ∞·(s·x + t).
            let detail = format!("what the weight of {} makes of the shift is not finite", op.label());
            return Err(op.refuse(Code::Overflow, detail));
        }
        Ok(Some(brought))
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
        let total = total.along_channels(channels).ok_or_else(|| misfit(op))?;
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
pub fn operand(op: &Operator, map: &Affine, rank: usize, element: FloatType) -> Result<NewConstant, Refusal> {
    let new = NewConstant::shift_of(map, rank, element)?;
    match op.opset() < 7 && new.shape.len() > 1 {
        true => Err(op.refuse(Code::ChannelAxis, format!("{} broadcasts in the manner of opset 6", op.label()))),
        false => Ok(new),
    }
}

fn misfit(op: &Operator) -> Refusal {
    op.refuse(Code::ChannelAxis, format!("{} has not the axes that the map depends on", op.label()))
}
