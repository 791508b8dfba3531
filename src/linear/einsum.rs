//! Einsum of two operands, one of them constant: a sum of products, of which each label says over
//! which axes.
//!
//! Labels that the constant shares with the output can be scaled in it. No ellipsis, no label twice in
//! one operand.
//! <https://onnx.ai/onnx/operators/onnx__Einsum.html>, version 12.

use super::bias::Bias;
use super::weight::Role;
use super::{Input, Linear, Operand, Takes};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

pub(super) fn read(op: &Operator) -> Result<Linear, Refusal> {
    let left = op.is_constant(0) && !op.is_constant(1);
    let (slot, data) = if left { (0, 1) } else { (1, 0) };
    let equation = op.string("equation", "");
    let parsed = Equation::parse(&equation).filter(|_| op.inputs() == 2);
    let Some(parsed) = parsed else {
        let detail = format!("{} is `{equation}`, not a product of two operands without repeated labels", op.label());
        return Err(op.refuse(Code::NoLinearProducer, detail));
    };
    let weight = Operand::weight(op, slot, 0)?;
    let (own, other) = (&parsed.operands[slot], &parsed.operands[data]);
    if own.len() != weight.shape.len() {
        let detail =
            format!("the weight of {} has the shape {:?}, the equation is `{equation}`", op.label(), weight.shape);
        return Err(op.refuse(Code::Malformed, detail));
    }
    let roles = |labels: &[char]| {
        let part = |(axis, label)| Some(Role::new(axis, [own.iter().position(|own| own == label)?]));
        labels.iter().enumerate().filter_map(part).collect()
    };
    // A label of the data alone that is summed multiplies a shift by its length.
    // So does one of length 1 in the weight, if the data has more there.
    let axes = op.input_axes(data);
    let broadcast = |label: &char| {
        let part = own.iter().position(|own| own == label);
        let known = || axes.as_ref()?.get(other.iter().position(|other| other == label)?)?.known();
        part.is_none_or(|part| weight.shape[part] == 1 && known() != Some(1))
    };
    let alone = other.iter().any(|label| broadcast(label) && !parsed.output.contains(label));
    let takes =
        if alone { Takes::Scaling(format!("{} sums its input before the product", op.label())) } else { Takes::All };
    let lengths = weight.shape.clone();
    Ok(Linear {
        operator: "Einsum",
        node: op.node,
        bias: Bias::None,
        weight: weight.with_axes(lengths, roles(&parsed.output), roles(other)),
        rank: parsed.output.len(),
        input: Input { slot: data, gain: 1.0, takes },
    })
}

struct Equation {
    operands: [Vec<char>; 2],
    output: Vec<char>,
}

impl Equation {
    fn parse(text: &str) -> Option<Equation> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (inputs, output) =
            text.split_once("->").map_or((text.as_str(), None), |(inputs, output)| (inputs, Some(output)));
        let (first, second) = inputs.split_once(',')?;
        let operands = [labels(first)?, labels(second)?];
        let output = match output {
            Some(output) => labels(output)?,
            None => {
                // Those that occur once, in the order of the alphabet.
                let all = operands.concat();
                let mut once: Vec<char> =
                    all.iter().copied().filter(|c| all.iter().filter(|d| c == *d).count() == 1).collect();
                once.sort_unstable();
                once
            }
        };
        let known = output.iter().all(|label| operands.iter().any(|operand| operand.contains(label)));
        known.then_some(Equation { operands, output })
    }
}

/// Labels, each of them once.
fn labels(text: &str) -> Option<Vec<char>> {
    let labels: Vec<char> = text.chars().collect();
    let once = |(place, label): (usize, &char)| label.is_ascii_alphabetic() && !labels[..place].contains(label);
    labels.iter().enumerate().all(once).then_some(labels)
}
