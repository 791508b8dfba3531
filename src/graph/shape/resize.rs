//! Pad, and Resize with its forerunner Upsample.

use super::call::{Call, Setting, normalized};
use super::{Axes, Length};

/// Adds to both ends of axes, or takes away.
pub(super) fn pad(call: &mut Call) -> Axes {
    let axes = call.axes(0)?;
    let Some(added) = added(call, axes.len()) else { return call.fresh_axes(axes.len()) };
    let padded = |length: Length, added: i64| match (length, added) {
        (length, 0) => Some(length),
        (Length::Known(length), added) => length.checked_add_signed(added.try_into().ok()?).map(Length::Known),
        _ => None,
    };
    Some(axes.into_iter().zip(added).map(|(length, added)| call.or_fresh(padded(length, added))).collect())
}

/// How much longer each axis becomes. The attribute had another name in version 1.
fn added(call: &Call, rank: usize) -> Option<Vec<i64>> {
    let name = if call.opset() < 2 { "paddings" } else { "pads" };
    let Setting::Given(pads) = call.setting(name, 1) else { return None };
    let axes = match call.setting("axes", 3) {
        Setting::Given(axes) => axes.iter().map(|axis| normalized(*axis, rank)).collect::<Option<Vec<_>>>()?,
        Setting::Absent => (0..rank).collect(),
        Setting::Unknown => return None,
    };
    if axes.len().checked_mul(2)? != pads.len() {
        return None;
    }
    let mut added = vec![0i64; rank];
    for (index, axis) in axes.iter().enumerate() {
        added[*axis] = added[*axis].checked_add(pads[index])?.checked_add(pads[index + axes.len()])?;
    }
    Some(added)
}

/// Each axis by its scale, or to its size.
pub(super) fn resize(call: &mut Call, op: &str) -> Axes {
    let axes = call.axes(0)?;
    let rank = axes.len();
    let sizes = if op == "Resize" { call.numbers(3) } else { None };
    let resized = which(call, rank);
    let stretches = matches!(call.string("keep_aspect_ratio_policy"), b"" | b"stretch");
    let (Some(resized), true) = (resized, stretches) else { return call.fresh_axes(rank) };
    let mut out = axes.clone();
    if let Some(sizes) = sizes.filter(|sizes| sizes.len() == resized.len()) {
        let sizes = call.lengths(&sizes);
        resized.iter().zip(sizes).for_each(|(axis, size)| out[*axis] = size);
        return Some(out);
    }
    let Some(scales) = scales(call, op).filter(|scales| scales.len() == resized.len()) else {
        return call.fresh_axes(rank);
    };
    for (axis, scale) in resized.into_iter().zip(scales) {
        out[axis] = call.or_fresh(scaled(axes[axis], scale));
    }
    Some(out)
}

/// Which axes are resized; `None` for those that are not there.
fn which(call: &Call, rank: usize) -> Option<Vec<usize>> {
    match call.proto.ints("axes") {
        Some(axes) => axes.iter().map(|axis| normalized(*axis, rank)).collect(),
        None => Some((0..rank).collect()),
    }
}

/// The scale of each axis, in all versions of the operators.
fn scales(call: &Call, op: &str) -> Option<Vec<f64>> {
    let attribute = |name| call.proto.attribute(name);
    if call.string("coordinate_transformation_mode") == b"tf_crop_and_resize" {
        return None;
    }
    if let (Some(height), Some(width)) = (attribute("height_scale"), attribute("width_scale")) {
        return Some(vec![1.0, 1.0, f64::from(height.f?), f64::from(width.f?)]);
    }
    if let Some(scales) = attribute("scales") {
        return Some(scales.floats.iter().map(|scale| f64::from(*scale)).collect());
    }
    call.floats(if op == "Resize" && call.opset() >= 11 { 2 } else { 1 })
}

/// The length is rounded down. Runtimes multiply in single or in double precision: only what
/// both agree on is known.
fn scaled(length: Length, scale: f64) -> Option<Length> {
    if scale == 1.0 {
        return Some(length);
    }
    let length = length.known().filter(|length| *length < 1 << 24)?;
    let (double, single) = ((length as f64 * scale).floor(), (length as f32 * scale as f32).floor());
    (double == f64::from(single) && (0.0..1e15).contains(&double)).then_some(Length::Known(double as usize))
}
