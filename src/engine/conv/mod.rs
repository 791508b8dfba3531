//! Convolution as an operator of our own in tract: in f64 tract has no fast one, and in f32 it gathers
//! the image element by element.
//!
//! tract still reads the node, and gives shapes and paddings; what it would run is replaced. Integers,
//! quantised convolutions and f16 stay with tract.

mod compute;
mod geometry;
mod planes;
mod scratch;

use super::product::Element;
use super::replace::{TakesIn, patch};
use compute::Kernel;
use geometry::Geometry;
use scratch::Scratch;
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::op_as_typed_op;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, PoolSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;
use tract_onnx::tract_hir::internal::*;

/// Convolves x by w and adds b; `[N, C, spatial…]`, `[M, C / group, spatial…]` and `[M]`, or one for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Convolution {
    pool: PoolSpec,
    group: usize,
    /// The weights, once they are known: then x is the only input.
    packed: Option<Weights>,
}

/// Weights in the order that they are read in, and the bias of each output.
#[derive(Clone, PartialEq)]
enum Weights {
    F32(Arc<(Kernel<f32>, Vec<f32>)>),
    F64(Arc<(Kernel<f64>, Vec<f64>)>),
}

impl Eq for Weights {}

impl std::fmt::Debug for Weights {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(match self {
            Weights::F32(_) => "f32",
            Weights::F64(_) => "f64",
        })
    }
}

impl Convolution {
    /// Ours in place of a node, if it is such a convolution.
    pub fn in_place_of(model: &TypedModel, node: usize) -> Option<Convolution> {
        let node = model.node(node);
        let conv = node.op_as::<Conv>()?;
        let [x, weights, bias] = node.inputs.as_slice() else { return None };
        let facts = [x, weights, bias].map(|input| model.outlet_fact(*input));
        let [Ok(x), Ok(weights), Ok(bias)] = facts else { return None };
        let numbers = [DatumType::F32, DatumType::F64].contains(&x.datum_type);
        let alike = weights.datum_type == x.datum_type && bias.datum_type == x.datum_type;
        let layout = conv.kernel_fmt == KernelFormat::OIHW && conv.pool_spec.data_format == DataFormat::NCHW;
        let plain = !weights.is_exotic() && conv.q_params.is_none() && conv.pool_spec.rank() > 0;
        (numbers && alike && layout && plain).then(|| Convolution {
            pool: conv.pool_spec.clone(),
            group: conv.group,
            packed: None,
        })
    }

    fn geometry(&self, x: &[usize]) -> TractResult<Geometry> {
        ensure!(x.len() == self.pool.rank() + 2 && x[1] == self.pool.input_channels, "an image of shape {x:?}");
        let computed = self.pool.computed_padding(&x[2..]);
        Ok(Geometry {
            image: x[2..].into(),
            kernel: self.pool.kernel_shape.as_slice().into(),
            strides: self.pool.strides().as_ref().into(),
            dilations: self.pool.dilations().as_ref().into(),
            before: computed.iter().map(|axis| axis.pad_before).collect(),
            output: computed.iter().map(|axis| axis.convoluted).collect(),
        })
    }

    fn pack_as<T: Element + Scratch + Datum>(
        &self,
        weights: &Tensor,
        bias: &Tensor,
    ) -> TractResult<(Kernel<T>, Vec<T>)> {
        let shape = weights.shape();
        let expected = [self.pool.output_channels, self.pool.input_channels / self.group.max(1)];
        ensure!(shape.len() == self.pool.rank() + 2 && shape[..2] == expected, "weights of shape {shape:?}");
        ensure!(
            shape[2..] == *self.pool.kernel_shape && shape[0].is_multiple_of(self.group),
            "weights of shape {shape:?}"
        );
        let (weights, bias) = (weights.try_as_plain_ram()?, bias.try_as_plain_ram()?);
        let bias = match bias.as_slice::<T>()? {
            [all] => vec![*all; shape[0]],
            each => each.to_vec(),
        };
        ensure!(bias.len() == shape[0], "a bias of length {}", bias.len());
        Ok((Kernel::pack(weights.as_slice::<T>()?, shape, self.group), bias))
    }

    fn pack_any(&self, weights: &Tensor, bias: &Tensor) -> TractResult<Weights> {
        Ok(match weights.datum_type() {
            DatumType::F32 => Weights::F32(Arc::new(self.pack_as(weights, bias)?)),
            DatumType::F64 => Weights::F64(Arc::new(self.pack_as(weights, bias)?)),
            other => bail!("no convolution of {other:?}"),
        })
    }

    fn convolve<T: Element + Scratch + Datum>(
        &self,
        (kernel, bias): &(Kernel<T>, Vec<T>),
        x: &Tensor,
    ) -> TractResult<TValue> {
        let geometry = self.geometry(x.shape())?;
        let mut shape = TVec::from_slice(&x.shape()[..2]);
        shape[1] = kernel.outputs();
        shape.extend_from_slice(&geometry.output);
        let mut y = Tensor::zero_dt(T::datum_type(), &shape)?;
        let (sample, result) = (x.shape()[1..].iter().product::<usize>(), shape[1..].iter().product::<usize>());
        if sample > 0 && result > 0 {
            let x = x.try_as_plain_ram()?;
            let mut y = y.try_as_plain_ram_mut()?;
            let samples = x.as_slice::<T>()?.chunks_exact(sample);
            for (x, y) in samples.zip(y.as_slice_mut::<T>()?.chunks_exact_mut(result)) {
                kernel.convolve(&geometry, x, bias, y);
            }
        } else if result > 0 {
            // Of nothing, each sum is its bias.
            let channel: usize = geometry.output.iter().product();
            let mut y = y.try_as_plain_ram_mut()?;
            for (y, bias) in y.as_slice_mut::<T>()?.chunks_exact_mut(channel).zip(bias.iter().cycle()) {
                y.fill(*bias);
            }
        }
        Ok(y.into_tvalue())
    }
}

impl Op for Convolution {
    fn name(&self) -> StaticName {
        "Convolution".into()
    }

    op_as_typed_op!();
}

impl TypedOp for Convolution {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        ensure!(inputs.len() == if self.packed.is_some() { 1 } else { 3 }, "{} inputs", inputs.len());
        ensure!(inputs[0].rank() == self.pool.rank() + 2, "an image of rank {}", inputs[0].rank());
        self.pool.output_facts(inputs)
    }

    fn codegen(&self, model: &TypedModel, node: &TypedNode) -> TractResult<Option<TypedModelPatch>> {
        patch(self, model, node)
    }
}

impl TakesIn for Convolution {
    /// The weights, together with the bias.
    fn takes(&self, known: &[bool]) -> TVec<usize> {
        if matches!(known, [_, true, true]) { tvec![1, 2] } else { tvec![] }
    }

    fn take_in(&self, constants: &[(usize, Arc<Tensor>)]) -> TractResult<Box<dyn TypedOp>> {
        let [(1, weights), (2, bias)] = constants else { bail!("{} constants of a convolution", constants.len()) };
        Ok(Box::new(Convolution { packed: Some(self.pack_any(weights, bias)?), ..self.clone() }))
    }
}

impl EvalOp for Convolution {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let packed = match (&self.packed, inputs.as_slice()) {
            (Some(packed), [_]) => packed.clone(),
            (None, [_, weights, bias]) => self.pack_any(weights, bias)?,
            _ => bail!("{} inputs", inputs.len()),
        };
        let y = match &packed {
            Weights::F32(packed) => self.convolve(packed, &inputs[0]),
            Weights::F64(packed) => self.convolve(packed, &inputs[0]),
        };
        Ok(tvec!(y?))
    }
}

#[cfg(test)]
mod tests;
