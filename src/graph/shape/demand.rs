//! What a node needs of its inputs, or could not run.

use super::call::Call;
use super::window::times;
use super::{Fact, Length};

/// Notes what a node's inputs must be.
pub(super) fn of_inputs(call: &mut Call, op: &str) {
    match op {
        "Conv" | "ConvInteger" => conv(call, 1),
        "QLinearConv" => conv(call, 3),
        "ConvTranspose" => conv_transpose(call),
        "Gemm" => gemm(call),
        "MatMul" | "MatMulInteger" => matmul(call, 1),
        "QLinearMatMul" => matmul(call, 3),
        // In old versions there may be a parameter for each element and not for each channel.
        "BatchNormalization" if call.opset() < 9 && call.proto.int("spatial", 1) == 0 => (),
        "BatchNormalization" | "InstanceNormalization" => normalization(call),
        _ => (),
    }
}

/// The weight is `[M, C / group, …]`, and of the rank of the input.
fn conv(call: &mut Call, weight_slot: usize) {
    let Some(weight) = call.axes(weight_slot).filter(|weight| weight.len() > 2) else { return };
    call.demand_rank(0, weight.len());
    if let Some(channels) = times(weight[1], call.proto.int("group", 1)) {
        call.demand_length(0, 1, channels);
    }
}

/// The weight is `[C, M / group, …]`.
fn conv_transpose(call: &mut Call) {
    let Some(weight) = call.axes(1).filter(|weight| weight.len() > 2) else { return };
    call.demand_rank(0, weight.len());
    call.demand_length(0, 1, weight[0]);
}

fn gemm(call: &mut Call) {
    call.demand_rank(0, 2);
    call.demand_rank(1, 2);
    let inner = usize::from(call.proto.int("transB", 0) != 0);
    if let Some(rows) = call.axes(1).and_then(|b| b.get(inner).copied()) {
        call.demand_length(0, usize::from(call.proto.int("transA", 0) == 0), rows);
    }
}

/// The last axis of the left side is the last but one of the right side, or all of a vector.
fn matmul(call: &mut Call, right: usize) {
    let (Some(a), Some(b)) = (call.axes(0), call.axes(right)) else { return };
    let rows = b.len().checked_sub(2).or(b.len().checked_sub(1));
    if let (Some(last), Some(rows)) = (a.len().checked_sub(1), rows) {
        call.demand_length(0, last, b[rows]);
    }
}

/// One scale for each channel.
fn normalization(call: &mut Call) {
    let Some([channels]) = call.axes(1).as_deref().and_then(|scale| <[Length; 1]>::try_from(scale).ok()) else {
        return;
    };
    if call.axes(0).is_some_and(|axes| axes.len() > 1) {
        call.demand_length(0, 1, channels);
    }
}

impl Call<'_> {
    /// An input must be of this rank.
    fn demand_rank(&mut self, slot: usize, rank: usize) {
        let Some(value) = self.input(slot) else { return };
        // A subgraph may never run, so it says nothing of values outside.
        if self.graph.value(value).scope != self.scope {
            return;
        }
        match self.axes(slot) {
            Some(axes) if axes.len() != rank => self.facts.contradict(value),
            Some(_) => (),
            None => {
                let shape = self.fresh_axes(rank);
                self.facts.note(value, Fact { element: None, shape }, self.scope);
            }
        }
    }

    /// An axis of an input must be so long.
    fn demand_length(&mut self, slot: usize, axis: usize, length: Length) {
        let found = self.axes(slot).and_then(|axes| axes.get(axis).copied());
        let (Some(value), Some(found)) = (self.input(slot), found) else { return };
        let fits = self.facts.symbols.unify(found, length, self.scope).is_some();
        if !fits && self.graph.value(value).scope == self.scope {
            self.facts.contradict(value);
        }
    }
}
