//! Operators of ours in the places of some that tract has read.

use super::conv::Convolution;
use super::matmul::MatMul;
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::logic::IfThenElse;
use tract_onnx::tract_core::ops::scan::Scan;

/// An operator that can take in some of its inputs, if they are constants.
pub trait TakesIn: TypedOp {
    /// Which of the inputs it takes in, given which are known; none once it has.
    fn takes(&self, known: &[bool]) -> TVec<usize>;

    /// The operator that has taken in these inputs, and reads the others.
    fn take_in(&self, constants: &[(usize, Arc<Tensor>)]) -> TractResult<Box<dyn TypedOp>>;
}

/// Replaces the convolutions of a model, and its products in f64, those in bodies and branches as well.
/// Constants that they take in are let go of at once, so that each is in memory once. To be called before
/// the model is optimised.
pub fn replace(model: &mut TypedModel) -> TractResult<()> {
    for node in 0..model.nodes().len() {
        if let Some(ours) = Convolution::in_place_of(model, node) {
            put(model, node, ours)?;
        } else if let Some(ours) = MatMul::in_place_of(model, node) {
            put(model, node, ours)?;
        } else if let Some(scan) = model.node_mut(node).op_as_mut::<Scan>() {
            replace(&mut scan.body)?;
        } else if let Some(branches) = model.node_mut(node).op_as_mut::<IfThenElse>() {
            replace(&mut branches.then_body)?;
            replace(&mut branches.else_body)?;
        }
    }
    Ok(())
}

/// Takes in what became known later, when the model is optimised.
pub fn patch(ours: &impl TakesIn, model: &TypedModel, node: &TypedNode) -> TractResult<Option<TypedModelPatch>> {
    let taken = taken(ours, model, &node.inputs)?;
    if taken.is_empty() {
        return Ok(None);
    }
    let left = others(&node.inputs, &taken);
    TypedModelPatch::replace_single_op(model, node, &left, ours.take_in(&taken)?).map(Some)
}

/// The constants that an operator takes in.
fn taken(ours: &impl TakesIn, model: &TypedModel, inputs: &[OutletId]) -> TractResult<TVec<(usize, Arc<Tensor>)>> {
    let constants = inputs.iter().map(|input| model.outlet_fact(*input).map(|fact| fact.konst.clone()));
    let constants = constants.collect::<TractResult<TVec<_>>>()?;
    let slots = ours.takes(&constants.iter().map(Option::is_some).collect::<TVec<_>>());
    Ok(slots.into_iter().filter_map(|slot| Some((slot, constants[slot].clone()?))).collect())
}

fn others(inputs: &[OutletId], taken: &[(usize, Arc<Tensor>)]) -> Vec<OutletId> {
    let is_taken = |slot| taken.iter().any(|(taken, _)| *taken == slot);
    inputs.iter().enumerate().filter(|(slot, _)| !is_taken(*slot)).map(|(_, input)| *input).collect()
}

fn put(model: &mut TypedModel, node: usize, ours: impl TakesIn) -> TractResult<()> {
    let inputs = model.node(node).inputs.clone();
    let taken = taken(&ours, model, &inputs)?;
    if taken.is_empty() {
        model.node_mut(node).op = Box::new(ours);
        return Ok(());
    }
    for input in &inputs {
        successors(model, *input).retain(|successor| successor.node != node);
    }
    let left = others(&inputs, &taken);
    for (slot, input) in left.iter().enumerate() {
        successors(model, *input).push(InletId::new(node, slot));
    }
    taken.iter().try_for_each(|(slot, _)| forget(model, inputs[*slot]))?;
    let node = model.node_mut(node);
    node.inputs = left;
    node.op = ours.take_in(&taken)?;
    Ok(())
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
