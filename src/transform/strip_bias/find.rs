//! The constant biases right before a BatchNormalization.

use crate::affine::Affine;
use crate::arithmetic::Arithmetic;
use crate::graph::{NodeId, ValueId};
use crate::linear::bias::NewConstant;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};
use crate::transform::readers::check_sole;

/// More nodes are not looked at.
const LONGEST: usize = 1000;

/// A constant that is added.
#[derive(Clone, Debug)]
pub enum Addend {
    /// The bias of Conv, ConvTranspose or Gemm: their third input.
    Operand {
        /// The node.
        node: NodeId,
        /// What the node is given instead, if it has no form without a bias.
        zero: Option<NewConstant>,
    },
    /// An Add, or a Sub from the data, which vanishes.
    Sum {
        /// The node.
        node: NodeId,
        /// Its input that is not constant.
        data: usize,
    },
    /// A Sub of the data, which becomes a Neg.
    Difference(NodeId),
}

/// All that is added to the input of a BatchNormalization.
#[derive(Debug)]
pub struct Found {
    /// By whom, from the last one on.
    pub addends: Vec<Addend>,
    /// How much together, per channel.
    pub bias: Vec<f64>,
}

/// How what a node makes goes into the input of the BatchNormalization.
struct Way {
    reader: NodeId,
    slot: usize,
    sign: f64,
}

/// Finds the constants that are added before a BatchNormalization of so many channels; none if there
/// are none.
///
/// # Errors
/// The refusal, when there is a bias that cannot be taken away.
pub fn find(norm: &Operator, channels: usize) -> Result<Found, Refusal> {
    let mut found = Found { addends: Vec::new(), bias: vec![0.0; channels] };
    let mut way = Way { reader: norm.node, slot: 0, sign: 1.0 };
    let mut seen = Ok(());
    for _ in 0..LONGEST {
        let Some(value) = norm.graph.input(way.reader, way.slot) else { break };
        let Some(node) = norm.graph.producer(value) else { break };
        seen = seen.and_then(|()| check_sole(norm.graph, value, way.reader, way.slot));
        if seen.is_err() && !found.addends.is_empty() {
            // What is behind is somebody else's too.
            break;
        }
        let op = Operator { node, ..*norm };
        if op.name() == "Identity" {
            way = Way { reader: node, slot: 0, ..way };
            continue;
        }
        let Some(addition) = addition(&op, channels) else { break };
        let (addend, bias) = match seen.clone().and(addition) {
            Ok(addition) => addition,
            Err(refusal) if found.addends.is_empty() => return Err(refusal),
            Err(_) => break,
        };
        found.bias.iter_mut().zip(&bias).for_each(|(sum, bias)| *sum += way.sign * bias);
        let next = match addend {
            Addend::Operand { .. } => None,
            Addend::Sum { data, .. } => Some(Way { reader: node, slot: data, ..way }),
            Addend::Difference(_) => Some(Way { reader: node, slot: 1, sign: -way.sign }),
        };
        found.addends.push(addend);
        let Some(next) = next else { break };
        way = next;
    }
    Ok(found)
}

/// What a node adds, per channel.
type Addition = Result<(Addend, Vec<f64>), Refusal>;

/// `None` if a node adds no constant.
fn addition(op: &Operator, channels: usize) -> Option<Addition> {
    match op.name() {
        "Add" | "Sub" if op.is_constant(0) != op.is_constant(1) => Some(sum(op, channels)),
        "Conv" | "ConvTranspose" | "Gemm" => operand(op, op.input(2)?, channels).transpose(),
        _ => None,
    }
}

fn sum(op: &Operator, channels: usize) -> Addition {
    let read = Arithmetic::read(op).and_then(|sum| Some((sum.data, sum.map.along_channels(channels)?)));
    let Some((data, map)) = read else {
        return Err(op.refuse(Code::ChannelAxis, format!("{} is not known to add one number per channel", op.label())));
    };
    let is_difference = map.scale().iter().any(|scale| *scale < 0.0);
    if is_difference && op.graph.is_overridden("Neg") {
        return Err(Refusal::new(Code::NameClash, "it would become a Neg, which a local function replaces"));
    }
    let addend = if is_difference { Addend::Difference(op.node) } else { Addend::Sum { node: op.node, data } };
    Ok((addend, map.shift().to_vec()))
}

/// `None` if nothing can be taken away.
fn operand(op: &Operator, value: ValueId, channels: usize) -> Result<Option<(Addend, Vec<f64>)>, Refusal> {
    let refuse = |reason| Refusal::not_constant(op.graph, Code::BiasNotConstant, "the bias", reason);
    let bias = op.constants.dense(value).map_err(refuse)?;
    let (gain, rank) = match op.name() {
        "Gemm" if op.has_references() => return Err(op.refuse(Code::InFunction, "each call says what its beta is")),
        "Gemm" => (f64::from(op.graph.proto(op.node).float("beta", 1.0)), 2),
        // One number per channel, which is axis 1.
        _ => (1.0, bias.shape.len() + 1),
    };
    let misfit = || op.refuse(Code::ChannelAxis, format!("{} adds more than one number per channel", op.label()));
    let before = usize::checked_sub(rank, bias.shape.len()).ok_or_else(misfit)?;
    let axes = [vec![1; before], bias.shape.clone()].concat();
    let values: Vec<f64> = bias.values.iter().map(|value| gain * value).collect();
    let map = Affine::new(axes, vec![1.0; values.len()], values).along_channels(channels).ok_or_else(misfit)?;
    if !map.is_finite() {
        return Err(op.refuse(Code::Degenerate, format!("the bias of {} is not finite", op.label())));
    }
    if op.name() != "Gemm" || op.opset() >= 11 {
        return Ok(Some((Addend::Operand { node: op.node, zero: None }, map.shift().to_vec())));
    }
    let Some(element) = bias.float().filter(|_| !map.has_no_shift()) else { return Ok(None) };
    let zero = NewConstant::new(bias.shape.clone(), &vec![0.0; bias.values.len()], element)?;
    Ok(Some((Addend::Operand { node: op.node, zero: Some(zero) }, map.shift().to_vec())))
}
