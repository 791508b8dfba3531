//! Shapes that are stretched to each other.
//! <https://onnx.ai/onnx/repo-docs/Broadcasting.html>

use super::call::Call;
use super::{Axes, Length};

const ONE: Length = Length::Known(1);

/// Two shapes broadcast: the shorter one gets axes of length 1 in front.
pub(super) fn pair(call: &mut Call, a: &[Length], b: &[Length]) -> Vec<Length> {
    let rank = a.len().max(b.len());
    let at = |axes: &[Length], axis: usize| (axis + axes.len()).checked_sub(rank).map_or(ONE, |index| axes[index]);
    (0..rank).map(|axis| call.broadcast(at(a, axis), at(b, axis))).collect()
}

/// All inputs, broadcast.
pub(super) fn all(call: &mut Call) -> Axes {
    let mut sum = call.axes(0)?;
    for slot in 1..call.graph.node(call.node).inputs.len() {
        let next = call.axes(slot)?;
        sum = pair(call, &sum, &next);
    }
    Some(sum)
}

/// Both inputs, broadcast. Before version 7 only the second one was, to the shape of the first.
pub(super) fn binary(call: &mut Call) -> Axes {
    let a = call.axes(0)?;
    if call.opset() < 7 {
        return Some(a);
    }
    let b = call.axes(1)?;
    Some(pair(call, &a, &b))
}

/// The first input, broadcast with a shape that is the second one.
pub(super) fn expand(call: &mut Call) -> Axes {
    let target = call.numbers(1)?;
    let (axes, target) = (call.axes(0)?, call.lengths(&target));
    Some(pair(call, &axes, &target))
}

impl Call<'_> {
    /// Two axes broadcast. What is neither 1 nor unknown is the length of both, or the other is 1.
    pub fn broadcast(&mut self, a: Length, b: Length) -> Length {
        match (a, b) {
            (ONE, other) | (other, ONE) => other,
            (known @ Length::Known(_), _) | (_, known @ Length::Known(_)) => known,
            (a, b) if a == b => a,
            _ => self.fresh(),
        }
    }
}
