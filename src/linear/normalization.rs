//! Normalisations with a gain and a bias of their own: `gain · normal(x) + bias`. A map after them
//! goes into gain and bias; before them nothing does.
//!
//! <https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html>, versions 1, 6, 22;
//! GroupNormalization 18 (one gain per group) and 21 (one per channel); LayerNormalization 17;
//! RMSNormalization 23.

use super::bias::{Bias, Layout};
use super::weight::Role;
use super::{Input, Linear, Operand, Takes, one_per_channel, read_bias};
use crate::operator::{Operator, normal_axis};
use crate::refusal::{Code, Refusal};

const NOTHING: Input = Input { slot: 0, gain: 1.0, takes: Takes::Nothing };

pub(super) fn instance(op: &Operator) -> Result<Linear, Refusal> {
    per_channel(op, "InstanceNormalization")
}

pub(super) fn group(op: &Operator) -> Result<Linear, Refusal> {
    if op.opset() >= 21 {
        return per_channel(op, "GroupNormalization");
    }
    Err(op.refuse(Code::ChannelAxis, format!("{} has one factor per group, not per channel", op.label())))
}

fn per_channel(op: &Operator, operator: &'static str) -> Result<Linear, Refusal> {
    let gain = Operand::weight(op, 1, 1)?;
    let [channels] = gain.shape[..] else {
        return Err(
            op.refuse(Code::ShapeMismatch, format!("the scale of {} has the shape {:?}", op.label(), gain.shape))
        );
    };
    let layout = Layout::Along { axis: 1, length: channels };
    Ok(Linear {
        operator,
        node: op.node,
        bias: read_bias(op, 2, 1.0, gain.element, layout, one_per_channel(channels))?,
        weight: gain.with_axes(vec![channels], vec![Role::new(1, [0])], Vec::new()),
        rank: op.input_axes(0).map_or(2, |axes| axes.len()),
        input: NOTHING,
    })
}

pub(super) fn layer(op: &Operator) -> Result<Linear, Refusal> {
    along_last_axes(op, "LayerNormalization")
}

pub(super) fn root_mean_square(op: &Operator) -> Result<Linear, Refusal> {
    let linear = along_last_axes(op, "RMSNormalization")?;
    Ok(Linear { bias: Bias::None, ..linear })
}

/// Gain and bias have the shape of the axes from `axis` on, or are broadcast to it.
fn along_last_axes(op: &Operator, operator: &'static str) -> Result<Linear, Refusal> {
    let gain = Operand::weight(op, 1, 0)?;
    let unknown = || op.refuse(Code::ChannelAxis, format!("the rank of the input of {} is not known", op.label()));
    let rank = op.input_axes(0).map(|axes| axes.len()).ok_or_else(unknown)?;
    let axis = normal_axis(op.int("axis", -1), rank).ok_or_else(unknown)?;
    let fits = |shape: &[usize]| if shape.len() <= rank - axis { Ok(()) } else { Err(Code::ShapeMismatch) };
    let bias = read_bias(op, 2, 1.0, gain.element, Layout::Broadcast, fits)?;
    let wrong = |code| op.refuse(code, format!("the scale of {} has the shape {:?}", op.label(), gain.shape));
    fits(&gain.shape).map_err(wrong)?;
    let first = rank - gain.shape.len();
    let roles = (0..gain.shape.len()).map(|part| Role::new(first + part, [part])).collect();
    let lengths = gain.shape.clone();
    Ok(Linear {
        operator,
        node: op.node,
        bias,
        weight: gain.with_axes(lengths, roles, Vec::new()),
        rank,
        input: NOTHING,
    })
}
