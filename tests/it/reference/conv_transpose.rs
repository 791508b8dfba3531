//! ConvTranspose-1, 11, 22.

use super::call::{Call, Outputs};
use super::conv::bias;
use super::value::{Result, Tensor, bounded};
use super::window::positive;
use ndarray::{ArrayD, Dimension, IxDyn, indices};

/// Every input element adds its multiple of the kernel to the output: X `[N, C_in, d…]`,
/// W `[C_in, C_out/group = J, k…]`, B `[C_out]`; output channel `g·J + j`.
pub fn conv_transpose(call: &Call) -> Outputs {
    let (x, w) = (call.data(0)?, call.data(1)?);
    let group = call.int("group", 1).max(1) as usize;
    if x.ndim() < 3 || x.ndim() != w.ndim() || x.shape()[1] != w.shape()[0] || !w.shape()[0].is_multiple_of(group) {
        return Err(format!("X {:?} and W {:?} do not agree (group {group})", x.shape(), w.shape()));
    }
    let (columns, per_group) = (w.shape()[1], w.shape()[0] / group);
    let geometry = Geometry::new(call, x, w)?;
    let bias = bias(call, columns * group)?;
    let shape = [&[x.shape()[0], columns * group], &geometry.output[..]].concat();
    let mut y = ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| bias[at[1]]);
    for (from, value) in x.indexed_iter() {
        let (n, c, position) = (from[0], from[1], &from.slice()[2..]);
        for tap in indices(IxDyn(&w.shape()[2..])) {
            let Some(target) = geometry.target(position, tap.slice()) else { continue };
            for j in 0..columns {
                let weight = w[&[&[c, j], tap.slice()].concat()[..]];
                y[&[&[n, c / per_group * columns + j], &target[..]].concat()[..]] += value * weight;
            }
        }
    }
    call.one(y)
}

/// Where the taps of the kernel land.
struct Geometry {
    output: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    begin: Vec<i64>,
}

impl Geometry {
    fn new(call: &Call, x: &Tensor, w: &Tensor) -> Result<Self> {
        let rank = x.ndim() - 2;
        let (strides, dilations) = (positive(call, "strides", rank)?, positive(call, "dilations", rank)?);
        let extra = call.ints("output_padding").unwrap_or_else(|| vec![0; rank]);
        let input = &x.shape()[2..];
        // The length without any padding.
        let full = |axis: usize| {
            let kernel = ((w.shape()[axis + 2] - 1) * dilations[axis] + 1) as i64;
            (strides[axis] * (input[axis] - 1)) as i64 + extra[axis] + kernel
        };
        let full: Vec<i64> = (0..rank).map(full).collect();
        let (output, begin) = match wanted(call, input, &strides) {
            Some(wanted) => (wanted.clone(), split(call, &full, &wanted)),
            None => explicit(call, &full)?,
        };
        let output: Option<Vec<usize>> = output.iter().map(|length| usize::try_from(*length).ok()).collect();
        Ok(Geometry { output: output.ok_or("an output of negative length")?, strides, dilations, begin })
    }

    fn target(&self, input: &[usize], tap: &[usize]) -> Option<Vec<usize>> {
        let at = |axis: usize| {
            let position = (input[axis] * self.strides[axis] + tap[axis] * self.dilations[axis]) as i64;
            usize::try_from(position - self.begin[axis]).ok().filter(|at| *at < self.output[axis])
        };
        (0..input.len()).map(at).collect()
    }
}

/// The output lengths, where they are given rather than computed: `output_shape`, or
/// `input · stride` for SAME_*.
fn wanted(call: &Call, input: &[usize], strides: &[usize]) -> Option<Vec<i64>> {
    let same = call.string("auto_pad", "NOTSET").starts_with("SAME");
    let scaled = || input.iter().zip(strides).map(|(length, stride)| (length * stride) as i64).collect();
    call.ints("output_shape").or_else(|| same.then(scaled))
}

/// The padding at the beginning that yields the wanted lengths. Since opset 11 the smaller
/// half is at the beginning for SAME_UPPER and at the end otherwise; opset 1 has it the other
/// way round in its formula (and not in its attribute), which nobody follows. Padding is never
/// negative: what is wanted beyond the full length is added at the end
/// (`test_convtranspose_output_shape` of the ONNX node tests).
fn split(call: &Call, full: &[i64], wanted: &[i64]) -> Vec<i64> {
    let upper = call.string("auto_pad", "NOTSET") == "SAME_UPPER";
    let begin = |total: i64| if upper { total / 2 } else { total - total / 2 };
    full.iter().zip(wanted).map(|(full, wanted)| begin((full - wanted).max(0))).collect()
}

/// The output lengths and the padding at the beginning, from `pads`.
fn explicit(call: &Call, full: &[i64]) -> Result<(Vec<i64>, Vec<i64>)> {
    let rank = full.len();
    let pads = call.ints("pads").filter(|_| call.string("auto_pad", "NOTSET") != "VALID");
    let pads = pads.unwrap_or_else(|| vec![0; 2 * rank]);
    if pads.len() != 2 * rank {
        return Err(format!("{} pads for {rank} spatial axes", pads.len()));
    }
    let output = (0..rank).map(|axis| full[axis] - pads[axis] - pads[rank + axis]).collect();
    Ok((output, pads[..rank].to_vec()))
}
