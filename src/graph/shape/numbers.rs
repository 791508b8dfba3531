//! Small integer tensors: how exporters compute the shapes that they reshape to, and how much they pad.

use super::call::{Call, normalized, product};
use super::{HIGHEST_RANK, Length, Number, declared, layout, slice};
use crate::graph::ValueId;
use crate::onnx::element::DataType;

/// Whether it is a type that shapes and indices have.
pub(super) fn is_integer(element: Option<DataType>) -> bool {
    matches!(element, Some(DataType::Int64 | DataType::Int32))
}

/// How many elements a small tensor has, of which no axis is long either.
pub(super) fn count(axes: &[Length]) -> Option<usize> {
    let is_short = |count: &usize| *count <= HIGHEST_RANK;
    axes.iter().try_fold(1, |count: usize, axis| Some(count * axis.known().filter(is_short)?).filter(is_short))
}

/// Elements of a small tensor, row-major: of each axis these places, in this order of axes.
pub(super) fn pick(numbers: &[Number], lengths: &[usize], places: &[(usize, Vec<usize>)]) -> Option<Vec<Number>> {
    let mut picked = vec![0];
    for (axis, places) in places {
        let stride: usize = lengths[axis + 1..].iter().product();
        picked = picked.iter().flat_map(|start| places.iter().map(move |place| start + place * stride)).collect();
    }
    picked.into_iter().map(|place| numbers.get(place).copied()).collect()
}

/// Notes the elements of a value, if it is an integer tensor of as many.
pub(super) fn note(call: &mut Call, value: ValueId, mut numbers: Vec<Number>) {
    let fact = call.facts.of(call.graph, value);
    let counted = fact.shape.and_then(|axes| count(&axes));
    if !is_integer(fact.element) || counted != Some(numbers.len()) {
        return;
    }
    if fact.element == Some(DataType::Int32) {
        let fits = |number: &Number| number.known().is_none_or(|number| i32::try_from(number).is_ok());
        numbers.iter_mut().filter(|number| !fits(number)).for_each(|number| *number = Number::Unknown);
    }
    if numbers.iter().any(|number| *number != Number::Unknown) {
        call.facts.numbers.insert(value, numbers);
    }
}

/// The elements of a node's first output.
pub(super) fn of_first_output(call: &Call, op: &str) -> Option<Vec<Number>> {
    match op {
        "Constant" => {
            let numbers = declared::stored_numbers(call.graph, call.graph.output(call.node, 0)?)?;
            Some(numbers.into_iter().map(Number::Known).collect())
        }
        "Shape" => {
            let axes = call.axes(0)?;
            Some(axes[layout::range_of_shape(call, axes.len())].iter().map(|length| (*length).into()).collect())
        }
        "Size" => Some(vec![product(&call.axes(0)?)?.into()]),
        "Identity" | "Cast" | "CastLike" | "Squeeze" | "Unsqueeze" | "Reshape" => call.numbers(0),
        "Gather" => gather(call),
        "Slice" => slice::numbers(call),
        "Transpose" => transpose(call),
        "Concat" => concat(call),
        "ConstantOfShape" => fill(call),
        "Add" => arithmetic(call, add),
        "Sub" => arithmetic(call, subtract),
        "Mul" => arithmetic(call, multiply),
        "Div" => arithmetic(call, divide),
        _ => None,
    }
}

fn transpose(call: &Call) -> Option<Vec<Number>> {
    let (numbers, lengths) = (call.numbers(0)?, call.known_lengths(0)?);
    let order = layout::permutation(call, lengths.len())?;
    let places: Vec<_> = order.into_iter().map(|axis| (axis, (0..lengths[axis]).collect())).collect();
    pick(&numbers, &lengths, &places)
}

/// Of a vector.
fn gather(call: &Call) -> Option<Vec<Number>> {
    let data = call.numbers(0).filter(|_| call.axes(0).is_some_and(|axes| axes.len() == 1))?;
    let index = |index: Number| Some(data[normalized(index.known()?, data.len())?]);
    Some(call.numbers(1)?.into_iter().map(|place| index(place).unwrap_or(Number::Unknown)).collect())
}

/// Along the first axis.
fn concat(call: &Call) -> Option<Vec<Number>> {
    let rank = call.axes(0)?.len();
    if call.axis(1, rank)? != 0 {
        return None;
    }
    let mut all = Vec::new();
    for slot in 0..call.graph.node(call.node).inputs.len() {
        all.extend(call.numbers(slot)?);
        if all.len() > HIGHEST_RANK {
            return None;
        }
    }
    Some(all)
}

fn fill(call: &Call) -> Option<Vec<Number>> {
    let lengths: Option<Vec<Length>> = call.numbers(0)?.into_iter().map(Number::length).collect();
    let value = call.proto.attribute("value")?.t.as_deref()?;
    let [number] = value.int_values().ok()?[..] else { return None };
    Some(vec![Number::Known(number); count(&lengths?)?])
}

/// Elementwise, or one number with all of a vector.
fn arithmetic(call: &Call, pair: fn(Number, Number) -> Option<Number>) -> Option<Vec<Number>> {
    let (a, b) = (call.numbers(0)?, call.numbers(1)?);
    let count = a.len().max(b.len());
    let at = |numbers: &[Number], index: usize| {
        if numbers.len() == 1 { Some(numbers[0]) } else { numbers.get(index).copied() }
    };
    (0..count).map(|index| Some(pair(at(&a, index)?, at(&b, index)?).unwrap_or(Number::Unknown))).collect()
}

fn add(a: Number, b: Number) -> Option<Number> {
    match (a, b) {
        (Number::Known(0), other) | (other, Number::Known(0)) => Some(other),
        (a, b) => a.known()?.checked_add(b.known()?).map(Number::Known),
    }
}

fn subtract(a: Number, b: Number) -> Option<Number> {
    match (a, b) {
        (a, Number::Known(0)) => Some(a),
        (Number::Symbol(a), Number::Symbol(b)) if a == b => Some(Number::Known(0)),
        (a, b) => a.known()?.checked_sub(b.known()?).map(Number::Known),
    }
}

fn multiply(a: Number, b: Number) -> Option<Number> {
    match (a, b) {
        (Number::Known(1), other) | (other, Number::Known(1)) => Some(other),
        (a, b) => a.known()?.checked_mul(b.known()?).map(Number::Known),
    }
}

/// Runtimes round negative quotients differently.
fn divide(a: Number, b: Number) -> Option<Number> {
    match (a, b) {
        (a, Number::Known(1)) => Some(a),
        (a, b) => {
            let (a, b) = (a.known().filter(|a| *a >= 0)?, b.known().filter(|b| *b > 0)?);
            Some(Number::Known(a / b))
        }
    }
}
