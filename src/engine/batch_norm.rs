//! BatchNormalization as an operator of our own in tract, opaque to its optimiser.
//!
//! tract's own is a Mul and an Add that are fused with a Conv before them, takes only constant
//! parameters, computes the map in the type of the tensor, and runs training mode as if it
//! were inference.

use super::kernel::{Affine, Element, View, moments};
use super::tap::{self, Taps};
use half::f16;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::DatumType;
use tract_onnx::tract_core::op_as_typed_op;
use tract_onnx::tract_hir::internal::*;

/// What a BatchNormalization node computes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BatchNorm {
    epsilon: f32,
    /// ONNX's sense: running = running · momentum + batch · (1 − momentum).
    momentum: f32,
    /// Normalise by the statistics of the batch.
    training: bool,
    /// One parameter per channel; otherwise (before opset 9) one per element of a sample.
    spatial: bool,
    /// Which of Y, running mean, running variance the node names.
    outputs: TVec<usize>,
    /// Its number, if it is measured or normalises by other statistics.
    pub(super) tap: Option<usize>,
}

impl Eq for BatchNorm {}

/// Reads the node; the builder that tract wants.
pub fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let opset = context.onnx_operator_set_version;
    let named = node.output.iter().enumerate().filter(|(_, output)| !output.is_empty());
    let outputs: TVec<usize> = named.map(|(slot, _)| slot).collect();
    let flag = |name, default: i64| TractResult::Ok(node.get_attr_opt::<i64>(name)?.unwrap_or(default) != 0);
    let training = match opset {
        ..7 => !flag("is_test", 0)?,
        7..14 => outputs.iter().any(|slot| *slot > 0),
        _ => flag("training_mode", 0)?,
    };
    let operator = BatchNorm {
        epsilon: node.get_attr_opt("epsilon")?.unwrap_or(1e-5),
        momentum: node.get_attr_opt("momentum")?.unwrap_or(0.9),
        training,
        spatial: opset >= 9 || flag("spatial", 1)?,
        outputs,
        tap: node.get_attr_opt::<i64>(tap::ATTRIBUTE)?.and_then(|tap| usize::try_from(tap).ok()),
    };
    ensure!(operator.training || operator.outputs.iter().all(|slot| *slot == 0), "statistics of inference");
    Ok((expand(operator), vec![]))
}

impl Expansion for BatchNorm {
    fn name(&self) -> StaticName {
        "BatchNormalization".into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.outputs.len())
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 5)?;
        check_output_arity(outputs, self.outputs.len())?;
        for (slot, output) in self.outputs.iter().zip(outputs) {
            // The running statistics are like the input mean.
            let like = if *slot == 0 { &inputs[0] } else { &inputs[3] };
            solver.equals(&output.datum_type, &like.datum_type)?;
            solver.equals(&output.shape, &like.shape)?;
        }
        solver.given(&inputs[0].rank, |_, rank| {
            ensure!(rank >= 2, "the input needs an axis of samples and one of channels, but its rank is {rank}");
            Ok(())
        })
    }

    /// One that is measured is not evaluated ahead, even where a constant comes in: it would be gone.
    fn runs_out_of_plan(&self) -> bool {
        self.tap.is_none()
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}

impl Op for BatchNorm {
    fn name(&self) -> StaticName {
        "OpaqueBatchNormalization".into()
    }

    op_as_typed_op!();
}

impl TypedOp for BatchNorm {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        ensure!(inputs.len() == 5 && inputs[0].rank() >= 2, "five inputs, the first of rank 2 or more");
        let like = |slot: &usize| inputs[if *slot == 0 { 0 } else { 3 }];
        Ok(self.outputs.iter().map(|slot| like(slot).datum_type.fact(like(slot).shape.clone())).collect())
    }
}

impl EvalOp for BatchNorm {
    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        if self.runs_out_of_plan() { self.eval(&EvalContext::out_of_plan(), inputs).map(Some) } else { Ok(None) }
    }

    fn eval(&self, _context: &EvalContext, mut inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        ensure!(inputs.len() == 5, "five inputs");
        let parameters = inputs[1..].iter().map(|input| floats(input)).collect::<TractResult<Vec<_>>>()?;
        let statistics = inputs[3].datum_type();
        // The only reference, if nobody else reads the value: then the work is done in place.
        let mut x = inputs.swap_remove(0).into_tensor();
        let results = match x.datum_type() {
            DatumType::F64 => self.normalise::<f64>(&mut x, &parameters),
            DatumType::F32 => self.normalise::<f32>(&mut x, &parameters),
            DatumType::F16 => self.normalise::<f16>(&mut x, &parameters),
            other => bail!("no BatchNormalization of {other:?}"),
        }?;
        let [mean, variance] = results.map(|values| tensor1(&values));
        let mut y = Some(x);
        let output = |slot: &usize| match slot {
            0 => Ok(y.take().unwrap_or_default().into_tvalue()),
            1 => Ok(mean.cast_to_dt(statistics)?.into_owned().into_tvalue()),
            _ => Ok(variance.cast_to_dt(statistics)?.into_owned().into_tvalue()),
        };
        self.outputs.iter().map(output).collect()
    }
}

impl BatchNorm {
    /// Normalises in place; returns the new running mean and variance.
    fn normalise<T: Element + Datum>(&self, x: &mut Tensor, parameters: &[Vec<f64>]) -> TractResult<[Vec<f64>; 2]> {
        let view = self.view(x.shape(), parameters)?;
        let [gamma, beta, mean, variance] = parameters else { bail!("four parameters") };
        let mut plain = x.try_as_plain_ram_mut()?;
        let values = plain.as_slice_mut::<T>()?;
        let epsilon = f64::from(self.epsilon);
        if let Some(tap) = self.tap {
            tap::measure(tap, values, view);
        }
        let other = self.tap.and_then(tap::overridden);
        let other = other.as_ref().map(|other| (&other.mean, &other.variance));
        if let Some((mean, variance)) = other.or((!self.training).then_some((mean, variance))) {
            ensure!([mean.len(), variance.len()] == [view.channels; 2], "statistics of other channels");
            Affine::new(gamma, beta, mean, variance, epsilon).apply(values, view);
            return Ok([vec![], vec![]]);
        }
        let batch = moments(values, view);
        Affine::new(gamma, beta, &batch.0, &batch.1, epsilon).apply(values, view);
        let old = f64::from(self.momentum);
        let update = |running: &[f64], batch: &[f64]| {
            running.iter().zip(batch).map(|(running, batch)| running * old + batch * (1.0 - old)).collect()
        };
        Ok([update(mean, &batch.0), update(variance, &batch.1)])
    }

    /// Adds what comes in to the taps, without normalising it.
    pub(super) fn measure(&self, tap: usize, x: &Tensor, taps: &mut Taps) -> TractResult<()> {
        let (view, plain) = (self.seen_as(x.shape())?, x.try_as_plain_ram()?);
        match x.datum_type() {
            DatumType::F64 => taps.add(tap, plain.as_slice::<f64>()?, view),
            DatumType::F32 => taps.add(tap, plain.as_slice::<f32>()?, view),
            DatumType::F16 => taps.add(tap, plain.as_slice::<f16>()?, view),
            other => bail!("no BatchNormalization of {other:?}"),
        }
        Ok(())
    }

    fn seen_as(&self, shape: &[usize]) -> TractResult<View> {
        ensure!(shape.len() >= 2, "the rank of the input is {}", shape.len());
        let channels = if self.spatial { shape[1] } else { shape[1..].iter().product() };
        let inner = if self.spatial { shape[2..].iter().product() } else { 1 };
        Ok(View { channels, inner })
    }

    fn view(&self, shape: &[usize], parameters: &[Vec<f64>]) -> TractResult<View> {
        let view = self.seen_as(shape)?;
        let channels = view.channels;
        let lengths: Vec<usize> = parameters.iter().map(Vec::len).collect();
        ensure!(
            lengths.iter().all(|len| *len == channels),
            "{channels} channels, but parameters of lengths {lengths:?}"
        );
        Ok(view)
    }
}

fn floats(tensor: &Tensor) -> TractResult<Vec<f64>> {
    let wide = tensor.cast_to::<f64>()?;
    Ok(wide.try_as_plain_ram()?.as_slice::<f64>()?.to_vec())
}

#[cfg(test)]
mod tests;
