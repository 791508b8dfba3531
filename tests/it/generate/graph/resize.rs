//! What makes images larger.

use super::sketch::{Sketch, Var};
use bn_tool::onnx::element::FloatType;

/// Resize or Upsample by 2, mostly of the image.
pub fn resize(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() < 3 {
        return None;
    }
    let from = if sketch.dice.chance(90) { 2 } else { 1 };
    let scales: Vec<f64> = (0..x.rank()).map(|axis| if axis < from { 1.0 } else { 2.0 }).collect();
    let shape: Vec<usize> = x.shape.iter().zip(&scales).map(|(length, scale)| length * *scale as usize).collect();
    let mode = sketch.pick(&["nearest", "linear"]);
    if sketch.opset < 9 {
        let list: Vec<String> = scales.iter().map(|scale| format!("{scale:?}")).collect();
        return sketch
            .add(&format!("Upsample <mode = \"{mode}\", scales = [{}]> ({})", list.join(", "), x.name), &shape);
    }
    let scales = sketch.stored(FloatType::F32, &[scales.len()], &scales);
    let operator = match sketch.opset {
        9 => format!("Upsample <mode = \"{mode}\"> ({}, {scales})", x.name),
        10 => format!("Resize <mode = \"{mode}\"> ({}, {scales})", x.name),
        11..13 => {
            let roi = sketch.stored(FloatType::F32, &[0], &[]);
            format!("Resize <mode = \"{mode}\"> ({}, {roi}, {scales})", x.name)
        }
        _ => format!("Resize <mode = \"{}\"> ({}, , {scales})", sketch.pick(&["nearest", "linear", "cubic"]), x.name),
    };
    sketch.add(&operator, &shape)
}

pub fn depth_to_space(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let &[n, c, h, w] = &x.shape[..] else { return None };
    if sketch.dice.chance(20) && h % 2 == 0 && w % 2 == 0 {
        return sketch.add(&format!("SpaceToDepth <blocksize = 2> ({})", x.name), &[n, c * 4, h / 2, w / 2]);
    }
    if !c.is_multiple_of(4) {
        return None;
    }
    let mode = if sketch.opset >= 11 && sketch.dice.chance(50) { ", mode = \"CRD\"" } else { "" };
    sketch.add(&format!("DepthToSpace <blocksize = 2{mode}> ({})", x.name), &[n, c / 4, h * 2, w * 2])
}

/// Tile or Expand along one axis, of length 1 for Expand.
pub fn repeat(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() == 0 {
        return None;
    }
    let axis = sketch.dice.below(x.rank());
    let mut shape = x.shape.clone();
    shape[axis] *= 2;
    if x.shape[axis] == 1 && sketch.opset >= 8 && sketch.dice.chance(50) {
        let wanted: Vec<i64> = (0..x.rank()).map(|at| if at == axis { 2 } else { 1 }).collect();
        let wanted = sketch.ints(&wanted);
        return sketch.add(&format!("Expand ({}, {wanted})", x.name), &shape);
    }
    let times: Vec<i64> = (0..x.rank()).map(|at| if at == axis { 2 } else { 1 }).collect();
    let times = sketch.ints(&times);
    sketch.add(&format!("Tile ({}, {times})", x.name), &shape)
}
