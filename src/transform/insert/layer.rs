//! Affine layers: Conv, ConvTranspose, Gemm, MatMul with a constant weight, and the Add of a bias
//! that follows one of them.

use super::options::LayerKind;
use crate::arithmetic::Arithmetic;
use crate::graph::{Graph, NodeId, ValueId};
use crate::linear::bias::Bias;
use crate::linear::weight::{Role, Weight};
use crate::linear::{self, Linear};
use crate::onnx::element::FloatType;
use crate::operator::Operator;
use crate::passage::hands_on;
use crate::refusal::{Code, Refusal};

/// No layer has more nodes behind it that transpose its output.
const LONGEST: usize = 16;

/// An affine layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The nodes that make its output, with the channels there: the operator or the Add of its bias,
    /// then those that transpose it, as long as nobody else sees it. There is at least one.
    pub made: Vec<(NodeId, Option<Channels>)>,
    /// The type of its weight.
    pub element: FloatType,
    /// The input that is not the weight.
    pub data: usize,
    /// The channels of its input.
    pub input: Option<Channels>,
}

/// Which axis of a value its channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// The axis.
    pub axis: usize,
    /// Its length.
    pub count: usize,
    /// The rank of the value.
    pub rank: usize,
}

/// What kind of layer a node may be, and whether its weight is of integers by the operator alone.
pub fn kind(op: &str) -> Option<(LayerKind, bool)> {
    Some(match op {
        "Conv" => (LayerKind::Conv, false),
        "ConvTranspose" => (LayerKind::ConvTranspose, false),
        "Gemm" => (LayerKind::Gemm, false),
        "MatMul" => (LayerKind::MatMul, false),
        "QLinearConv" | "ConvInteger" => (LayerKind::Conv, true),
        "QLinearMatMul" | "MatMulInteger" => (LayerKind::MatMul, true),
        _ => return None,
    })
}

/// Reads a layer.
///
/// # Errors
/// The refusal, when its weight is not a constant of floats, or nothing is known of its axes.
pub fn read(op: &Operator) -> Result<Layer, Refusal> {
    if kind(op.name()).is_some_and(|(_, is_quantized)| is_quantized) {
        return Err(op.refuse(Code::Quantized, format!("{} computes with integers", op.label())));
    }
    if op.name() == "MatMul" {
        check_ranks(op)?;
    }
    let missing = || op.refuse(Code::UnsupportedType, format!("{} is no affine layer", op.label()));
    let linear = linear::read(op).ok_or_else(missing)??;
    if linear.weight.quantized.is_some() {
        return Err(op.refuse(Code::Quantized, format!("the weight of {} is dequantised from integers", op.label())));
    }
    let input_rank = match op.name() {
        "MatMul" => op.input_axes(linear.input.slot).map_or(0, |axes| axes.len()),
        _ => linear.rank,
    };
    let output = channels(&linear.weight, linear.weight.output.last(), linear.rank);
    Ok(Layer {
        made: output.map_or_else(|| vec![(op.node, None)], |output| made(op, &linear, output)),
        element: linear.weight.element,
        data: linear.input.slot,
        input: channels(&linear.weight, linear.weight.input.last(), input_rank),
    })
}

/// Of a product with a constant, the rank of the other factor decides which axis is which.
fn check_ranks(op: &Operator) -> Result<(), Refusal> {
    let unknown = (0..2).find(|slot| !op.is_constant(*slot) && op.input_axes(*slot).is_none());
    let has_weight = op.is_constant(0) || op.is_constant(1);
    match unknown.filter(|_| has_weight) {
        None => Ok(()),
        Some(_) => {
            let detail = format!("the rank of the input of {} is not known", op.label());
            Err(op.refuse(Code::UnknownRank, detail))
        }
    }
}

/// The weight's own axis: the last of its roles.
fn channels(weight: &Weight, role: Option<&Role>, rank: usize) -> Option<Channels> {
    let role = role?;
    let count = role.parts.iter().map(|part| weight.lengths[*part]).product();
    Some(Channels { axis: role.axis, count, rank })
}

/// The nodes that make the layer's output, from the one behind which the layer ends.
fn made(op: &Operator, linear: &Linear, channels: Channels) -> Vec<(NodeId, Option<Channels>)> {
    let last = last(op, linear, channels);
    let mut made = vec![(last, Some(channels))];
    let (mut at, mut channels) = (last, channels);
    while let Some(next) = only_reader(op.graph, at).filter(|_| made.len() < LONGEST) {
        let next_op = Operator { node: next, ..*op };
        if !hands_on(&next_op) {
            let Some(axis) = transposed(&next_op, channels) else { break };
            channels.axis = axis;
        }
        made.push((next, Some(channels)));
        at = next;
    }
    made
}

/// Where a Transpose brings the channels.
fn transposed(op: &Operator, channels: Channels) -> Option<usize> {
    if op.name() != "Transpose" || op.has_references() {
        return None;
    }
    let reversed: Vec<i64> = (0..channels.rank as i64).rev().collect();
    let permutation = op.graph.proto(op.node).ints("perm").unwrap_or(&reversed);
    permutation.iter().position(|from| *from == channels.axis as i64)
}

/// The node that ends the layer: the Add of a bias behind the operator, if there is one.
fn last(op: &Operator, linear: &Linear, channels: Channels) -> NodeId {
    let mut last = op.node;
    let mut has_bias = matches!(&linear.bias, Bias::Operand { value: Some(_), .. });
    let mut at = op.node;
    while let Some(next) = only_reader(op.graph, at) {
        let next_op = Operator { node: next, ..*op };
        if is_bias(&next_op, at, channels, has_bias) {
            (last, has_bias) = (next, true);
        } else if !hands_on(&next_op) {
            break;
        }
        at = next;
    }
    last
}

/// The one node that sees the first output of a node, in the same scope.
fn only_reader(graph: &Graph, node: NodeId) -> Option<NodeId> {
    let value = graph.output(node, 0)?;
    let data = graph.value(value);
    if data.is_seen_outside() || data.uses.len() != 1 {
        return None;
    }
    let reader = data.uses.first()?.node;
    (graph.node(reader).scope == data.scope).then_some(reader)
}

/// Whether a node adds one number per channel. One number for all is no bias, unless there is one
/// channel: `Clip(x + 3, 0, 6) / 6` is an activation.
fn is_bias(op: &Operator, behind: NodeId, channels: Channels, has_bias: bool) -> bool {
    let Some(Arithmetic { data, map }) = Arithmetic::read(op) else { return false };
    let value: Option<ValueId> = op.input(data);
    let reads = value.is_some() && value == op.graph.output(behind, 0);
    let per_channel = map.dependent().eq([channels.axis]) && map.length(channels.axis) == channels.count;
    let single = channels.count == 1 && !has_bias && map.dependent().next().is_none();
    reads && matches!(op.name(), "Add" | "Sub") && map.has_unit_scale() && (per_channel || single)
}

impl Channels {
    /// How to bring the channels to axis 1, and back, for Transpose; `None` if they are there.
    pub fn permutations(&self) -> Option<[Vec<i64>; 2]> {
        if self.axis == 1 || self.rank < 2 {
            return None;
        }
        let mut others = (0..self.rank).filter(|axis| *axis != self.axis);
        let to: Vec<usize> = others.next().into_iter().chain([self.axis]).chain(others).collect();
        let mut back = vec![0; self.rank];
        to.iter().enumerate().for_each(|(place, axis)| back[*axis] = place as i64);
        Some([to.into_iter().map(|axis| axis as i64).collect(), back])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_to_axis_1_and_go_back() {
        let permutations = |axis, rank| Channels { axis, count: 1, rank }.permutations();
        assert_eq!(permutations(1, 4), None);
        assert_eq!(permutations(2, 3), Some([vec![0, 2, 1], vec![0, 2, 1]]));
        assert_eq!(permutations(3, 4), Some([vec![0, 3, 1, 2], vec![0, 2, 3, 1]]));
        assert_eq!(permutations(0, 2), Some([vec![1, 0], vec![1, 0]]));
    }
}
