//! Operators of several values.

use super::sketch::{Sketch, Var};

/// A value that has the shape of another, apart from one axis perhaps.
fn partner(sketch: &mut Sketch, x: &Var, free: Option<usize>) -> Option<Var> {
    let agree =
        |y: &&Var| y.rank() == x.rank() && (0..x.rank()).all(|at| Some(at) == free || y.shape[at] == x.shape[at]);
    let others: Vec<Var> = sketch.values.iter().filter(agree).cloned().collect();
    let different: Vec<Var> = others.iter().filter(|y| y.name != x.name).cloned().collect();
    if different.is_empty() || sketch.dice.chance(5) {
        Some(sketch.pick(&others))
    } else {
        Some(sketch.pick(&different))
    }
}

pub fn concat(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() == 0 {
        return None;
    }
    let axis = if x.rank() > 1 && sketch.dice.chance(70) { 1 } else { sketch.dice.below(x.rank()) };
    let y = partner(sketch, x, Some(axis))?;
    let mut shape = x.shape.clone();
    shape[axis] += y.shape[axis];
    let written =
        if sketch.opset >= 11 && sketch.dice.chance(20) { axis as i64 - x.rank() as i64 } else { axis as i64 };
    sketch.add(&format!("Concat <axis = {written}> ({}, {})", x.name, y.name), &shape)
}

/// Add, Sub, Sum, Mul or Max of two values of one shape.
pub fn arithmetic(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let y = partner(sketch, x, None)?;
    let operator = sketch.pick(&["Add", "Add", "Add", "Sub", "Sum", "Mul", "Max"]);
    sketch.add(&format!("{operator} ({}, {})", x.name, y.name), &x.shape)
}

/// Add of what broadcasts: one of the two has axes of length 1.
pub fn broadcast(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let fits = |y: &&Var| {
        let pairs = y.shape.iter().rev().zip(x.shape.iter().rev());
        y.rank() <= x.rank() && y.name != x.name && pairs.clone().all(|(y, x)| *y == 1 || y == x) && y.shape != x.shape
    };
    let others: Vec<Var> = sketch.values.iter().filter(fits).cloned().collect();
    if others.is_empty() {
        return None;
    }
    let y = sketch.pick(&others);
    let operator = sketch.pick(&["Add", "Sub"]);
    sketch.add(&format!("{operator} ({}, {})", y.name, x.name), &x.shape)
}

/// Convolutions of two values that are then added or joined, as in a residual block.
pub fn two_branches(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() < 3 {
        return None;
    }
    let y = sketch.any();
    let source = if y.shape == x.shape { y } else { x.clone() };
    let count = 1 + sketch.dice.below(3);
    let mut conv = |from: &Var| {
        let weight = sketch.floats(&[&[count, from.shape[1]], &vec![1; from.rank() - 2][..]].concat(), -1.0, 1.0);
        let shape = [&[from.shape[0], count], &from.shape[2..]].concat();
        sketch.add(&format!("Conv ({}, {weight})", from.name), &shape)
    };
    let (a, b) = (conv(x)?, conv(&source)?);
    let (operator, axis) = (sketch.pick(&["Add", "Sub", "Concat"]), sketch.dice.below(a.rank()));
    match operator {
        "Concat" => {
            let mut shape = a.shape.clone();
            shape[axis] *= 2;
            sketch.add(&format!("Concat <axis = {axis}> ({}, {})", a.name, b.name), &shape)
        }
        _ => sketch.add(&format!("{operator} ({}, {})", a.name, b.name), &a.shape),
    }
}
