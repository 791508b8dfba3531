//! Operators that rearrange numbers.

use super::sketch::{Sketch, Var};

/// Zeros copy a length, and −1 is what remains.
pub fn reshape(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let shape = another(sketch, x)?;
    let mut wanted: Vec<i64> = shape.iter().map(|length| *length as i64).collect();
    for (at, wanted) in wanted.iter_mut().enumerate() {
        if x.shape.get(at).is_some_and(|length| *length as i64 == *wanted) && sketch.dice.chance(30) {
            *wanted = 0;
        }
    }
    if sketch.dice.chance(30) {
        let rest = sketch.dice.below(wanted.len());
        wanted[rest] = -1;
    }
    let wanted = sketch.ints(&wanted);
    sketch.add(&format!("Reshape ({}, {wanted})", x.name), &shape)
}

/// Joins two axes, splits one, or mixes the first two.
fn another(sketch: &mut Sketch, x: &Var) -> Option<Vec<usize>> {
    let at = sketch.dice.below(x.rank().max(1));
    let mut shape = x.shape.clone();
    match sketch.dice.below(4) {
        0 if at + 1 < x.rank() => {
            shape[at] *= shape[at + 1];
            shape.remove(at + 1);
        }
        1 | 2 if x.rank() > 0 => {
            let first = sketch.pick(&[2, 3]);
            if !shape[at].is_multiple_of(first) {
                return None;
            }
            shape[at] /= first;
            shape.insert(at, first);
        }
        3 if x.rank() > 2 => shape.swap(0, 1),
        _ => return None,
    }
    Some(shape)
}

/// Joins all axes but the first, or splits axis 1, to a shape that begins with that of the input.
pub fn dynamic(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let first = *x.shape.first().filter(|_| x.rank() > 1)?;
    let rest = match sketch.dice.chance(50) && x.shape[1].is_multiple_of(2) {
        true => [&[2, x.shape[1] / 2], &x.shape[2..]].concat(),
        false => vec![x.shape[1..].iter().product()],
    };
    let [shape, batch, whole] = ["d", "d", "d"].map(|prefix| sketch.name(prefix));
    let zero = sketch.ints(&[0]);
    let lengths: Vec<i64> = rest.iter().map(|length| *length as i64).collect();
    let lengths = sketch.ints(&lengths);
    sketch.nodes.push(format!("{shape} = Shape ({})", x.name));
    sketch.nodes.push(format!("{batch} = Gather <axis = 0> ({shape}, {zero})"));
    sketch.nodes.push(format!("{whole} = Concat <axis = 0> ({batch}, {lengths})"));
    sketch.add(&format!("Reshape ({}, {whole})", x.name), &[&[first], &rest[..]].concat())
}

pub fn flatten(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let axis = if sketch.dice.chance(70) { 1 } else { sketch.dice.below(x.rank() + 1) };
    let (before, after) = x.shape.split_at_checked(axis)?;
    let shape = [before.iter().product(), after.iter().product()];
    sketch.add(&format!("Flatten <axis = {axis}> ({})", x.name), &shape)
}

pub fn transpose(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() < 2 {
        return None;
    }
    let mut perm: Vec<usize> = (0..x.rank()).collect();
    for at in (1..perm.len()).rev() {
        perm.swap(at, sketch.dice.below(at + 1));
    }
    let shape: Vec<usize> = perm.iter().map(|axis| x.shape[*axis]).collect();
    sketch.add(&format!("Transpose <perm = {perm:?}> ({})", x.name), &shape)
}

pub fn squeeze(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let units: Vec<usize> = (0..x.rank()).filter(|axis| x.shape[*axis] == 1).collect();
    if units.is_empty() {
        return None;
    }
    let axis = sketch.pick(&units);
    let (attribute, input) = sketch.list("axes", &[axis as i64], 13);
    let mut shape = x.shape.clone();
    shape.remove(axis);
    sketch.add(&format!("Squeeze {attribute}({}{input})", x.name), &shape)
}

pub fn unsqueeze(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let axis = sketch.dice.below(x.rank() + 1);
    let (attribute, input) = sketch.list("axes", &[axis as i64], 13);
    let mut shape = x.shape.clone();
    shape.insert(axis, 1);
    sketch.add(&format!("Unsqueeze {attribute}({}{input})", x.name), &shape)
}

/// A channel shuffle: Reshape, Transpose, Reshape.
pub fn shuffle(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let (channels, groups) = (*x.shape.get(1)?, sketch.pick(&[2, 3]));
    if !channels.is_multiple_of(groups) {
        return None;
    }
    let shape = [&[x.shape[0], groups, channels / groups], &x.shape[2..]].concat();
    let wanted: Vec<i64> = shape.iter().map(|length| *length as i64).collect();
    let wanted = sketch.ints(&wanted);
    let apart = sketch.add(&format!("Reshape ({}, {wanted})", x.name), &shape)?;
    let perm: Vec<usize> = [0, 2, 1].into_iter().chain(3..shape.len()).collect();
    let turned: Vec<usize> = perm.iter().map(|axis| shape[*axis]).collect();
    let turned = sketch.add(&format!("Transpose <perm = {perm:?}> ({})", apart.name), &turned)?;
    let wanted: Vec<i64> = x.shape.iter().map(|length| *length as i64).collect();
    let wanted = sketch.ints(&wanted);
    sketch.add(&format!("Reshape ({}, {wanted})", turned.name), &x.shape)
}
