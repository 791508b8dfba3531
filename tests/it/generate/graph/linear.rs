//! Convolutions.

use super::quantized;
use super::sketch::{Sketch, Var, attribute, attributes};

pub fn conv(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let (spatial, channels) = (x.shape.get(2..)?, *x.shape.get(1)?);
    if spatial.is_empty() {
        return None;
    }
    let group = divisor(sketch, channels);
    let count = group * (1 + sketch.dice.below(3));
    let kernel: Vec<usize> = spatial.iter().map(|length| 1 + sketch.dice.below(2.min(*length))).collect();
    let mut list = vec![attribute("group", group)];
    let output = padding(sketch, spatial, &kernel, &mut list);
    let weight = quantized::weight(sketch, &[&[count, channels / group], &kernel[..]].concat(), 0);
    let bias = bias(sketch, count);
    let shape = [&[x.shape[0], count], &output[..]].concat();
    sketch.add(&format!("Conv {}({}, {weight}{bias})", attributes(&list), x.name), &shape)
}

/// `pads`, `strides` or `auto_pad`, and the lengths of what comes out.
fn padding(sketch: &mut Sketch, spatial: &[usize], kernel: &[usize], list: &mut Vec<String>) -> Vec<usize> {
    let valid = |begin: usize, end: usize, stride: usize| {
        let lengths = spatial.iter().zip(kernel);
        lengths.map(|(n, k)| (n + begin + end - k) / stride + 1).collect::<Vec<_>>()
    };
    match sketch.dice.below(8) {
        0 => {
            list.push("pads = ".to_owned() + &format!("{:?}", [vec![1; kernel.len()], vec![0; kernel.len()]].concat()));
            valid(1, 0, 1)
        }
        1 => {
            let mode = sketch.pick(&["SAME_UPPER", "SAME_LOWER"]);
            list.push(attribute("auto_pad", mode));
            spatial.to_vec()
        }
        2 => {
            list.push(attribute("auto_pad", "VALID"));
            valid(0, 0, 1)
        }
        3 => {
            list.push(attribute("strides", vec![2; kernel.len()]));
            valid(0, 0, 2)
        }
        4 => {
            list.push(attribute("pads", vec![0; 2 * kernel.len()]));
            valid(0, 0, 1)
        }
        _ => valid(0, 0, 1),
    }
}

pub fn conv_transpose(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let (spatial, channels) = (x.shape.get(2..)?, *x.shape.get(1)?);
    if spatial.is_empty() {
        return None;
    }
    let group = divisor(sketch, channels);
    let columns = 1 + sketch.dice.below(2);
    let kernel: Vec<usize> = spatial.iter().map(|_| 1 + sketch.dice.below(2)).collect();
    let stride = 1 + sketch.dice.below(2);
    let output = spatial.iter().zip(&kernel).map(|(n, k)| (n - 1) * stride + k).collect::<Vec<_>>();
    let weight = quantized::weight(sketch, &[&[channels, columns], &kernel[..]].concat(), 1);
    let bias = bias(sketch, group * columns);
    let list = [attribute("group", group), attribute("strides", vec![stride; kernel.len()])];
    let shape = [&[x.shape[0], group * columns], &output[..]].concat();
    sketch.add(&format!("ConvTranspose {}({}, {weight}{bias})", attributes(&list), x.name), &shape)
}

/// A divisor of the number of channels, mostly one.
fn divisor(sketch: &mut Sketch, channels: usize) -> usize {
    let group = 1 + sketch.dice.below(4);
    if channels.is_multiple_of(group) && sketch.dice.chance(60) { group } else { 1 }
}

/// A third input: one number per channel, or none.
fn bias(sketch: &mut Sketch, count: usize) -> String {
    if sketch.dice.chance(60) { format!(", {}", sketch.floats(&[count], -1.0, 1.0)) } else { String::new() }
}
