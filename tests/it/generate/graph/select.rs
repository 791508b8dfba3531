//! Parts of a value: Split, Slice, Gather; and Pad.

use super::sketch::{Sketch, Var};

/// Axis 1, or any.
fn axis(sketch: &mut Sketch, x: &Var) -> Option<usize> {
    match x.rank() {
        0 => None,
        1 => Some(0),
        rank => Some(if sketch.dice.chance(60) { 1 } else { sketch.dice.below(rank) }),
    }
}

fn with(x: &Var, axis: usize, length: usize) -> Vec<usize> {
    let mut shape = x.shape.clone();
    shape[axis] = length;
    shape
}

/// Two parts; both can be read.
pub fn split(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let axis = axis(sketch, x)?;
    if x.shape[axis] < 2 {
        return None;
    }
    let first = 1 + sketch.dice.below(x.shape[axis] - 1);
    let rest = x.shape[axis] - first;
    let (name, shape) = (sketch.name("s"), with(x, axis, first));
    let lengths = [first as i64, rest as i64];
    let (attribute, input) = match sketch.opset < 13 {
        true => (format!(", split = {lengths:?}"), String::new()),
        false => (String::new(), format!(", {}", sketch.ints(&lengths))),
    };
    let second = Var { name: sketch.name("v"), shape: with(x, axis, rest) };
    let operator = format!("Split <axis = {axis}{attribute}> ({}{input})", x.name);
    sketch.nodes.push(format!("{name}, {} = {operator}", second.name));
    sketch.values.push(second);
    let first = Var { name, shape };
    sketch.values.push(first.clone());
    Some(first)
}

pub fn slice(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let axis = axis(sketch, x)?;
    let length = x.shape[axis];
    let (start, end) = (sketch.dice.below(length), 1 + sketch.dice.below(length));
    if sketch.opset >= 10 && sketch.dice.chance(20) {
        let [from, to, on, step] =
            [vec![-1], vec![i64::from(i32::MIN)], vec![axis as i64], vec![-1]].map(|list| sketch.ints(&list));
        return sketch.add(&format!("Slice ({}, {from}, {to}, {on}, {step})", x.name), &x.shape);
    }
    let shape = with(x, axis, end.checked_sub(start)?);
    if sketch.opset < 10 {
        let list = format!("axes = [{axis}], starts = [{start}], ends = [{end}]");
        return sketch.add(&format!("Slice <{list}> ({})", x.name), &shape);
    }
    let [from, to, on] = [start as i64, end as i64, axis as i64 - x.rank() as i64].map(|one| sketch.ints(&[one]));
    sketch.add(&format!("Slice ({}, {from}, {to}, {on})", x.name), &shape)
}

/// Some positions in any order, mostly each once.
pub fn gather(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let axis = axis(sketch, x)?;
    let length = x.shape[axis];
    let (start, again) = (sketch.dice.below(length), sketch.dice.chance(25));
    let mut order: Vec<i64> = (0..length).map(|at| ((start + length - at) % length) as i64).collect();
    order.truncate(1 + sketch.dice.below(length));
    if again {
        order.push(order[0]);
    }
    let indices = sketch.ints(&order);
    sketch.add(&format!("Gather <axis = {axis}> ({}, {indices})", x.name), &with(x, axis, order.len()))
}

/// Mostly of the image, at its end; in all modes, or cropping.
pub fn pad(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let rank = x.rank();
    if rank < 2 {
        return None;
    }
    let axis =
        if rank > 2 && sketch.dice.chance(80) { 2 + sketch.dice.below(rank - 2) } else { sketch.dice.below(rank) };
    if x.shape[axis] < 2 {
        return None;
    }
    let mode = sketch.pick(&["constant", "reflect", "edge"]);
    let amount = sketch.pick(&[1, 1, 0, -1]);
    let amount = if mode == "constant" { amount } else { amount.max(0) };
    let pads: Vec<i64> = (0..2 * rank).map(|at| if at == rank + axis { amount } else { 0 }).collect();
    let shape = with(x, axis, (x.shape[axis] as i64 + amount) as usize);
    if sketch.opset < 11 {
        return sketch.add(&format!("Pad <mode = \"{mode}\", pads = {pads:?}> ({})", x.name), &shape);
    }
    let pads = sketch.ints(&pads);
    let value = if mode == "constant" && sketch.dice.chance(20) {
        format!(", {}", sketch.floats(&[], 0.5, 1.0))
    } else {
        String::new()
    };
    sketch.add(&format!("Pad <mode = \"{mode}\"> ({}, {pads}{value})", x.name), &shape)
}
