//! Slice, in its form of attributes (until version 9) and of inputs.

use super::call::{Call, Setting, normalized};
use super::numbers::pick;
use super::{Axes, HIGHEST_RANK, Length, Number};
use crate::graph::slice::places;

/// What a slice takes of one axis.
#[derive(Clone, Copy)]
struct Range {
    start: Number,
    end: Number,
    step: Number,
}

pub(super) fn shape(call: &mut Call) -> Axes {
    let mut axes = call.axes(0)?;
    let Some(ranges) = ranges(call, axes.len()) else { return call.fresh_axes(axes.len()) };
    for (axis, range) in ranges {
        axes[axis] = call.or_fresh(range.length(axes[axis]));
    }
    Some(axes)
}

/// The numbers that a slice takes of a small tensor.
pub(super) fn numbers(call: &Call) -> Option<Vec<Number>> {
    let (numbers, lengths) = (call.numbers(0)?, call.known_lengths(0)?);
    let ranges = ranges(call, lengths.len())?;
    let taken = |(axis, length): (usize, &usize)| match ranges.iter().find(|(sliced, _)| *sliced == axis) {
        Some((_, range)) => Some((axis, range.indices(*length)?.collect())),
        None => Some((axis, (0..*length).collect())),
    };
    let taken = lengths.iter().enumerate().map(taken).collect::<Option<Vec<_>>>()?;
    pick(&numbers, &lengths, &taken)
}

/// Which axes are sliced, and how; `None` when not even that is known.
fn ranges(call: &Call, rank: usize) -> Option<Vec<(usize, Range)>> {
    let list = |name, slot| match call.proto.ints(name) {
        Some(attribute) if attribute.len() <= HIGHEST_RANK => {
            Some(attribute.iter().copied().map(Number::Known).collect())
        }
        Some(_) => None,
        None => call.numbers(slot),
    };
    let (starts, ends): (Vec<_>, Vec<_>) = (list("starts", 1)?, list("ends", 2)?);
    let axes = match call.setting("axes", 3) {
        Setting::Given(axes) => axes,
        Setting::Absent => (0..starts.len() as i64).collect(),
        Setting::Unknown => return None,
    };
    let steps = if call.input(4).is_some() { call.numbers(4)? } else { vec![Number::Known(1); starts.len()] };
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return None;
    }
    let range = |index: usize| {
        let range = Range { start: starts[index], end: ends[index], step: steps[index] };
        Some((normalized(axes[index], rank)?, range))
    };
    let ranges = (0..starts.len()).map(range).collect::<Option<Vec<_>>>()?;
    let mut seen = vec![false; rank];
    let twice = ranges.iter().any(|(axis, _)| std::mem::replace(&mut seen[*axis], true));
    (!twice).then_some(ranges)
}

impl Range {
    /// How long the slice of an axis is.
    fn length(self, axis: Length) -> Option<Length> {
        if let Length::Known(length) = axis {
            return self.indices(length).map(|indices| Length::Known(indices.len()));
        }
        // An end far behind every axis means its end, and so does its own length.
        let to_end = self.end == axis.into() || self.end.known().is_some_and(|end| end >= i64::from(i32::MAX));
        (self.start == Number::Known(0) && self.step == Number::Known(1) && to_end).then_some(axis)
    }

    /// Which places of an axis of this length it takes.
    fn indices(self, length: usize) -> Option<impl ExactSizeIterator<Item = usize>> {
        places(self.start.known()?, self.end.known()?, self.step.known()?, length)
    }
}
