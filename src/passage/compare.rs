//! Operators that pick the largest or smallest of some elements: MaxPool, ReduceMax, Max … They
//! commute with maps that keep the order of numbers.
//!
//! Padding of MaxPool is −∞, which no window is made of alone.

use super::average::{pull_reduced, push_reduced};
use super::sum::for_operand;
use super::{Moved, Passage, along_first_axes, only_first};
use crate::affine::Affine;
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

pub(super) struct Elementwise;

impl Passage for Elementwise {
    fn pull(&self, op: &Operator, _: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_order(op, map)?;
        (0..op.inputs()).map(|slot| Ok((slot, for_operand(op, slot, map)?))).collect()
    }

    fn push(&self, op: &Operator, _: usize, _: &Affine) -> Result<Moved, Refusal> {
        Err(op.refuse(Code::NoLinearProducer, format!("{} reads it beside other values", op.label())))
    }
}

pub(super) struct Reduce;

impl Passage for Reduce {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_order(op, map)?;
        check_indices(op, slot)?;
        match op.name() {
            "MaxPool" | "GlobalMaxPool" => Ok(vec![(0, along_first_axes(op, map, 2)?)]),
            _ => pull_reduced(op, map),
        }
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_order(op, map)?;
        check_indices(op, slot)?;
        match op.name() {
            "MaxPool" | "GlobalMaxPool" => Ok(vec![(0, along_first_axes(op, map, 2)?)]),
            _ => push_reduced(op, map),
        }
    }
}

/// Relu and LeakyRelu: f(s·x) = s·f(x) where s is not negative.
pub(super) struct Rectifier;

impl Passage for Rectifier {
    fn pull(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_rectifier(op, map)?;
        only_first(slot, || Ok(map.clone()), op)
    }

    fn push(&self, op: &Operator, slot: usize, map: &Affine) -> Result<Moved, Refusal> {
        check_rectifier(op, map)?;
        only_first(slot, || Ok(map.clone()), op)
    }
}

fn check_rectifier(op: &Operator, map: &Affine) -> Result<(), Refusal> {
    if map.keeps_order() && map.has_no_shift() {
        return Ok(());
    }
    Err(op.refuse(Code::NoLinearProducer, format!("{} lies between, which is not linear", op.label())))
}

fn check_order(op: &Operator, map: &Affine) -> Result<(), Refusal> {
    if map.keeps_order() {
        return Ok(());
    }
    Err(op.refuse(Code::NoLinearProducer, format!("{} does not commute with a negative factor", op.label())))
}

/// Where the largest element is can change when elements are rounded to the same number.
fn check_indices(op: &Operator, slot: usize) -> Result<(), Refusal> {
    let is_read = |value| op.graph.value(value).is_seen_outside() || !op.graph.value(value).uses.is_empty();
    if slot == 0 && !(op.name() == "MaxPool" && op.output(1).is_some_and(is_read)) {
        return Ok(());
    }
    Err(op.refuse(Code::NoLinearProducer, format!("the indices of {} are read", op.label())))
}
