//! Convolutions and pools: how often a window fits.

use super::call::Call;
use super::{Axes, HIGHEST_RANK, Length};

/// How a node's window moves along its spatial axes.
struct Window {
    spans: Vec<Span>,
    padding: Padding,
    rounds_up: bool,
}

/// The window along one axis.
struct Span {
    /// How far it reaches, with its dilation.
    extent: i64,
    stride: i64,
    /// Padding before, and on both sides.
    begin: i64,
    pad: i64,
    /// What a ConvTranspose adds at the end.
    output_padding: i64,
}

enum Padding {
    Explicit,
    /// As many outputs as strides in the input.
    Same,
    None,
}

/// The output of a Conv: the input's batch, the weight's channels.
pub(super) fn conv(call: &mut Call, weight_slot: usize) -> Axes {
    let weight = call.axes(weight_slot);
    let channels = weight.as_ref().and_then(|weight| weight.first().copied());
    let kernel = kernel(call, weight.as_deref());
    slide(call, weight.as_ref().map(Vec::len), Some(channels), kernel, Window::slide)
}

/// The output of a ConvTranspose: its weight is `[C, M / group, …]`.
pub(super) fn conv_transpose(call: &mut Call) -> Axes {
    let weight = call.axes(1);
    let per_group = weight.as_ref().and_then(|weight| weight.get(1).copied());
    let group = call.proto.int("group", 1);
    let channels = per_group.and_then(|length| times(length, group));
    let kernel = kernel(call, weight.as_deref());
    let mut out = slide(call, weight.as_ref().map(Vec::len), Some(channels), kernel, Window::stretch)?;
    if let Some(shape) = call.proto.ints("output_shape") {
        for axis in 2..out.len() {
            let given = (shape.len() + 2 == out.len()).then(|| usize::try_from(shape[axis - 2]).ok()).flatten();
            out[axis] = call.or_fresh(given.map(Length::Known));
        }
    }
    Some(out)
}

/// The output of a pool: the input's batch and channels.
pub(super) fn pool(call: &mut Call) -> Axes {
    let kernel = kernel(call, None);
    let rank = kernel.as_ref().map(|kernel| kernel.len() + 2);
    slide(call, rank, None, kernel, Window::slide)
}

/// A length so many times, if that can be told.
pub(super) fn times(length: Length, factor: i64) -> Option<Length> {
    match (length, factor) {
        (length, 1) => Some(length),
        (Length::Known(length), factor) => length.checked_mul(usize::try_from(factor).ok()?).map(Length::Known),
        _ => None,
    }
}

/// The kernel's lengths: an attribute, or those of the weight.
fn kernel(call: &Call, weight: Option<&[Length]>) -> Option<Vec<i64>> {
    if let Some(kernel) = call.proto.ints("kernel_shape") {
        return Some(kernel.to_vec());
    }
    weight?.get(2..)?.iter().map(|length| i64::try_from(length.known()?).ok()).collect()
}

/// Batch, channels (`None`: those of the input) and what the window makes of each further axis.
fn slide(
    call: &mut Call,
    rank: Option<usize>,
    channels: Option<Option<Length>>,
    kernel: Option<Vec<i64>>,
    length: fn(&Window, usize, Length) -> Option<Length>,
) -> Axes {
    let axes = call.axes(0);
    let rank = axes.as_ref().map(Vec::len).or(rank).filter(|rank| (2..=HIGHEST_RANK).contains(rank))?;
    let axes = axes.or_else(|| call.fresh_axes(rank))?;
    let window = kernel.filter(|kernel| kernel.len() + 2 == rank).and_then(|kernel| Window::read(call, &kernel));
    let channels = match channels {
        Some(channels) => call.or_fresh(channels),
        None => axes[1],
    };
    let mut out = vec![axes[0], channels];
    for (index, axis) in axes[2..].iter().enumerate() {
        let length = window.as_ref().and_then(|window| length(window, index, *axis));
        out.push(call.or_fresh(length));
    }
    Some(out)
}

impl Window {
    fn read(call: &Call, kernel: &[i64]) -> Option<Window> {
        let count = kernel.len();
        let list = |name, count, default| match call.proto.ints(name) {
            Some(list) if !list.is_empty() => (list.len() == count).then(|| list.to_vec()),
            _ => Some(vec![default; count]),
        };
        let (strides, dilations) = (list("strides", count, 1)?, list("dilations", count, 1)?);
        let (pads, output_padding) = (list("pads", 2 * count, 0)?, list("output_padding", count, 0)?);
        let padding = match call.string("auto_pad") {
            b"" | b"NOTSET" => Padding::Explicit,
            b"SAME_UPPER" | b"SAME_LOWER" => Padding::Same,
            b"VALID" => Padding::None,
            _ => return None,
        };
        let span = |axis: usize| {
            let positive = strides[axis] > 0 && dilations[axis] > 0 && kernel[axis] > 0;
            let extent = (kernel[axis] - 1).checked_mul(dilations[axis])?.checked_add(1)?;
            let pad = pads[axis].checked_add(pads[count + axis])?;
            let (stride, begin, output_padding) = (strides[axis], pads[axis], output_padding[axis]);
            positive.then_some(Span { extent, stride, begin, pad, output_padding })
        };
        let positive = kernel.iter().all(|length| *length > 0);
        let spans = if positive { (0..count).map(span).collect::<Option<_>>()? } else { return None };
        Some(Window { spans, padding, rounds_up: call.proto.int("ceil_mode", 0) != 0 })
    }

    /// How many windows fit into an axis.
    fn slide(&self, axis: usize, length: Length) -> Option<Length> {
        let span = &self.spans[axis];
        let (begin, pad) = match self.padding {
            Padding::Explicit => (span.begin, span.pad),
            Padding::None => (0, 0),
            Padding::Same if span.stride == 1 => return Some(length),
            Padding::Same => {
                return known(length)?.checked_add(span.stride - 1).and_then(|n| as_length(n / span.stride));
            }
        };
        let slack = pad.checked_sub(span.extent)?;
        if span.stride == 1 && slack == -1 {
            return Some(length);
        }
        let length = known(length)?;
        let room = length.checked_add(slack).filter(|room| *room >= 0)?;
        let down = room / span.stride + 1;
        // A last window that starts in the padding at the end counts in some versions only.
        let up = down + i64::from(room % span.stride != 0);
        let is_in_padding = (up - 1).checked_mul(span.stride)? >= length.checked_add(begin)?;
        match self.rounds_up {
            true if up != down && is_in_padding => None,
            true => as_length(up),
            false => as_length(down),
        }
    }

    /// How far the windows of a ConvTranspose reach. Versions disagree on `SAME`.
    fn stretch(&self, axis: usize, length: Length) -> Option<Length> {
        let span = &self.spans[axis];
        let pad = match self.padding {
            Padding::Explicit => span.pad,
            Padding::None => 0,
            Padding::Same => return None,
        };
        let rest = span.extent.checked_add(span.output_padding)?.checked_sub(pad)?;
        if span.stride == 1 && rest == 1 {
            return Some(length);
        }
        let steps = known(length)?.checked_sub(1)?.checked_mul(span.stride)?;
        as_length(steps.checked_add(rest)?)
    }
}

fn known(length: Length) -> Option<i64> {
    i64::try_from(length.known()?).ok()
}

fn as_length(number: i64) -> Option<Length> {
    usize::try_from(number).ok().map(Length::Known)
}
