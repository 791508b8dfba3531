//! Which axes of a weight a map scales, and what a shift of the input makes of it.

use super::quantized::Quantized;
use crate::affine::{Affine, LARGEST, positions};
use crate::graph::ValueId;
use crate::graph::constant::Constant;
use crate::onnx::TensorError;
use crate::onnx::element::{FloatType, Scaling};
use crate::onnx::payload::{Payload, Scaled};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};
use bstr::BString;
use std::sync::Arc;

/// A constant operand, seen as a tensor of the axes that matter.
#[derive(Clone, Debug)]
pub struct Weight {
    /// Which input of the node it is.
    pub slot: usize,
    /// The value.
    pub value: ValueId,
    /// The type of its elements.
    pub element: FloatType,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The same elements, row-major, along axes that are split where a part of one means something
    /// of its own: `[group, C_out/group, C_in/group, k…]` for the weight of a Conv.
    pub lengths: Vec<usize>,
    /// Which axes of the output it has.
    pub output: Vec<Role>,
    /// Which axes of the input it has.
    pub input: Vec<Role>,
    /// What makes it of integers, if it is not stored as it is.
    pub quantized: Option<Quantized>,
}

/// An axis of the output or input, and the axes of the weight (by their place in `lengths`) that
/// together are it, the outermost first.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The axis of the output or input.
    pub axis: usize,
    /// The axes of the weight.
    pub parts: Vec<usize>,
}

impl Role {
    /// An axis that is these axes of the weight.
    pub fn new(axis: usize, parts: impl Into<Vec<usize>>) -> Self {
        Role { axis, parts: parts.into() }
    }
}

/// The weight that maps on the output and on the input make of the old one, computed only when it is
/// read; `None` when they do not scale. An overflow that shows then carries the `tag`.
///
/// # Errors
/// The refusal, when a map depends on an axis that the weight does not have, or it cannot be read.
pub fn scaled(
    op: &Operator,
    weight: &Weight,
    after: &Affine,
    before: &Affine,
    tag: u32,
) -> Result<Option<Payload>, Refusal> {
    let scalings = [(after, &weight.output), (before, &weight.input)];
    let scalings = scalings.into_iter().filter(|(map, _)| !map.has_unit_scale());
    let scalings = scalings.map(|(map, roles)| scaling(op, weight, roles, &factors_of(map, roles)));
    let scalings = scalings.collect::<Result<Vec<_>, _>>()?;
    if scalings.is_empty() {
        return Ok(None);
    }
    let source = stored(op, weight)?;
    let tensor: BString = op.graph.name(weight.value).into();
    Ok(Some(Payload::Scaled(Arc::new(Scaled { tensor, tag, source, element: weight.element, scalings }))))
}

/// Checks that a map depends only on axes that the weight has.
///
/// # Errors
/// The refusal, when it does not.
pub fn check_axes(op: &Operator, weight: &Weight, roles: &[Role], map: &Affine) -> Result<(), Refusal> {
    map.dependent().try_for_each(|axis| {
        let role = roles.iter().find(|role| role.axis == axis);
        let length = role.map_or(1, |role| role.parts.iter().map(|part| weight.lengths[*part]).product());
        if length == map.length(axis) {
            return Ok(());
        }
        let wanted = map.length(axis);
        // Along an axis of length 1, or without any, the weight is the same for all.
        let detail = match length {
            1 => format!("axis {axis} of {}, along which the map differs, is not an axis of its weight", op.label()),
            _ => format!("{} has {length} {} channels, not {wanted}", op.label(), side(weight, roles)),
        };
        Err(op.refuse(if length == 1 { Code::ChannelAxis } else { Code::Malformed }, detail))
    })
}

/// The factors of a map, without a dependence on axes along which only its shift differs.
pub(super) fn factors_of(map: &Affine, roles: &[Role]) -> Affine {
    let has = |axis: usize| roles.iter().any(|role| role.axis == axis);
    if map.dependent().all(has) {
        return map.clone();
    }
    let others = map.dependent().filter(|axis| !has(*axis));
    others.fold(map.without_shift(), |map, axis| map.without(axis).unwrap_or(map))
}

fn side(weight: &Weight, roles: &[Role]) -> &'static str {
    if roles == weight.output { "output" } else { "input" }
}

/// The elements as they are stored.
fn stored(op: &Operator, weight: &Weight) -> Result<Payload, Refusal> {
    let refuse = |reason| Refusal::not_constant(op.graph, Code::WeightNotConstant, "the weight", reason);
    let source = match op.constants.find(weight.value).map_err(refuse)? {
        Constant::Stored(home) => {
            let tensor = op.constants.stored(home).map_err(refuse)?;
            tensor.little_endian().map_err(|error| refuse(error.into()))?
        }
        Constant::Computed(dense) => weight.element.encode(&dense.values).into(),
    };
    // A model that was folded before and not saved has weights that are not computed yet.
    match source {
        Payload::Scaled(_) => {
            Ok(Payload::Memory(source.to_bytes().map_err(|error| refuse(TensorError::from(error).into()))?))
        }
        stored => Ok(stored),
    }
}

/// For each axis of the weight, how far apart its neighbours are in the map.
pub(super) fn strides(weight: &Weight, roles: &[Role], map: &Affine) -> Vec<usize> {
    let of_map = map.strides(map.axes().len());
    let mut strides = vec![0; weight.lengths.len()];
    for role in roles {
        let mut stride = of_map.get(role.axis).copied().unwrap_or(0);
        for part in role.parts.iter().rev() {
            strides[*part] = stride;
            stride *= weight.lengths[*part];
        }
    }
    strides
}

/// The factors of a weight as [`Scaling`] has them: `[outer, rows, channels, inner]`.
fn scaling(op: &Operator, weight: &Weight, roles: &[Role], map: &Affine) -> Result<Scaling, Refusal> {
    check_axes(op, weight, roles, map)?;
    let lengths = &weight.lengths;
    let strides = strides(weight, roles, map);
    let depends = |axis: &usize| strides[*axis] != 0 && lengths[*axis] != 1;
    let product = |from: usize, to: usize| lengths[from..to].iter().product::<usize>();
    let rank = lengths.len();
    let Some(first) = (0..rank).find(depends) else {
        return Ok(Scaling { view: [1, 1, 1, product(0, rank)], factors: map.scale().clone() });
    };
    let end = (0..rank).rfind(depends).map_or(rank, |last| last + 1);
    // From the first to the last axis that counts there may be one gap of axes that do not.
    let counts = |axis: &usize| depends(axis) || lengths[*axis] == 1;
    let gap = (first..end).find(|axis| !counts(axis));
    let after = gap.and_then(|gap| (gap..end).find(depends));
    let (view, axes) = match (gap, after) {
        (None, _) | (_, None) => {
            ([1, product(0, first), product(first, end), product(end, rank)], (first..end).collect())
        }
        (Some(gap), Some(after)) if product(0, first) == 1 && (after..end).all(|axis| counts(&axis)) => {
            let axes: Vec<usize> = (first..gap).chain(after..end).collect();
            ([product(first, gap), product(gap, after), product(after, end), product(end, rank)], axes)
        }
        // Anything else: one factor for each element but for the inner ones.
        _ => ([1, 1, product(0, end), product(end, rank)], (0..end).collect::<Vec<_>>()),
    };
    let own: Vec<usize> = axes.iter().map(|axis| lengths[*axis]).collect();
    if own.iter().product::<usize>() > LARGEST {
        return Err(op.refuse(Code::ChannelAxis, format!("the weight of {} would need too many factors", op.label())));
    }
    Ok(Scaling { view, factors: factors(map, &own, &axes.iter().map(|axis| strides[*axis]).collect::<Vec<_>>()) })
}

/// The factors along axes of a weight; those of the map itself where they are in the same order.
fn factors(map: &Affine, lengths: &[usize], strides: &[usize]) -> Arc<[f64]> {
    let mut stride = 1;
    let mut in_order = true;
    for (length, own) in lengths.iter().zip(strides).rev() {
        in_order &= *length == 1 || *own == stride;
        stride *= length;
    }
    if in_order && stride == map.scale().len() {
        return map.scale().clone();
    }
    let place = |index: Vec<usize>| index.iter().zip(strides).map(|(at, stride)| at * stride).sum::<usize>();
    positions(lengths).map(|index| map.scale()[place(index)]).collect()
}

/// What the weight makes of a shift of its input, as a shift of the output: W·t, summed over all axes
/// of the weight that the output has not.
///
/// # Errors
/// The refusal, when the weight cannot be read, or the map does not fit it.
pub fn of_shift(op: &Operator, weight: &Weight, map: &Affine, gain: f64) -> Result<Affine, Refusal> {
    check_axes(op, weight, &weight.input, map)?;
    let axes = (0..weight.output.iter().map(|role| role.axis + 1).max().unwrap_or(0))
        .map(|axis| {
            let role = weight.output.iter().find(|role| role.axis == axis);
            role.map_or(1, |role| role.parts.iter().map(|part| weight.lengths[*part]).product())
        })
        .collect::<Vec<usize>>();
    let count: usize = axes.iter().product();
    let sums = Affine::new(axes, vec![1.0; count], vec![0.0; count]);
    let (from, to) = (strides(weight, &weight.input, map), strides(weight, &weight.output, &sums));
    let mut out = vec![0.0; count];
    let mut walk = Walk::new(&weight.lengths, [from, to]);
    each_element(op, weight, |element| {
        let [input, output] = walk.places;
        out[output] += element * map.shift()[input];
        walk.advance();
    })?;
    out.iter_mut().for_each(|sum| *sum *= gain);
    Ok(Affine::new(sums.axes().to_vec(), vec![1.0; count], out))
}

/// All elements of a weight, in order.
fn each_element(op: &Operator, weight: &Weight, mut each: impl FnMut(f64)) -> Result<(), Refusal> {
    if let Some(quantized) = &weight.quantized {
        let unreadable =
            || op.refuse(Code::Quantized, format!("the quantised weight of {} cannot be read", op.label()));
        quantized.dense(op).ok_or_else(unreadable)?.values.into_iter().for_each(each);
        return Ok(());
    }
    let refuse =
        |error| Refusal::not_constant(op.graph, Code::WeightNotConstant, "the weight", TensorError::from(error).into());
    let pieces = stored(op, weight)?;
    pieces.for_each_piece(|piece| weight.element.decode(piece).into_iter().for_each(&mut each)).map_err(refuse)
}

/// All elements of a tensor in order, with the places that two strides give them.
struct Walk<'a> {
    lengths: &'a [usize],
    index: Vec<usize>,
    strides: [Vec<usize>; 2],
    places: [usize; 2],
}

impl<'a> Walk<'a> {
    fn new(lengths: &'a [usize], strides: [Vec<usize>; 2]) -> Self {
        Walk { lengths, index: vec![0; lengths.len()], strides, places: [0, 0] }
    }

    fn advance(&mut self) {
        for axis in (0..self.lengths.len()).rev() {
            self.index[axis] += 1;
            let [a, b] = [self.strides[0][axis], self.strides[1][axis]];
            self.places = [self.places[0] + a, self.places[1] + b];
            if self.index[axis] < self.lengths[axis] {
                return;
            }
            self.places = [self.places[0] - a * self.lengths[axis], self.places[1] - b * self.lengths[axis]];
            self.index[axis] = 0;
        }
    }
}
