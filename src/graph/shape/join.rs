//! Concat, Split and Gather.

use super::call::{Call, Setting};
use super::{Axes, HIGHEST_RANK, Length};

/// The lengths along the axis are added; all others are the same in all inputs.
pub(super) fn concat(call: &mut Call) -> Axes {
    let inputs = call.graph.node(call.node).inputs.len();
    let shapes: Vec<Axes> = (0..inputs).map(|slot| call.axes(slot)).collect();
    let mut out = shapes.iter().flatten().next()?.clone();
    // Until version 3 the axis is 1 where it is not given.
    let axis = call.axis(1, out.len())?;
    let along = shapes.iter().map(|axes| axes.as_ref()?.get(axis)?.known());
    let sum = along.into_iter().try_fold(0usize, |sum, length| sum.checked_add(length?));
    for axes in shapes.iter().flatten() {
        if axes.len() != out.len() {
            return None;
        }
        for other in (0..out.len()).filter(|other| *other != axis) {
            out[other] = call.facts.symbols.unify(out[other], axes[other], call.scope)?;
        }
    }
    if inputs > 1 {
        out[axis] = call.or_fresh(sum.map(Length::Known));
    }
    Some(out)
}

/// Parts of given sizes, or equal ones, of which since version 18 the last may be smaller.
pub(super) fn split(call: &mut Call) -> Vec<Axes> {
    let outputs = call.graph.node(call.node).outputs.len();
    let unknown = vec![None; outputs];
    let Some(axes) = call.axes(0) else { return unknown };
    let Some(axis) = call.axis(0, axes.len()) else { return unknown };
    let mut parts: Vec<Option<Length>> = match call.setting("split", 1) {
        Setting::Given(sizes) => sizes.iter().map(|size| usize::try_from(*size).ok().map(Length::Known)).collect(),
        Setting::Unknown => vec![],
        Setting::Absent => equal_parts(call, axes[axis], outputs),
    };
    parts.resize(outputs, None);
    let part = |length: Option<Length>| {
        let mut out = axes.clone();
        out[axis] = call.or_fresh(length);
        Some(out)
    };
    parts.into_iter().map(part).collect()
}

fn equal_parts(call: &mut Call, whole: Length, outputs: usize) -> Vec<Option<Length>> {
    let count = usize::try_from(call.proto.int("num_outputs", outputs as i64)).ok();
    let Some(count) = count.filter(|count| *count >= outputs && *count > 0) else { return vec![] };
    let Length::Known(length) = whole else {
        let all_equal = call.opset() < 18;
        let part = if count == 1 { Some(whole) } else { all_equal.then(|| call.fresh()) };
        return vec![part; outputs];
    };
    let part = length.div_ceil(count);
    let last = part.checked_mul(count - 1).and_then(|before| length.checked_sub(before));
    let length = |index| if index == count - 1 { last } else { Some(part) };
    (0..outputs).map(|index| length(index).map(Length::Known)).collect()
}

/// The gathered axis becomes those of the indices.
pub(super) fn gather(call: &mut Call) -> Axes {
    let (data, indices) = (call.axes(0)?, call.axes(1)?);
    let axis = call.axis(0, data.len())?;
    let out = [&data[..axis], &indices, &data[axis + 1..]].concat();
    (out.len() <= HIGHEST_RANK).then_some(out)
}
