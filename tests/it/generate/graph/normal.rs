//! Normalisations by statistics of the data. Their epsilon is large: what an error of the input
//! becomes grows with its inverse.

use super::sketch::{Sketch, Var};

pub fn normalization(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let rank = x.rank();
    match sketch.dice.below(3) {
        0 if rank > 2 => {
            let (scale, bias) = both(sketch, &[x.shape[1]]);
            sketch.add(&format!("InstanceNormalization <epsilon = 0.5> ({}, {scale}, {bias})", x.name), &x.shape)
        }
        1 if rank > 2 && sketch.opset >= 21 => {
            let channels = x.shape[1];
            let (scale, bias) = both(sketch, &[channels]);
            let groups = if channels.is_multiple_of(2) { 2 } else { 1 };
            let operator = format!("GroupNormalization <num_groups = {groups}, epsilon = 0.5>");
            sketch.add(&format!("{operator} ({}, {scale}, {bias})", x.name), &x.shape)
        }
        _ if rank > 1 && sketch.opset >= 17 => {
            let axis = sketch.dice.below(rank);
            let (scale, bias) = both(sketch, &x.shape[axis..]);
            let bias = if sketch.dice.chance(70) { format!(", {bias}") } else { String::new() };
            let operator = format!("LayerNormalization <axis = {axis}, epsilon = 0.5>");
            sketch.add(&format!("{operator} ({}, {scale}{bias})", x.name), &x.shape)
        }
        _ => None,
    }
}

fn both(sketch: &mut Sketch, shape: &[usize]) -> (String, String) {
    (sketch.factors(shape), sketch.floats(shape, -1.0, 1.0))
}
