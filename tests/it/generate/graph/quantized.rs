//! Weights, some of them of integers.

use super::sketch::Sketch;
use bn_tool::onnx::element::FloatType;

/// A weight; now and then DequantizeLinear of int8 or uint8, with one scale or one for each
/// index of an axis (mostly `rows`, that of the output channels).
pub fn weight(sketch: &mut Sketch, shape: &[usize], rows: usize) -> String {
    if sketch.element != FloatType::F32 || sketch.opset < 10 || !sketch.dice.chance(12) {
        return sketch.floats(shape, -1.0, 1.0);
    }
    let (signed, extreme) = (sketch.dice.chance(60), sketch.dice.chance(30));
    let low = if signed { -128 } else { 0 };
    let margin = if extreme { 0 } else { 30 };
    let kind = if signed { "int8" } else { "uint8" };
    let count = shape.iter().product();
    let integers: Vec<i64> = (0..count).map(|_| low + (margin + sketch.dice.below(256 - 2 * margin)) as i64).collect();
    let weight = sketch.integers(kind, shape, &integers);
    let axis = if sketch.dice.chance(85) { rows } else { sketch.dice.below(shape.len()) };
    let per_axis = sketch.opset >= 13 && sketch.dice.chance(70);
    let parameter = if per_axis { vec![shape[axis]] } else { Vec::new() };
    let scale = sketch.floats(&parameter, 0.002, 0.01);
    let points = parameter.iter().product();
    let zeros: Vec<i64> = (0..points).map(|_| low + 128 + sketch.dice.below(3) as i64 - i64::from(!signed)).collect();
    let zero = match !signed || sketch.dice.chance(40) {
        true => format!(", {}", sketch.integers(kind, &parameter, &zeros)),
        false => String::new(),
    };
    let attribute = if per_axis { format!("<axis = {axis}> ") } else { String::new() };
    let name = sketch.name("w");
    sketch.nodes.push(format!("{name} = DequantizeLinear {attribute}({weight}, {scale}{zero})"));
    name
}
