//! Operators that take axes together.

use super::call::{Call, Setting, normalized};
use super::{Axes, Length};

/// Sum, mean, norm … over some axes, or over all.
pub(super) fn reduce(call: &mut Call, op: &str) -> Axes {
    // Axes became an input in version 13 for sums, in 18 for all others.
    let since = if op == "ReduceSum" { 13 } else { 18 };
    let slot = if call.opset() >= since { 1 } else { usize::MAX };
    let axes = call.axes(0)?;
    match call.setting("axes", slot) {
        Setting::Given(reduced) if !reduced.is_empty() => {
            let reduced = reduced.iter().map(|axis| normalized(*axis, axes.len())).collect::<Option<Vec<_>>>()?;
            Some(without(call, &axes, &reduced))
        }
        Setting::Unknown if keeps(call) => call.fresh_axes(axes.len()),
        Setting::Unknown => None,
        _ if call.proto.int("noop_with_empty_axes", 0) != 0 => Some(axes),
        _ => Some(without(call, &axes, &(0..axes.len()).collect::<Vec<_>>())),
    }
}

/// The place of the largest or smallest element along an axis.
pub(super) fn arg(call: &mut Call) -> Axes {
    let axes = call.axes(0)?;
    let axis = call.axis(0, axes.len())?;
    Some(without(call, &axes, &[axis]))
}

fn keeps(call: &Call) -> bool {
    call.proto.int("keepdims", 1) != 0
}

fn without(call: &Call, axes: &[Length], reduced: &[usize]) -> Vec<Length> {
    let keeps = keeps(call);
    let mut is_reduced = vec![false; axes.len()];
    reduced.iter().for_each(|axis| is_reduced[*axis] = true);
    let pairs = axes.iter().zip(is_reduced);
    pairs.filter(|(_, gone)| keeps || !gone).map(|(axis, gone)| if gone { Length::Known(1) } else { *axis }).collect()
}
