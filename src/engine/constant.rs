//! Constants as tensors of tract, read from where they are to where they stay: they do not pass through
//! tract's schema, so that each is in memory once.

use super::array::datum_type;
use super::error::EngineError;
use super::session::engine;
use super::widen::widened;
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::payload::Payload;
use crate::onnx::schema::TensorProto;
use std::collections::{HashMap, HashSet};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_hir::internal::TractErrorContext;

/// A constant of a graph.
pub struct Constant {
    /// The value that it is.
    pub name: String,
    /// Its elements.
    pub tensor: Tensor,
}

impl Constant {
    /// Reads a constant, widened to the floor. `None` if tract has no such type.
    ///
    /// # Errors
    /// When it cannot be read, or a scaled one overflows.
    pub fn read(proto: &TensorProto, name: String, floor: Option<FloatType>) -> Result<Option<Constant>, EngineError> {
        let Some(element) = proto.element().filter(|element| *element != DataType::String) else { return Ok(None) };
        let wide = widened(element, floor);
        let Some(kind) = datum_type(wide) else { return Ok(None) };
        let (shape, payload) = (proto.shape()?, proto.little_endian()?);
        let mut tensor = engine("prepare", || Tensor::zero_dt(kind, &shape))?;
        let Some(mut view) = tensor.as_plain_ram_mut() else { return Ok(None) };
        let out = view.as_bytes_mut();
        match (element.float(), wide.float()) {
            (Some(from), Some(to)) if from != to => widen(&payload, [from, to], out)?,
            _ => payload.read(0, out)?,
        }
        if element == DataType::Bool {
            out.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
        }
        Ok(Some(Constant { name, tensor }))
    }
}

fn widen(payload: &Payload, [from, to]: [FloatType; 2], mut out: &mut [u8]) -> Result<(), EngineError> {
    payload.for_each_piece(|piece| {
        let (now, later) = std::mem::take(&mut out).split_at_mut(piece.len() / from.size() * to.size());
        from.convert(piece, to, now);
        out = later;
    })?;
    Ok(())
}

/// Puts constants in the places of inputs of these names.
pub fn place(model: &mut InferenceModel, constants: Vec<Constant>) -> TractResult<()> {
    let sources = model.input_outlets()?.iter().map(|input| input.node);
    let sources: HashMap<String, usize> = sources.map(|node| (model.node(node).name.clone(), node)).collect();
    let mut placed = HashSet::new();
    for Constant { name, tensor } in constants {
        let node = *sources.get(&name).with_context(|| format!("no place for `{name}`"))?;
        let tensor = tensor.into_arc_tensor();
        let fact = TypedFact::try_from(tensor.clone())?;
        let place = model.node_mut(node);
        place.op = Box::new(Const::new(tensor)?);
        place.outputs[0].fact = fact.into();
        placed.insert(node);
    }
    model.inputs.retain(|input| !placed.contains(&input.node));
    Ok(())
}
