//! MatMul: a constant `[…, K, N]` on the right or `[…, M, K]` on the left, no bias.
//!
//! The channels are the last axis of the output, or the last but one, and those axes before them
//! along which the constant is a stack of matrices. Which axes these are, only the rank tells.
//! <https://onnx.ai/onnx/operators/onnx__MatMul.html>, versions 1, 9 and 13.

use super::bias::Bias;
use super::weight::Role;
use super::{Input, Linear, Operand, Takes};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};

pub(super) fn read(op: &Operator) -> Result<Linear, Refusal> {
    let left = op.is_constant(0) && !op.is_constant(1);
    let (slot, data) = if left { (0, 1) } else { (1, 0) };
    let weight = Operand::weight(op, slot, 1)?;
    let unknown = || {
        let detail = format!("the rank of the input of {} is not known, so its channels may not be axis 1", op.label());
        op.refuse(Code::ChannelAxis, detail)
    };
    let rank = op.input_axes(data).map(|axes| axes.len()).filter(|rank| *rank > 0).ok_or_else(unknown)?;
    let product = Product { left, weight: weight.shape.len(), data: rank };
    let lengths = weight.shape.clone();
    Ok(Linear {
        operator: "MatMul",
        node: op.node,
        bias: Bias::None,
        weight: weight.with_axes(lengths, product.output_roles(), product.input_roles()),
        rank: product.rank(),
        input: Input { slot: data, gain: 1.0, takes: Takes::All },
    })
}

/// The ranks of a product. A vector on the left counts as one row, on the right as one column; that
/// axis is not in the output.
struct Product {
    /// Whether the weight is the left operand.
    left: bool,
    weight: usize,
    data: usize,
}

impl Product {
    /// The axes along which matrices are stacked.
    fn stacked(&self) -> usize {
        self.weight.max(self.data).saturating_sub(2)
    }

    fn rank(&self) -> usize {
        self.stacked() + usize::from(self.weight > 1) + usize::from(self.data > 1)
    }

    /// The axis of the weight that is summed: the last one on the left, the last but one on the right.
    fn summed(&self) -> usize {
        self.weight - if self.left || self.weight == 1 { 1 } else { 2 }
    }

    /// The weight's own axis, if it is no vector.
    fn own(&self) -> Option<usize> {
        (self.weight > 1).then(|| self.weight - if self.left { 2 } else { 1 })
    }

    /// Axes of the weight along which matrices are stacked, and which axes of the output they are.
    fn stack(&self) -> impl Iterator<Item = (usize, usize)> {
        let own = self.weight.saturating_sub(2);
        let first = self.stacked() - own;
        (0..own).map(move |part| (part, first + part))
    }

    fn output_roles(&self) -> Vec<Role> {
        // The own axis comes before the other operand's on the left, after it on the right.
        let behind = 1 + usize::from(self.left && self.data > 1);
        let after = self.rank().saturating_sub(behind);
        let own = self.own().map(|part| Role::new(after, [part]));
        self.stack().map(|(part, axis)| Role::new(axis, [part])).chain(own).collect()
    }

    fn input_roles(&self) -> Vec<Role> {
        let summed = self.data - if !self.left || self.data == 1 { 1 } else { 2 };
        let own = self.data.saturating_sub(2);
        // Stacked axes that the data has as well.
        let missing = self.stacked() - own;
        let stack = self.stack().filter_map(|(part, axis)| Some(Role::new(axis.checked_sub(missing)?, [part])));
        stack.chain([Role::new(summed, [self.summed()])]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Axes = Vec<(usize, usize)>;

    /// The rank of the output, and which axes of output and input are which axes of the weight.
    fn roles(left: bool, weight: usize, data: usize) -> (usize, Axes, Axes) {
        let product = Product { left, weight, data };
        let plain = |roles: Vec<Role>| roles.into_iter().map(|role| (role.axis, role.parts[0])).collect();
        (product.rank(), plain(product.output_roles()), plain(product.input_roles()))
    }

    #[test]
    fn axes_of_products_are_those_of_the_specification() {
        // [B, T, K] · [K, N]
        assert_eq!(roles(false, 2, 3), (3, vec![(2, 1)], vec![(2, 0)]));
        // [M, K] · [B, K, N]
        assert_eq!(roles(true, 2, 3), (3, vec![(1, 0)], vec![(1, 1)]));
        // [A, B, T, K] · [B, K, N]: the weight is stacked along axis 1 of the output.
        assert_eq!(roles(false, 3, 4), (4, vec![(1, 0), (3, 2)], vec![(1, 0), (3, 1)]));
        // [T, K] · [B, K, N]: the data has no such axis.
        assert_eq!(roles(false, 3, 2), (3, vec![(0, 0), (2, 2)], vec![(1, 1)]));
        // Vectors: [K] · [K, N], [T, K] · [K], [M, K] · [K].
        assert_eq!(roles(false, 2, 1), (1, vec![(0, 1)], vec![(0, 0)]));
        assert_eq!(roles(false, 1, 2), (1, vec![], vec![(1, 0)]));
        assert_eq!(roles(true, 1, 2), (1, vec![], vec![(0, 0)]));
        assert_eq!(roles(true, 2, 1), (1, vec![(0, 0)], vec![(0, 1)]));
    }
}
