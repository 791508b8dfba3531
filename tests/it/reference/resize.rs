//! Resize-10, 11, 13, 18, 19 and Upsample-7, 9, without antialiasing.

use super::call::{Call, Outputs, axes};
use super::interpolation::{Axis, Rule};
use super::value::{Result, Tensor, bounded};
use ndarray::{ArrayD, Dimension, IxDyn, indices};

/// Each axis is interpolated by itself, with a few taps for each position of the output.
pub fn resize(call: &Call) -> Outputs {
    let x = call.data(0)?;
    if call.flag("antialias") {
        return Err("antialias is not implemented".into());
    }
    let rule = Rule::new(call);
    let geometry = geometry(call, x)?;
    let shape: Vec<usize> = geometry.iter().map(|axis| axis.resized).collect();
    let taps: Vec<Vec<Vec<(usize, f64)>>> = geometry.iter().map(|axis| axis.all(&rule)).collect();
    let outside = call.float("extrapolation_value", 0.0);
    call.one(ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| {
        let here: Vec<&Vec<(usize, f64)>> = at.slice().iter().zip(&taps).map(|(at, axis)| &axis[*at]).collect();
        if here.iter().any(|taps| taps.is_empty()) {
            return if call.magnitude.is_some() { outside.abs() } else { outside };
        }
        let counts: Vec<usize> = here.iter().map(|taps| taps.len()).collect();
        let term = |choice: IxDyn| {
            let chosen: Vec<(usize, f64)> = choice.slice().iter().zip(&here).map(|(one, taps)| taps[*one]).collect();
            let weight: f64 = chosen.iter().map(|(_, weight)| weight).product();
            let weight = if call.magnitude.is_some() { weight.abs() } else { weight };
            weight * x[&chosen.iter().map(|(position, _)| *position).collect::<Vec<_>>()[..]]
        };
        indices(IxDyn(&counts)).into_iter().map(term).sum()
    }))
}

/// Lengths and scales of all axes. `sizes` win over `scales`; `axes` (opset 18) says which.
fn geometry(call: &Call, x: &Tensor) -> Result<Vec<Axis>> {
    let on = call.ints("axes").map_or(Ok((0..x.ndim()).collect()), |list| axes(&list, x.ndim()))?;
    let mut all: Vec<Axis> = x.shape().iter().map(|length| Axis::same(*length)).collect();
    let sizes = if call.opset < 11 { None } else { floats(call, 3) };
    if sizes.is_some() && call.string("keep_aspect_ratio_policy", "stretch") != "stretch" {
        return Err("keep_aspect_ratio_policy is not implemented".into());
    }
    let scales = scales(call);
    let roi = if call.opset < 11 { None } else { floats(call, 1).filter(|roi| roi.len() == 2 * on.len()) };
    for (entry, axis) in on.iter().enumerate() {
        let axis = &mut all[*axis];
        match (&sizes, &scales) {
            (Some(sizes), _) => axis.resize_to(*sizes.get(entry).ok_or("too few sizes")? as usize),
            (None, Some(scales)) => axis.by(*scales.get(entry).ok_or("too few scales")?),
            (None, None) => return Err("neither scales nor sizes".into()),
        }
        if let Some(roi) = &roi {
            axis.roi = [roi[entry], roi[on.len() + entry]];
        }
    }
    Ok(all)
}

/// An attribute of Upsample-7, its second input from opset 9 on and of Resize-10, the third later.
fn scales(call: &Call) -> Option<Vec<f64>> {
    match (call.op().as_str(), call.opset) {
        ("Upsample", ..9) => {
            let list = call.node.attribute("scales")?;
            Some(list.floats.iter().map(|x| f64::from(*x)).collect())
        }
        ("Upsample", _) | (_, ..11) => floats(call, 1),
        _ => floats(call, 2),
    }
}

/// An optional input that is absent when it is empty.
fn floats(call: &Call, index: usize) -> Option<Vec<f64>> {
    let value = call.optional(index).filter(|value| !value.data.is_empty())?;
    Some(value.data.iter().map(|x| f64::from(*x as f32)).collect())
}
