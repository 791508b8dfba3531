//! The bias that maps make of the old one: s·(g·b + W·t₀) + t.

use super::Linear;
use super::quantized::Quantized;
use crate::affine::{Affine, LARGEST};
use crate::graph::ValueId;
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::payload::Payload;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

/// Where a linear operator has its bias.
#[derive(Clone, Debug)]
pub enum Bias {
    /// An input of the node.
    Operand {
        /// Which input.
        slot: usize,
        /// The bias, unless it is omitted.
        value: Option<ValueId>,
        /// What the operator multiplies the bias with (`beta` of Gemm).
        gain: f64,
        /// Which axes of the output it has.
        layout: Layout,
    },
    /// The operator has none: an Add has to follow.
    None,
}

/// Which axes of the output a bias has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layout {
    /// One axis, all of it.
    Along {
        /// The axis of the output.
        axis: usize,
        /// Its length.
        length: usize,
    },
    /// The last ones, and 1 where it is the same for all.
    Broadcast,
}

/// New elements of a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct NewConstant {
    /// The shape.
    pub shape: Vec<usize>,
    /// The type of the elements.
    pub element: DataType,
    /// The elements.
    pub payload: Payload,
}

impl NewConstant {
    /// A constant with these numbers, each rounded once.
    ///
    /// # Errors
    /// The refusal `overflow`, when one of them does not fit the type.
    pub fn new(shape: Vec<usize>, values: &[f64], element: FloatType) -> Result<NewConstant, Refusal> {
        // What was not finite before may stay so.
        if let Some(value) = values.iter().find(|value| value.is_finite() && !element.round(**value).is_finite()) {
            let detail = format!("a new constant would hold {value:e}, too large for {}", element.data_type().name());
            return Err(Refusal::new(Code::Overflow, detail));
        }
        Ok(NewConstant { shape, element: element.data_type(), payload: element.encode(values).into() })
    }

    /// The shift of a map, to be added to a tensor of this rank.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn shift_of(map: &Affine, rank: usize, element: FloatType) -> Result<NewConstant, Refusal> {
        let shape = aligned(map, rank, 0)?;
        NewConstant::new(shape, map.shift(), element)
    }
}

/// The axes of a map as the shape of a tensor that is broadcast from the last axis on, of at least
/// `least` axes.
fn aligned(map: &Affine, rank: usize, least: usize) -> Result<Vec<usize>, Refusal> {
    let mut axes = map.axes().to_vec();
    if axes.iter().skip(rank).any(|length| *length != 1) {
        return Err(Refusal::new(Code::ChannelAxis, format!("the shift has {} axes, the value {rank}", axes.len())));
    }
    axes.resize(rank, 1);
    let needless = axes.iter().take(rank.saturating_sub(least)).take_while(|length| **length == 1).count();
    Ok(axes.split_off(needless))
}

/// The bias of an operator with a place for one, after maps on its output and a shift that its input
/// brought. `None` when there was none and none is needed.
///
/// # Errors
/// The refusal, when the old bias cannot be read, or the new one does not fit its type or shape.
pub fn new(
    op: &Operator,
    linear: &Linear,
    brought: Option<&Affine>,
    after: &Affine,
) -> Result<Option<NewConstant>, Refusal> {
    let Bias::Operand { value, gain, layout, .. } = linear.bias else { return Ok(None) };
    let old = value.filter(|_| gain != 0.0);
    let old = old.map(|value| read(op, value, gain, layout, linear.rank)).transpose()?;
    let identity = Affine::scalar(1.0, 0.0);
    let sum = old.as_ref().map_or(&identity, |(map, _)| map).then(brought.unwrap_or(&identity));
    let misfit = || op.refuse(Code::ShapeMismatch, format!("the bias of {} has not the axes of the map", op.label()));
    let total = sum.as_ref().and_then(|sum| sum.then(after)).ok_or_else(misfit)?;
    let was_finite = old.as_ref().is_none_or(|(map, _)| map.is_finite());
    if was_finite && !total.shift().iter().all(|value| value.is_finite()) {
        return Err(op.refuse(Code::Overflow, format!("the bias of {} would not be finite", op.label())));
    }
    if old.is_none() && total.has_no_shift() {
        return Ok(None);
    }
    let element = linear.weight.element;
    match layout {
        Layout::Along { axis, length } => {
            let mut axes = vec![1; axis + 1];
            axes[axis] = length;
            // Other axes may be there because the scale of a map differs along them.
            let others: Vec<usize> = total.dependent().filter(|own| *own != axis).collect();
            let total =
                others.into_iter().try_fold(total.without_scale(), |map, own| map.without(own)).ok_or_else(misfit)?;
            let fits = matches!(total.length(axis), 1) || total.length(axis) == length;
            let total = fits.then(|| total.expanded(&axes)).ok_or_else(misfit)?;
            NewConstant::new(vec![length], total.shift(), element).map(Some)
        }
        Layout::Broadcast => {
            let shape = aligned(&total, linear.rank, old.map_or(0, |(_, rank)| rank))?;
            NewConstant::new(shape, total.shift(), element).map(Some)
        }
    }
}

/// A bias as a shift of the output, and its rank.
fn read(op: &Operator, value: ValueId, gain: f64, layout: Layout, rank: usize) -> Result<(Affine, usize), Refusal> {
    let refuse = |reason| Refusal::not_constant(op.graph, Code::BiasNotConstant, "the bias", reason);
    let old = match Quantized::read(op, value).and_then(|quantized| quantized.dense(op)) {
        Some(dense) => dense.into(),
        None => op.constants.dense(value).map_err(refuse)?,
    };
    let first = match layout {
        Layout::Along { axis, .. } => axis,
        Layout::Broadcast => rank.saturating_sub(old.shape.len()),
    };
    if old.values.len() > LARGEST {
        return Err(op.refuse(Code::BiasNotConstant, format!("the bias of {} is too large", op.label())));
    }
    let axes = [vec![1; first], old.shape.clone()].concat();
    let values = old.values.iter().map(|value| gain * value).collect();
    Ok((Affine::new(axes, vec![1.0; old.values.len()], values), old.shape.len()))
}
