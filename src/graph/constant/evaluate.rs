//! The operators that constants are computed with. What is not here is not evaluated: the
//! value then counts as computed, and a fold that needs it is refused.

use super::dense::{Dense, UNKNOWN};
use super::pick;
use crate::onnx::element::DataType;
use crate::onnx::schema::NodeProto;
use bstr::{BStr, ByteSlice};
use std::ops::Range;
use std::rc::Rc;

/// The operators that [`prepare`] knows, and `Constant`.
const OPERATORS: [&str; 21] = [
    "Constant",
    "Identity",
    "Cast",
    "CastLike",
    "Shape",
    "ConstantOfShape",
    "Expand",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Concat",
    "Gather",
    "Slice",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Neg",
    "Sqrt",
];

/// Whether nodes of this standard operator are evaluated when their inputs are constant.
pub fn is_evaluable(op: &BStr) -> bool {
    op.to_str().is_ok_and(|op| OPERATORS.contains(&op))
}

/// What a node will compute: type, shape, and how.
pub(super) struct Plan {
    pub(super) element: DataType,
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// The elements of the first input, in order.
    Same,
    /// The lengths of these axes of the first input.
    Lengths(Range<usize>),
    /// One number everywhere.
    Fill(f64),
    /// The first input, broadcast.
    Broadcast,
    /// The first input with its axes in this order.
    Permute(Vec<usize>),
    /// Of the first input, taken as a tensor of this shape, these places of each axis.
    Pick(Vec<usize>, Vec<Vec<usize>>),
    /// All inputs in turn, so many elements of each at a time.
    Join(Vec<usize>),
    /// A function of each element.
    Each(fn(f64) -> f64),
    /// A function of each pair of elements, broadcast.
    Pairs(fn(f64, f64) -> f64),
}

pub(super) type Inputs<'a> = &'a [Option<Rc<Dense>>];

/// No tensor of a network has more axes.
const HIGHEST_RANK: usize = 64;

/// Plans a node; `None` when its inputs are not what the operator wants.
pub(super) fn prepare(op: &str, node: &NodeProto, inputs: Inputs, opset: i64) -> Option<Plan> {
    let first = inputs.first()?.as_ref().filter(|first| first.shape.len() <= HIGHEST_RANK)?;
    let second = || inputs.get(1).and_then(Option::as_ref);
    let reshaped = |shape: Option<Vec<usize>>| {
        let shape = shape.filter(|shape| product(shape) == Some(first.values.len()))?;
        Some(Plan { element: first.element, shape, kind: Kind::Same })
    };
    let each =
        |f: fn(f64) -> f64| Some(Plan { element: first.element, shape: first.shape.clone(), kind: Kind::Each(f) });
    match op {
        "Identity" => reshaped(Some(first.shape.clone())),
        "Cast" => cast(first, DataType::from_code(i32::try_from(node.int("to", 0)).ok()?)?),
        "CastLike" => cast(first, second()?.element),
        "Shape" => axis_lengths(first, node),
        "ConstantOfShape" => fill(first, node),
        "Expand" => {
            let shape = broadcast(&first.shape, &lengths(second()?)?)?;
            Some(Plan { element: first.element, shape, kind: Kind::Broadcast })
        }
        "Reshape" => reshaped(reshape(first, node, second().map(|shape| &**shape))),
        "Flatten" => reshaped(flatten(first, node.int("axis", 1))),
        "Squeeze" => reshaped(squeeze(first, axes(node, second().map(|axes| &**axes)))),
        "Unsqueeze" => reshaped(unsqueeze(first, &axes(node, second().map(|axes| &**axes))?)),
        "Transpose" => transpose(first, node.ints("perm")),
        "Concat" => pick::concat(inputs, node),
        "Gather" => pick::gather(first, second()?, node),
        "Slice" => pick::slice(first, inputs, node),
        "Neg" => has_arithmetic(first).then(|| each(|x| -x))?,
        "Sqrt" => first.float().and(each(f64::sqrt)),
        "Add" => pairs(first, second()?, opset, |a, b| a + b),
        "Sub" => pairs(first, second()?, opset, |a, b| a - b),
        "Mul" => pairs(first, second()?, opset, |a, b| a * b),
        // Integer division truncates; it is not needed for weights.
        "Div" => first.float().and(pairs(first, second()?, opset, |a, b| a / b)),
        _ => None,
    }
}

impl Plan {
    /// How many elements the result has.
    pub(super) fn elements(&self) -> usize {
        product(&self.shape).unwrap_or(usize::MAX)
    }

    /// Computes the result, rounded once to its type.
    pub(super) fn run(self, inputs: Inputs) -> Option<Dense> {
        let first = inputs.first()?.as_ref()?;
        let values = match self.kind {
            Kind::Same => first.values.clone(),
            Kind::Lengths(axes) => first.shape[axes].iter().map(|length| *length as f64).collect(),
            Kind::Fill(value) => vec![value; product(&self.shape)?],
            Kind::Broadcast => strided(&first.values, &self.shape, &strides_for(&first.shape, &self.shape)),
            Kind::Permute(perm) => {
                let strides = strides_for(&first.shape, &first.shape);
                strided(&first.values, &self.shape, &perm.iter().map(|axis| strides[*axis]).collect::<Vec<_>>())
            }
            Kind::Pick(shape, places) => pick::picked(&first.values, &shape, &places),
            Kind::Join(chunks) => pick::joined(inputs, &chunks)?,
            Kind::Each(f) => first.values.iter().map(|value| f(*value)).collect(),
            Kind::Pairs(f) => {
                let second = inputs.get(1)?.as_ref()?;
                let left = strided(&first.values, &self.shape, &strides_for(&first.shape, &self.shape));
                let right = strided(&second.values, &self.shape, &strides_for(&second.shape, &self.shape));
                left.iter().zip(&right).map(|(a, b)| f(*a, *b)).collect()
            }
        };
        let result = Dense { element: self.element, shape: self.shape, values }.rounded();
        let limit = largest(result.element);
        let exact = result.float().is_some() || result.values.iter().all(|value| value.abs() <= limit);
        exact.then_some(result)
    }
}

/// The shape, or since opset 15 the part of it from `start` to `end`, both clamped to the rank.
fn axis_lengths(input: &Dense, node: &NodeProto) -> Option<Plan> {
    if input.shape.contains(&UNKNOWN) {
        return None;
    }
    let rank = input.shape.len() as i64;
    let clamp = |axis: i64| (if axis < 0 { axis.saturating_add(rank) } else { axis }).clamp(0, rank) as usize;
    let start = clamp(node.int("start", 0));
    let axes = start..clamp(node.int("end", rank)).max(start);
    Some(Plan { element: DataType::Int64, shape: vec![axes.len()], kind: Kind::Lengths(axes) })
}

/// Between floats, and from integers: casts to integers truncate and are not needed.
fn cast(input: &Dense, to: DataType) -> Option<Plan> {
    let allowed = to.float().is_some() || to == input.element;
    allowed.then(|| Plan { element: to, shape: input.shape.clone(), kind: Kind::Same })
}

fn fill(shape: &Dense, node: &NodeProto) -> Option<Plan> {
    let shape = lengths(shape)?;
    let Some(attribute) = node.attribute("value") else {
        return Some(Plan { element: DataType::Float, shape, kind: Kind::Fill(0.0) });
    };
    let value = Dense::from_tensor(attribute.t.as_deref()?).ok()?;
    Some(Plan { element: value.element, shape, kind: Kind::Fill(*value.values.first()?) })
}

/// Broadcasting of opset 7 on; before, an attribute placed the axes.
fn pairs(a: &Dense, b: &Dense, opset: i64, f: fn(f64, f64) -> f64) -> Option<Plan> {
    let shape =
        if opset >= 7 { broadcast(&a.shape, &b.shape)? } else { (a.shape == b.shape).then(|| a.shape.clone())? };
    let same = a.element == b.element && has_arithmetic(a);
    same.then_some(Plan { element: a.element, shape, kind: Kind::Pairs(f) })
}

/// Floats, and integers of which [`Plan::run`] checks that they do not wrap around.
fn has_arithmetic(input: &Dense) -> bool {
    input.float().is_some() || matches!(input.element, DataType::Int32 | DataType::Int64)
}

/// The largest magnitude of integers of a type, or that f64 can hold.
fn largest(element: DataType) -> f64 {
    if element == DataType::Int32 { f64::from(i32::MAX) } else { (1u64 << 53) as f64 }
}

fn lengths(shape: &Dense) -> Option<Vec<usize>> {
    let lengths =
        shape.integers()?.into_iter().map(|length| usize::try_from(length).ok()).collect::<Option<Vec<_>>>()?;
    product(&lengths).map(|_| lengths)
}

pub(super) fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length))
}

fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (a, b) if a == b => Some(a),
            (1, other) | (other, 1) => Some(other),
            _ => None,
        })
        .collect()
}

/// Row-major strides of `shape`, aligned to the right of `target`; 0 where it is repeated.
fn strides_for(shape: &[usize], target: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; target.len()];
    let mut stride = 1usize;
    for axis in (0..shape.len()).rev() {
        if shape[axis] != 1 {
            strides[target.len() - shape.len() + axis] = stride;
        }
        // Without elements, strides mean nothing and may be anything.
        stride = stride.wrapping_mul(shape[axis]);
    }
    strides
}

fn strided(values: &[f64], shape: &[usize], strides: &[usize]) -> Vec<f64> {
    let count = product(shape).unwrap_or(0);
    let mut index = vec![0; shape.len()];
    let mut place = 0;
    let mut out = Vec::with_capacity(count);
    for _ in 0..count {
        out.push(values[place]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}

fn reshape(input: &Dense, node: &NodeProto, shape: Option<&Dense>) -> Option<Vec<usize>> {
    let wanted = match shape {
        Some(shape) => shape.integers()?,
        None => node.ints("shape")?.to_vec(),
    };
    let keep_zero = node.int("allowzero", 0) != 0;
    let length = |(axis, length): (usize, &i64)| match length {
        0 if !keep_zero => input.shape.get(axis).copied(),
        -1 => Some(1),
        length => usize::try_from(*length).ok(),
    };
    if wanted.iter().filter(|length| **length == -1).count() > 1 {
        return None;
    }
    let mut shape: Vec<usize> = wanted.iter().enumerate().map(length).collect::<Option<_>>()?;
    if let Some(axis) = wanted.iter().position(|length| *length == -1) {
        shape[axis] = input.values.len().checked_div(product(&shape)?)?;
    }
    Some(shape)
}

fn flatten(input: &Dense, axis: i64) -> Option<Vec<usize>> {
    let rank = input.shape.len() as i64;
    let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok()?;
    let (outer, inner) = input.shape.split_at_checked(axis)?;
    Some(vec![product(outer)?, product(inner)?])
}

pub(super) fn axes(node: &NodeProto, input: Option<&Dense>) -> Option<Vec<i64>> {
    match input {
        Some(axes) => axes.integers(),
        None => node.ints("axes").map(<[i64]>::to_vec),
    }
}

pub(super) fn normalise(axes: &[i64], rank: usize) -> Option<Vec<usize>> {
    let normal = |axis: &i64| usize::try_from(if *axis < 0 { axis + rank as i64 } else { *axis }).ok();
    axes.iter().map(|axis| normal(axis).filter(|axis| *axis < rank)).collect()
}

fn squeeze(input: &Dense, axes: Option<Vec<i64>>) -> Option<Vec<usize>> {
    let drop = match axes {
        Some(axes) => normalise(&axes, input.shape.len())?,
        None => (0..input.shape.len()).filter(|axis| input.shape[*axis] == 1).collect(),
    };
    let kept = (0..input.shape.len()).filter(|axis| !drop.contains(axis));
    Some(kept.map(|axis| input.shape[axis]).collect())
}

fn unsqueeze(input: &Dense, axes: &[i64]) -> Option<Vec<usize>> {
    let rank = input.shape.len() + axes.len();
    if rank > HIGHEST_RANK {
        return None;
    }
    let new = normalise(axes, rank)?;
    let mut old = input.shape.iter();
    (0..rank).map(|axis| if new.contains(&axis) { Some(1) } else { old.next().copied() }).collect()
}

fn transpose(input: &Dense, perm: Option<&[i64]>) -> Option<Plan> {
    let rank = input.shape.len();
    let perm: Vec<usize> = match perm {
        Some(perm) => perm.iter().map(|axis| usize::try_from(*axis).ok()).collect::<Option<_>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return None;
    }
    let shape = perm.iter().map(|axis| input.shape[*axis]).collect();
    Some(Plan { element: input.element, shape, kind: Kind::Permute(perm) })
}
