//! Mul, Add, Sub, Div and Neg with a constant: maps like a BatchNormalization, one after the other
//! often what is left of one.
//!
//! <https://onnx.ai/onnx/repo-docs/Broadcasting.html>: axes are aligned at the last one. Before opset
//! 7 an attribute said where the second operand begins.

use crate::affine::{Affine, LARGEST};
use crate::graph::constant::Dense;
use crate::graph::shape::Length;
use crate::operator::{Operator, normal_axis};

/// A node that applies a map to one of its inputs.
#[derive(Clone, Debug)]
pub struct Arithmetic {
    /// The input that is not constant.
    pub data: usize,
    /// What the node does to it.
    pub map: Affine,
}

impl Arithmetic {
    /// Whether a node could be one, by its operator.
    pub fn may_be(op: &Operator) -> bool {
        matches!(op.name(), "Mul" | "Add" | "Sub" | "Div" | "Neg")
    }

    /// Whether a node that is none could turn out to be one when more is known of its shape.
    pub fn may_become(op: &Operator) -> bool {
        let constant = [0, 1].into_iter().find(|slot| op.is_constant(*slot) && !op.is_constant(1 - slot));
        let element = constant.filter(|_| Arithmetic::may_be(op)).and_then(|slot| op.input_type(slot));
        element.is_some_and(|element| element.float().is_some())
    }

    /// Reads a node; `None` if it is no map of one value by finite constants.
    pub fn read(op: &Operator) -> Option<Arithmetic> {
        if !Arithmetic::may_be(op) || op.has_references() {
            return None;
        }
        if op.name() == "Neg" {
            op.input_type(0)?.float()?;
            return Some(Arithmetic { data: 0, map: Affine::scalar(-1.0, 0.0) });
        }
        let data = [0, 1].into_iter().find(|slot| !op.is_constant(*slot) && op.is_constant(1 - slot))?;
        let constant = op.constant(1 - data).filter(|constant| constant.float().is_some())?;
        let axes = aligned(op, data, &constant)?;
        let count = constant.values.len();
        let (scale, shift): (Vec<f64>, Vec<f64>) =
            constant.values.iter().map(|value| pair(op.name(), data, *value)).unzip();
        let map = Affine::new(axes, scale, shift);
        (count <= LARGEST && map.is_finite()).then_some(Arithmetic { data, map })
    }
}

/// What the operator does to the data with one number of the constant.
fn pair(op: &str, data: usize, constant: f64) -> (f64, f64) {
    match (op, data) {
        ("Mul", _) => (constant, 0.0),
        ("Add", _) => (1.0, constant),
        ("Sub", 0) => (1.0, -constant),
        ("Sub", _) => (-1.0, constant),
        ("Div", 0) => (1.0 / constant, 0.0),
        // A constant over the data is no map.
        _ => (f64::NAN, 0.0),
    }
}

/// The axes of the constant as those of the data, from the first one on; `None` when the constant
/// has axes that the data has not, or may broadcast it.
fn aligned(op: &Operator, data: usize, constant: &Dense) -> Option<Vec<usize>> {
    if constant.values.len() == 1 && constant.shape.is_empty() {
        return Some(Vec::new());
    }
    let axes = op.input_axes(data)?;
    let start = first_axis(op, data, constant, axes.len())?;
    let fits = |(length, own): (&usize, &Length)| *length == 1 || *own == Length::Known(*length);
    let own = axes.get(start..start + constant.shape.len())?;
    if !constant.shape.iter().zip(own).all(fits) {
        return None;
    }
    Some([vec![1; start], constant.shape.clone()].concat())
}

/// The axis of the data that the first axis of the constant is.
fn first_axis(op: &Operator, data: usize, constant: &Dense, rank: usize) -> Option<usize> {
    let last = rank.checked_sub(constant.shape.len())?;
    if op.opset() >= 7 {
        return Some(last);
    }
    // The second operand is broadcast, and only if that is asked for.
    match op.graph.proto(op.node).attribute("axis") {
        _ if data != 0 || op.int("broadcast", 0) == 0 => None,
        Some(_) => normal_axis(op.int("axis", 0), rank),
        None => Some(last),
    }
}
