//! Pools and means.

use super::sketch::{Sketch, Var, attribute, attributes};

pub fn pool(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let spatial = x.shape.get(2..).filter(|spatial| !spatial.is_empty() && spatial.iter().all(|length| *length > 1))?;
    let average = sketch.dice.chance(60);
    let mut list = vec![attribute("kernel_shape", vec![2; spatial.len()])];
    let ceil = sketch.opset >= 10 && sketch.dice.chance(20);
    let padded = !ceil && sketch.dice.chance(40);
    if ceil {
        list.push(attribute("ceil_mode", 1));
        list.push(attribute("strides", vec![2; spatial.len()]));
    }
    if padded {
        list.push(format!("pads = {:?}", [vec![1; spatial.len()], vec![0; spatial.len()]].concat()));
    }
    if average && sketch.dice.chance(50) {
        list.push(attribute("count_include_pad", 1));
    }
    let length = |length: &usize| if ceil { length.div_ceil(2) } else { length - 1 + usize::from(padded) };
    let lengths: Vec<usize> = spatial.iter().map(length).collect();
    let operator = if average { "AveragePool" } else { "MaxPool" };
    sketch.add(&format!("{operator} {}({})", attributes(&list), x.name), &[&x.shape[..2], &lengths[..]].concat())
}

pub fn global(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() < 3 {
        return None;
    }
    let operator = sketch.pick(&["GlobalAveragePool", "GlobalAveragePool", "GlobalMaxPool"]);
    let shape: Vec<usize> = (0..x.rank()).map(|axis| if axis < 2 { x.shape[axis] } else { 1 }).collect();
    sketch.add(&format!("{operator} ({})", x.name), &shape)
}

/// ReduceMean over one axis.
pub fn mean(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() < 2 {
        return None;
    }
    let (axis, keep) = (sketch.dice.below(x.rank()), sketch.dice.chance(50));
    let (before, input) = match sketch.opset < 18 {
        true => (format!("axes = [{axis}], "), String::new()),
        false => (String::new(), format!(", {}", sketch.ints(&[axis as i64]))),
    };
    let mut shape = x.shape.clone();
    shape[axis] = 1;
    if !keep {
        shape.remove(axis);
    }
    sketch.add(&format!("ReduceMean <{before}keepdims = {}> ({}{input})", i32::from(keep), x.name), &shape)
}
