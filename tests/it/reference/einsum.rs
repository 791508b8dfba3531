//! Einsum-12.

use super::call::{Call, Outputs};
use super::value::{Result, Tensor, bounded};
use ndarray::{ArrayD, Dimension, IxDyn, indices};
use std::collections::BTreeMap;

/// A letter of the equation, or an axis of the ellipsis counted from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// `Σ Π operands` over all labels that the output lacks.
pub fn einsum(call: &Call) -> Outputs {
    let operands: Vec<&Tensor> = call.all()?.into_iter().map(|value| &value.data).collect();
    let equation = call.string("equation", "").replace(' ', "");
    let (left, right) = equation.split_once("->").map_or((&equation[..], None), |(left, right)| (left, Some(right)));
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != operands.len() {
        return Err(format!("{} terms for {} operands", terms.len(), operands.len()));
    }
    let inputs = terms.iter().zip(&operands).map(|(term, operand)| labels(term, operand.ndim()));
    let inputs: Vec<Vec<Label>> = inputs.collect::<Result<_>>()?;
    let lengths = lengths(&inputs, &operands)?;
    let output = match right {
        Some(right) => {
            let letters = right.replace("...", "").len();
            let ellipsis = lengths.keys().filter(|label| matches!(label, Label::Ellipsis(_))).count();
            labels(right, letters + if right.contains("...") { ellipsis } else { 0 })?
        }
        None => implicit(&inputs),
    };
    call.one(sum(&inputs, &operands, &output, &lengths)?)
}

/// One label per axis.
fn labels(term: &str, rank: usize) -> Result<Vec<Label>> {
    let letters = term.replace("...", "").chars().count();
    let hidden = rank.checked_sub(letters).ok_or_else(|| format!("`{term}` for an operand of rank {rank}"))?;
    let Some((before, after)) = term.split_once("...") else {
        return if hidden == 0 { Ok(term.chars().map(Label::Letter).collect()) } else { Err(format!("`{term}`")) };
    };
    let ellipsis = (0..hidden).rev().map(Label::Ellipsis);
    Ok(before.chars().map(Label::Letter).chain(ellipsis).chain(after.chars().map(Label::Letter)).collect())
}

/// What each label counts to; axes of the ellipsis broadcast.
fn lengths(inputs: &[Vec<Label>], operands: &[&Tensor]) -> Result<BTreeMap<Label, usize>> {
    let mut lengths = BTreeMap::new();
    for (labels, operand) in inputs.iter().zip(operands) {
        for (label, length) in labels.iter().zip(operand.shape()) {
            let known = lengths.entry(*label).or_insert(*length);
            if *known == 1 {
                *known = *length;
            } else if *known != *length && *length != 1 {
                return Err(format!("{label:?} is {known} and {length}"));
            }
        }
    }
    Ok(lengths)
}

/// Without an arrow: the ellipsis, then the letters that appear once, in alphabetical order.
fn implicit(inputs: &[Vec<Label>]) -> Vec<Label> {
    let mut counts = BTreeMap::<Label, usize>::new();
    inputs.iter().flatten().for_each(|label| *counts.entry(*label).or_default() += 1);
    let mut ellipsis: Vec<Label> = counts.keys().copied().filter(|label| matches!(label, Label::Ellipsis(_))).collect();
    ellipsis.reverse();
    let letters = counts.iter().filter(|(label, count)| matches!(label, Label::Letter(_)) && **count == 1);
    ellipsis.into_iter().chain(letters.map(|(label, _)| *label)).collect()
}

fn sum(
    inputs: &[Vec<Label>],
    operands: &[&Tensor],
    output: &[Label],
    lengths: &BTreeMap<Label, usize>,
) -> Result<Tensor> {
    let length = |label: &Label| lengths.get(label).copied().ok_or_else(|| format!("{label:?} is in no operand"));
    let shape: Vec<usize> = output.iter().map(length).collect::<Result<_>>()?;
    let summed: Vec<Label> = lengths.keys().copied().filter(|label| !output.contains(label)).collect();
    let range: Vec<usize> = summed.iter().map(|label| lengths[label]).collect();
    Ok(ArrayD::from_shape_fn(IxDyn(bounded(&shape)), |at| {
        let term = |inner: IxDyn| {
            let outer = output.iter().copied().zip(at.slice().iter().copied());
            let all: BTreeMap<Label, usize> = outer.chain(summed.iter().copied().zip(inner.slice().to_vec())).collect();
            let factor = |(labels, operand): (&Vec<Label>, &&Tensor)| {
                let position =
                    labels.iter().zip(operand.shape()).map(|(label, n)| if *n == 1 { 0 } else { all[label] });
                operand[&position.collect::<Vec<_>>()[..]]
            };
            inputs.iter().zip(operands).map(factor).product::<f64>()
        };
        indices(IxDyn(&range)).into_iter().map(term).sum()
    }))
}
