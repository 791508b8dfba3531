//! Operators that leave the elements and change the axes, and those that only look at axes.

use super::call::{Call, Setting, normalized, product};
use super::window::times;
use super::{Axes, HIGHEST_RANK, Length, Number};

pub(super) fn shape(call: &mut Call, op: &str) -> Axes {
    match op {
        "Flatten" => flatten(call),
        "Reshape" => reshape(call),
        "Transpose" => transpose(call),
        "Squeeze" => squeeze(call),
        "Unsqueeze" => unsqueeze(call),
        "DepthToSpace" | "SpaceToDepth" => blocks(call, op == "DepthToSpace"),
        "Tile" => tile(call),
        "Shape" => {
            let rank = call.axes(0).map(|axes| axes[range_of_shape(call, axes.len())].len());
            Some(vec![call.or_fresh(rank.map(Length::Known))])
        }
        "Size" => Some(vec![]),
        "ConstantOfShape" => call.numbers(0).map(|lengths| call.lengths(&lengths)),
        _ => None,
    }
}

/// Which axes a Shape node returns: all, or since version 15 those from `start` to `end`.
pub(super) fn range_of_shape(call: &Call, rank: usize) -> std::ops::Range<usize> {
    let place = |name, default| {
        let place = call.proto.int(name, default);
        let place = if place < 0 { place.saturating_add(rank as i64) } else { place };
        place.clamp(0, rank as i64) as usize
    };
    let (start, end) = (place("start", 0), place("end", rank as i64));
    start..end.max(start)
}

fn flatten(call: &mut Call) -> Axes {
    let Some(axes) = call.axes(0) else { return call.fresh_axes(2) };
    let axis = match call.proto.int("axis", 1) {
        axis if axis == axes.len() as i64 => axes.len(),
        axis => normalized(axis, axes.len())?,
    };
    let (rows, columns) = axes.split_at(axis);
    Some(vec![call.or_fresh(product(rows)), call.or_fresh(product(columns))])
}

fn reshape(call: &mut Call) -> Axes {
    let target = match call.proto.ints("shape") {
        Some(shape) if shape.len() <= HIGHEST_RANK => shape.iter().copied().map(Number::Known).collect(),
        Some(_) => return None,
        None => call.numbers(1)?,
    };
    let from = call.axes(0);
    let copies_at_0 = call.proto.int("allowzero", 0) == 0;
    let length = |(axis, number): (usize, &Number)| match number {
        Number::Known(0) if copies_at_0 => from.as_ref()?.get(axis).copied(),
        number => number.length(),
    };
    let mut out: Vec<Option<Length>> = target.iter().enumerate().map(length).collect();
    // Of one length that is open, -1 or not known, the number of elements tells.
    if let (Some(open), Some(from)) = (only_open(&out), from) {
        let rest: Vec<Length> = out.iter().flatten().copied().collect();
        out[open] = quotient(from, &rest);
    }
    Some(out.into_iter().map(|length| call.or_fresh(length)).collect())
}

/// The place of the only length that is not known.
fn only_open(lengths: &[Option<Length>]) -> Option<usize> {
    let mut open = (0..lengths.len()).filter(|axis| lengths[*axis].is_none());
    open.next().filter(|_| open.next().is_none())
}

/// What is left of a product without these factors, if it is a number or a symbol.
fn quotient(mut product_of: Vec<Length>, factors: &[Length]) -> Option<Length> {
    let mut divisor = 1usize;
    for factor in factors {
        match factor {
            Length::Known(length) => divisor = divisor.checked_mul(*length)?,
            symbol => _ = product_of.swap_remove(product_of.iter().position(|length| length == symbol)?),
        }
    }
    let (numbers, symbols): (Vec<Length>, Vec<Length>) = product_of.iter().partition(|length| length.known().is_some());
    let number = product(&numbers)?.known()?;
    let rest = number.checked_rem(divisor).filter(|rest| *rest == 0).map(|_| number / divisor)?;
    match symbols[..] {
        [] => Some(Length::Known(rest)),
        [symbol] if rest == 1 => Some(symbol),
        _ => None,
    }
}

/// Without `perm` the axes are reversed.
fn transpose(call: &mut Call) -> Axes {
    let axes = match (call.axes(0), call.proto.ints("perm")) {
        (Some(axes), _) => axes,
        (None, perm) => call.fresh_axes(perm?.len()).filter(|axes| !axes.is_empty())?,
    };
    Some(permutation(call, axes.len())?.into_iter().map(|axis| axes[axis]).collect())
}

/// Which axes of the input those of a Transpose's output are; all in reverse if it does not say.
pub(super) fn permutation(call: &Call, rank: usize) -> Option<Vec<usize>> {
    let Some(perm) = call.proto.ints("perm").filter(|perm| !perm.is_empty()) else {
        return Some((0..rank).rev().collect());
    };
    let mut seen = vec![false; rank];
    for axis in perm {
        *seen.get_mut(usize::try_from(*axis).ok()?)? = true;
    }
    let is_permutation = perm.len() == rank && seen.iter().all(|seen| *seen);
    is_permutation.then(|| perm.iter().map(|axis| *axis as usize).collect())
}

fn squeeze(call: &mut Call) -> Axes {
    let axes = call.axes(0)?;
    let mut gone = vec![false; axes.len()];
    match call.setting("axes", 1) {
        Setting::Given(given) => {
            for axis in given {
                gone[normalized(axis, axes.len())?] = true;
            }
        }
        // All axes of length 1: which ones, is known only when all lengths are.
        Setting::Absent if axes.iter().all(|length| length.known().is_some()) => {
            gone = axes.iter().map(|length| *length == Length::Known(1)).collect();
        }
        _ => return None,
    }
    Some(axes.into_iter().zip(gone).filter(|(_, gone)| !gone).map(|(axis, _)| axis).collect())
}

/// The axes are those of the output.
fn unsqueeze(call: &mut Call) -> Axes {
    let axes = call.axes(0)?;
    let count = match call.setting("axes", 1) {
        Setting::Given(given) => given,
        _ => {
            let count = call.numbers(1)?.len();
            return call.fresh_axes(axes.len() + count);
        }
    };
    let rank = axes.len() + count.len();
    let mut out = vec![None; if rank <= HIGHEST_RANK { rank } else { return None }];
    for axis in count {
        let twice = out[normalized(axis, rank)?].replace(Length::Known(1));
        if twice.is_some() {
            return None;
        }
    }
    let mut rest = axes.into_iter();
    out.into_iter().map(|new| new.or_else(|| rest.next())).collect()
}

/// Channels into blocks of pixels, or back.
fn blocks(call: &mut Call, to_space: bool) -> Axes {
    let axes = call.axes(0).filter(|axes| axes.len() == 4)?;
    let block = call.proto.int("blocksize", 0);
    let area = block.checked_mul(block)?;
    let divided = |length: Length, by: i64| match (length, by) {
        (length, 1) => Some(length),
        (Length::Known(length), by) => {
            let by = usize::try_from(by).ok()?;
            (length.checked_rem(by)? == 0).then(|| Length::Known(length / by))
        }
        _ => None,
    };
    let (channels, pixels) = (if to_space { divided } else { times }, if to_space { times } else { divided });
    let [channels, height, width] = [channels(axes[1], area), pixels(axes[2], block), pixels(axes[3], block)];
    Some(vec![axes[0], call.or_fresh(channels), call.or_fresh(height), call.or_fresh(width)])
}

/// Version 1 has one number of tiles and one axis as inputs.
fn tile(call: &mut Call) -> Axes {
    let axes = call.axes(0)?;
    let repeats = call.numbers(1).filter(|repeats| repeats.len() == axes.len() && call.opset() >= 6);
    let Some(repeats) = repeats else { return call.fresh_axes(axes.len()) };
    let tiled = |(length, repeats): (Length, Number)| times(length, repeats.known()?);
    Some(axes.into_iter().zip(repeats).map(|pair| call.or_fresh(tiled(pair))).collect())
}
