//! Operators of ours in the places of some that tract has read.

use super::conv::Convolution;
use super::matmul::MatMul;
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::logic::IfThenElse;
use tract_onnx::tract_core::ops::scan::Scan;

/// An operator that has taken in the constants among its inputs.
pub struct Packed {
    /// The operator.
    pub op: Box<dyn TypedOp>,
    /// Which inputs it still reads.
    pub reads: TVec<usize>,
}

/// Replaces the convolutions of a model, and its products in f64, those in bodies and branches as well.
/// Constants that they take in are let go of at once, so that each is in memory once. To be called before
/// the model is optimised.
pub fn replace(model: &mut TypedModel) -> TractResult<()> {
    for node in 0..model.nodes().len() {
        if let Some(ours) = Convolution::in_place_of(model, node) {
            let packed = ours.pack(&constants(model, node)?)?;
            put(model, node, ours, packed)?;
        } else if let Some(ours) = MatMul::in_place_of(model, node) {
            let packed = ours.pack(&constants(model, node)?)?;
            put(model, node, ours, packed)?;
        } else if let Some(scan) = model.node_mut(node).op_as_mut::<Scan>() {
            replace(&mut scan.body)?;
        } else if let Some(branches) = model.node_mut(node).op_as_mut::<IfThenElse>() {
            replace(&mut branches.then_body)?;
            replace(&mut branches.else_body)?;
        }
    }
    Ok(())
}

/// The inputs of a node, as far as they are known.
pub fn constants(model: &TypedModel, node: usize) -> TractResult<TVec<Option<Arc<Tensor>>>> {
    let known = |input: &OutletId| model.outlet_fact(*input).map(|fact| fact.konst.clone());
    model.node(node).inputs.iter().map(known).collect()
}

/// Inputs that became known later are taken in when the model is optimised.
pub fn patch(model: &TypedModel, node: &TypedNode, packed: Packed) -> TractResult<Option<TypedModelPatch>> {
    let inputs: TVec<OutletId> = packed.reads.iter().map(|input| node.inputs[*input]).collect();
    TypedModelPatch::replace_single_op(model, node, &inputs, packed.op).map(Some)
}

fn put(model: &mut TypedModel, node: usize, ours: impl TypedOp, packed: Option<Packed>) -> TractResult<()> {
    let Some(Packed { op, reads }) = packed else {
        model.node_mut(node).op = Box::new(ours);
        return Ok(());
    };
    let inputs = std::mem::take(&mut model.node_mut(node).inputs);
    for input in &inputs {
        successors(model, *input).retain(|successor| successor.node != node);
    }
    for (slot, input) in reads.iter().enumerate() {
        let input = inputs[*input];
        successors(model, input).push(InletId::new(node, slot));
        model.node_mut(node).inputs.push(input);
    }
    model.node_mut(node).op = op;
    inputs.into_iter().try_for_each(|input| forget(model, input))
}

fn successors(model: &mut TypedModel, outlet: OutletId) -> &mut TVec<InletId> {
    &mut model.node_mut(outlet.node).outputs[outlet.slot].successors
}

/// Lets go of a constant that nobody reads any more.
fn forget(model: &mut TypedModel, outlet: OutletId) -> TractResult<()> {
    let is_output = model.outputs.iter().any(|output| output.node == outlet.node);
    let node = model.node_mut(outlet.node);
    if !is_output && node.op_is::<Const>() && node.outputs.iter().all(|output| output.successors.is_empty()) {
        let nothing = Tensor::zero_dt(node.outputs[0].fact.datum_type, &[0])?.into_arc_tensor();
        node.outputs[0].fact = TypedFact::try_from(nothing.clone())?;
        node.op = Box::new(Const::new(nothing)?);
    }
    Ok(())
}
