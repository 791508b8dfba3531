//! Parts of constants, and constants side by side.

use super::dense::Dense;
use super::evaluate::{Inputs, Kind, Plan, normalise, product};
use crate::graph::slice::places;
use crate::onnx::schema::NodeProto;
use std::rc::Rc;

/// Concat: the inputs in turn, in chunks of what lies behind the axis.
pub(super) fn concat(inputs: Inputs, node: &NodeProto) -> Option<Plan> {
    let all = inputs.iter().map(Option::as_ref).collect::<Option<Vec<&Rc<Dense>>>>()?;
    let first = all.first()?;
    // Until version 3 the axis is 1 where it is not given.
    let axis = normalise(&[node.int("axis", 1)], first.shape.len())?[0];
    let mut shape = first.shape.clone();
    shape[axis] = 0;
    for input in &all {
        let fits = |other: usize| other == axis || input.shape[other] == first.shape[other];
        if input.element != first.element || input.shape.len() != shape.len() || !(0..shape.len()).all(fits) {
            return None;
        }
        shape[axis] = shape[axis].checked_add(input.shape[axis])?;
    }
    product(&shape)?;
    let chunks = all.iter().map(|input| product(&input.shape[axis..])).collect::<Option<_>>()?;
    Some(Plan { element: first.element, shape, kind: Kind::Join(chunks) })
}

/// The elements of all inputs, so many of each at a time.
pub(super) fn joined(inputs: Inputs, chunks: &[usize]) -> Option<Vec<f64>> {
    let mut rest = inputs.iter().map(|input| Some(input.as_ref()?.values.as_slice())).collect::<Option<Vec<_>>>()?;
    let mut out = Vec::with_capacity(rest.iter().map(|values| values.len()).sum());
    while rest.iter().any(|values| !values.is_empty()) {
        for (values, chunk) in rest.iter_mut().zip(chunks) {
            let (head, tail) = values.split_at_checked(*chunk)?;
            out.extend_from_slice(head);
            *values = tail;
        }
    }
    Some(out)
}

/// Gather: the axis becomes those of the indices.
pub(super) fn gather(data: &Dense, indices: &Dense, node: &NodeProto) -> Option<Plan> {
    let axis = normalise(&[node.int("axis", 0)], data.shape.len())?[0];
    let places = normalise(&indices.integers()?, data.shape[axis])?;
    let shape = [&data.shape[..axis], &indices.shape, &data.shape[axis + 1..]].concat();
    product(&shape)?;
    let mut all = everything(&data.shape);
    all[axis] = places;
    Some(Plan { element: data.element, shape, kind: Kind::Pick(data.shape.clone(), all) })
}

/// Slice, in its form of attributes (until version 9) and of inputs.
pub(super) fn slice(data: &Dense, inputs: Inputs, node: &NodeProto) -> Option<Plan> {
    let list = |slot: usize, name: &str| match inputs.get(slot).and_then(Option::as_ref) {
        Some(input) => input.integers(),
        None => node.ints(name).map(<[i64]>::to_vec),
    };
    let (starts, ends) = (list(1, "starts")?, list(2, "ends")?);
    let axes = list(3, "axes").unwrap_or_else(|| (0..starts.len() as i64).collect());
    let axes = normalise(&axes, data.shape.len())?;
    let steps = list(4, "").unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return None;
    }
    let is_twice = |(place, axis): (usize, &usize)| axes[..place].contains(axis);
    if axes.iter().enumerate().any(is_twice) {
        return None;
    }
    let mut all = everything(&data.shape);
    for (place, axis) in axes.into_iter().enumerate() {
        all[axis] = places(starts[place], ends[place], steps[place], data.shape[axis])?.collect();
    }
    let shape = all.iter().map(Vec::len).collect();
    Some(Plan { element: data.element, shape, kind: Kind::Pick(data.shape.clone(), all) })
}

/// All places of each axis.
fn everything(shape: &[usize]) -> Vec<Vec<usize>> {
    // Without elements, there is nothing to take.
    let is_empty = shape.contains(&0);
    shape.iter().map(|length| if is_empty { vec![] } else { (0..*length).collect() }).collect()
}

/// The elements at these places of each axis, row-major.
pub(super) fn picked(values: &[f64], shape: &[usize], places: &[Vec<usize>]) -> Vec<f64> {
    let mut picked = vec![0];
    for (axis, places) in places.iter().enumerate() {
        let stride: usize = shape[axis + 1..].iter().product();
        picked = picked.iter().flat_map(|start| places.iter().map(move |place| start + place * stride)).collect();
    }
    picked.into_iter().map(|place| values[place]).collect()
}
