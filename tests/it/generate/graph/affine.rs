//! BatchNormalization, and arithmetic with a constant.

use super::sketch::{Sketch, Var, attribute, attributes};
use bn_tool::onnx::element::FloatType;

pub fn batch_norm(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let channels = *x.shape.get(1)?;
    let mixed = sketch.opset >= 15 && sketch.dice.chance(15);
    let element = if mixed { FloatType::F32 } else { sketch.element };
    let scale = if mixed { sketch.floats_of(element, &[channels], 0.3, 2.0) } else { sketch.factors(&[channels]) };
    let (low, high) = if sketch.dice.chance(25) { (0.0, 0.0) } else { (-1.0, 1.0) };
    let bias = sketch.floats_of(element, &[channels], low, high);
    let mean = sketch.floats_of(element, &[channels], low, high);
    let variance = sketch.floats_of(element, &[channels], 0.3, 4.0);
    let mut list = Vec::new();
    if sketch.dice.chance(50) {
        list.push(attribute("epsilon", sketch.pick(&[0.0, 0.001, 0.1])));
    }
    sketch.add(
        &format!("BatchNormalization {}({}, {scale}, {bias}, {mean}, {variance})", attributes(&list), x.name),
        &x.shape,
    )
}

/// Add, Sub, Mul or Div with a constant in one of the shapes that broadcast.
pub fn constant(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let shape = operand(sketch, x)?;
    let operator = sketch.pick(&["Add", "Sub", "Mul", "Mul", "Div", "Neg"]);
    if operator == "Neg" {
        return sketch.add(&format!("Neg ({})", x.name), &x.shape);
    }
    let k = if ["Mul", "Div"].contains(&operator) { sketch.factors(&shape) } else { sketch.floats(&shape, -1.0, 1.0) };
    let operands = match operator != "Div" && sketch.dice.chance(50) {
        true => format!("({k}, {})", x.name),
        false => format!("({}, {k})", x.name),
    };
    let rank = x.rank().max(shape.len());
    let length = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let result: Vec<usize> = (0..rank).map(|axis| length(&x.shape, axis).max(length(&shape, axis))).collect();
    sketch.add(&format!("{operator} {operands}"), &result)
}

/// Mostly one number per channel; else per element of another axis, for all, or of higher rank.
fn operand(sketch: &mut Sketch, x: &Var) -> Option<Vec<usize>> {
    let rank = x.rank();
    let on = |axis: usize| (0..rank).map(|at| if at == axis { x.shape[at] } else { 1 }).collect::<Vec<_>>();
    Some(match sketch.dice.below(10) {
        0..4 if rank > 1 => on(1)[1..].to_vec(),
        4 if rank > 1 => on(1),
        5 if rank > 0 => vec![x.shape[rank - 1]],
        6 if rank > 0 => on(sketch.dice.below(rank)),
        7 => vec![1],
        8 if rank > 0 => [vec![1], on(rank - 1)].concat(),
        _ => Vec::new(),
    })
}
