//! The algebra of folding a map into the operator before it, once for all operators.

use super::{Bias, Linear};
use crate::affine::ChannelAffine;
use crate::graph::constant::{Constant, Constants};
use crate::graph::{Graph, ValueId};
use crate::onnx::TensorError;
use crate::onnx::element::{FloatType, Scaling};
use crate::onnx::payload::{Payload, Scaled};
use crate::refusal::{Code, Refusal};
use bstr::BString;
use std::sync::Arc;

/// A bias has one element per channel; per row as well, only where the old one was so.
const LARGEST_BIAS: usize = 1 << 26;

/// The bias that a map makes of the old one.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBias {
    /// The shape of the old one, its last axis as long as there are channels.
    pub shape: Vec<usize>,
    /// The elements.
    pub payload: Payload,
}

/// The weight that a map makes of the old one, computed only when it is read. An overflow that
/// shows then carries the `tag`.
///
/// # Errors
/// The refusal, when the old weight cannot be read.
pub fn weight(
    graph: &Graph,
    constants: &Constants,
    linear: &Linear,
    map: &ChannelAffine,
    tag: u32,
) -> Result<Payload, Refusal> {
    let refuse = |reason| Refusal::not_constant(graph, Code::WeightNotConstant, "the weight", reason);
    let source = match constants.find(linear.weight).map_err(refuse)? {
        Constant::Stored(home) => {
            let tensor = constants.stored(home).map_err(refuse)?;
            tensor.little_endian().map_err(|error| refuse(error.into()))?
        }
        Constant::Computed(dense) => linear.element.encode(&dense.values).into(),
    };
    // A model that was folded before and not saved has weights that are not computed yet.
    let source = match source {
        Payload::Scaled(_) => {
            Payload::Memory(source.to_bytes().map_err(|error| refuse(TensorError::from(error).into()))?)
        }
        stored => stored,
    };
    let scaling = Scaling { view: linear.view, factors: map.scale().clone() };
    let tensor: BString = graph.name(linear.weight).into();
    Ok(Payload::Scaled(Arc::new(Scaled { tensor, tag, source, element: linear.element, scaling })))
}

/// The bias that a map makes of the old one: s·g·b + t. `None` when there was none and none
/// is needed.
///
/// # Errors
/// The refusal, when the old bias cannot be read, or the new one does not fit its type.
pub fn bias(
    graph: &Graph,
    constants: &Constants,
    linear: &Linear,
    map: &ChannelAffine,
) -> Result<Option<NewBias>, Refusal> {
    let old = match linear.bias {
        Bias::Operand { value: Some(value), gain, .. } if gain != 0.0 => Some((value, gain)),
        _ => None,
    };
    let Some((value, gain)) = old else {
        check_fits(map.shift(), linear.element, |_| true)?;
        let payload = Payload::from(linear.element.encode(map.shift()));
        return Ok((!map.has_no_shift()).then(|| NewBias { shape: vec![map.channels()], payload }));
    };
    absorb_bias(graph, constants, linear, map, value, gain).map(Some)
}

fn absorb_bias(
    graph: &Graph,
    constants: &Constants,
    linear: &Linear,
    map: &ChannelAffine,
    value: ValueId,
    gain: f64,
) -> Result<NewBias, Refusal> {
    let refuse = |reason| Refusal::not_constant(graph, Code::BiasNotConstant, "the bias", reason);
    let old = constants.dense(value).map_err(refuse)?;
    let channels = map.channels();
    let per_row = old.shape.last().copied().unwrap_or(1);
    let mut shape = old.shape.clone();
    shape.pop();
    let rows: usize = shape.iter().product();
    if rows.checked_mul(channels).is_none_or(|count| count > LARGEST_BIAS) {
        let detail = format!("a bias of {rows} rows and {channels} channels would be too large");
        return Err(Refusal::new(Code::BiasNotConstant, detail));
    }
    shape.push(channels);
    let element = |row: usize, channel: usize| old.values[row * per_row + if per_row == 1 { 0 } else { channel }];
    let place = |index: usize| (index / channels, index % channels);
    let values: Vec<f64> = (0..rows * channels)
        .map(|index| {
            let (row, channel) = place(index);
            map.apply(channel, gain * element(row, channel))
        })
        .collect();
    check_fits(&values, linear.element, |index| {
        let (row, channel) = place(index);
        element(row, channel).is_finite()
    })?;
    Ok(NewBias { shape, payload: linear.element.encode(&values).into() })
}

/// What was finite must stay finite when it is rounded.
fn check_fits(values: &[f64], element: FloatType, was_finite: impl Fn(usize) -> bool) -> Result<(), Refusal> {
    let lost = |(index, value): (usize, &f64)| !element.round(*value).is_finite() && was_finite(index);
    match values.iter().enumerate().find(|entry| lost(*entry)) {
        None => Ok(()),
        Some((_, value)) => {
            let detail = format!("the new bias would hold {value:e}, too large for {}", element.data_type().name());
            Err(Refusal::new(Code::Overflow, detail))
        }
    }
}
