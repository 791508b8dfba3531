//! BatchNormalization as an operator of our own in tract, opaque to its optimiser.
//!
//! tract's own is a Mul and an Add that are fused with a Conv before them, takes only constant
//! parameters, computes the map in the type of the tensor, and runs training mode as if it
//! were inference.

use super::kernel::{Affine, Element, View, moments};
use half::f16;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::DatumType;
use tract_onnx::tract_core::{op_as_typed_op, op_out_of_plan};
use tract_onnx::tract_hir::internal::*;

/// What a BatchNormalization node computes.
#[derive(Clone, Debug, PartialEq)]
struct BatchNorm {
    epsilon: f32,
    /// ONNX's sense: running = running · momentum + batch · (1 − momentum).
    momentum: f32,
    /// Normalise by the statistics of the batch.
    training: bool,
    /// One parameter per channel; otherwise (before opset 9) one per element of a sample.
    spatial: bool,
    /// Which of Y, running mean, running variance the node names.
    outputs: TVec<usize>,
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
    op_out_of_plan!();

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
        if !self.training {
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

    fn view(&self, shape: &[usize], parameters: &[Vec<f64>]) -> TractResult<View> {
        ensure!(shape.len() >= 2, "the rank of the input is {}", shape.len());
        let channels = if self.spatial { shape[1] } else { shape[1..].iter().product() };
        let inner = if self.spatial { shape[2..].iter().product() } else { 1 };
        let lengths: Vec<usize> = parameters.iter().map(Vec::len).collect();
        ensure!(
            lengths.iter().all(|len| *len == channels),
            "{channels} channels, but parameters of lengths {lengths:?}"
        );
        Ok(View { channels, inner })
    }
}

fn floats(tensor: &Tensor) -> TractResult<Vec<f64>> {
    let wide = tensor.cast_to::<f64>()?;
    Ok(wide.try_as_plain_ram()?.as_slice::<f64>()?.to_vec())
}

#[cfg(test)]
mod tests {
    use crate::engine::testing::{model, node, parameters, value};
    use crate::engine::{Array, EngineError, Session};
    use crate::onnx::access::standard_opset;
    use crate::onnx::element::{DataType, FloatType};
    use crate::onnx::schema::{AttributeProto, ModelProto, TensorProto};

    const NAMES: &str = "x scale bias mean var";
    const GAMMA: [f64; 3] = [1.5, -0.5, 2.0];
    const BETA: [f64; 3] = [0.25, 1.0, -1.0];
    const MEAN: [f64; 3] = [0.5, -2.0, 0.0];
    const VAR: [f64; 3] = [0.25, 4.0, 1.0];

    fn ramp(shape: &[usize]) -> Vec<f64> {
        (0..shape.iter().product()).map(|i: usize| (i % 7) as f64 - 3.0).collect()
    }

    fn run(model: &ModelProto, element: FloatType, shape: &[usize]) -> Result<Vec<Vec<f64>>, EngineError> {
        let x = Array::floats(element, shape.to_vec(), &ramp(shape)).expect("consistent");
        let session = Session::compile(model, &[shape.to_vec()], None)?;
        assert!(standard_opset(&model.opset_import) > 0);
        Ok(session.worker()?.run(&[x])?.iter().map(Array::values).collect())
    }

    fn inference(element: FloatType, parameter: FloatType, shape: &[usize]) -> Vec<f64> {
        let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
        let axes: Vec<&str> = axes.iter().map(String::as_str).collect();
        let nodes = vec![node("BatchNormalization", NAMES, "y", vec![AttributeProto::float("epsilon", 1e-3)])];
        let model = model(15, (element.data_type(), &axes), parameters(parameter), nodes, "y");
        run(&model, element, shape).expect("runs").remove(0)
    }

    /// The formula, for channel-first data.
    fn formula(x: &[f64], inner: usize, mean: &[f64], var: &[f64], epsilon: f64) -> Vec<f64> {
        let y = x.iter().enumerate().map(|(index, x)| {
            let channel = index / inner % 3;
            GAMMA[channel] * (x - mean[channel]) / (var[channel] + epsilon).sqrt() + BETA[channel]
        });
        y.collect()
    }

    fn assert_near(a: &[f64], b: &[f64], relative: f64) {
        let largest = b.iter().fold(0.0, |largest: f64, b| largest.max(b.abs()));
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= relative * largest, "{a} {b}");
        }
    }

    #[test]
    fn follows_the_formula_for_every_type_and_rank() {
        use FloatType::{F16, F32, F64};
        let shapes: [&[usize]; 4] = [&[4, 3], &[2, 3, 5], &[2, 3, 2, 4], &[1, 3, 2, 2, 2]];
        for shape in shapes {
            let inner = shape[2..].iter().product();
            let expected = formula(&ramp(shape), inner, &MEAN, &VAR, f64::from(1e-3f32));
            for (element, parameter, relative) in
                [(F64, F64, 1e-15), (F32, F32, 2e-7), (F16, F16, 5e-4), (F16, F32, 5e-4)]
            {
                assert_near(&inference(element, parameter, shape), &expected, relative);
            }
        }
    }

    /// Mean and population variance per channel.
    fn batch_statistics(x: &[f64], inner: usize) -> (Vec<f64>, Vec<f64>) {
        let of = |channel| x.iter().enumerate().filter(move |(index, _)| index / inner % 3 == channel).map(|(_, x)| *x);
        let count = x.len() as f64 / 3.0;
        let mean: Vec<f64> = (0..3).map(|channel| of(channel).sum::<f64>() / count).collect();
        let variance = |channel: usize| of(channel).map(|x| (x - mean[channel]).powi(2)).sum::<f64>() / count;
        let variances = (0..3).map(variance).collect();
        (mean, variances)
    }

    #[test]
    fn training_mode_normalises_by_the_batch_and_updates_the_statistics() {
        let training = || vec![AttributeProto::int("training_mode", 1), AttributeProto::float("momentum", 0.75)];
        let momentum = || vec![AttributeProto::float("momentum", 0.75)];
        let shape = [2, 3, 2, 2];
        let (mean, var) = batch_statistics(&ramp(&shape), 4);
        let expected = formula(&ramp(&shape), 4, &mean, &var, f64::from(1e-5f32));
        let update = |old: [f64; 3], new: &[f64]| [0, 1, 2].map(|i| 0.75 * old[i] + 0.25 * new[i]);
        for (opset, attributes, outputs, seen) in [
            (15, training(), "y m v", "y m v"),
            (14, training(), "y", "y"),
            (14, training(), "y _ v", "y v"),
            (9, momentum(), "y m v sm sv", "y m v"),
            (6, momentum(), "y", "y"),
        ] {
            let nodes = vec![node("BatchNormalization", NAMES, outputs, attributes)];
            let model =
                model(opset, (DataType::Double, &["2", "3", "2", "2"]), parameters(FloatType::F64), nodes, seen);
            let results = run(&model, FloatType::F64, &shape).expect("runs");
            for (name, result) in seen.split(' ').zip(results) {
                match name {
                    "y" => assert_near(&result, &expected, 1e-14),
                    "m" => assert_near(&result, &update(MEAN, &mean), 1e-14),
                    _ => assert_near(&result, &update(VAR, &var), 1e-14),
                }
            }
        }
    }

    #[test]
    fn is_test_and_empty_outputs_mean_inference() {
        let shape = [2, 3, 2];
        let expected = formula(&ramp(&shape), 2, &MEAN, &VAR, f64::from(1e-5f32));
        for (opset, outputs, attributes) in
            [(6, "y", vec![AttributeProto::int("is_test", 1)]), (9, "y _ _ _ _", vec![]), (7, "y", vec![])]
        {
            let nodes = vec![node("BatchNormalization", NAMES, outputs, attributes)];
            let model = model(opset, (DataType::Double, &["2", "3", "2"]), parameters(FloatType::F64), nodes, "y");
            assert_near(&run(&model, FloatType::F64, &shape).expect("runs")[0], &expected, 1e-15);
        }
    }

    #[test]
    fn parameters_may_be_computed_from_inputs() {
        let mut model = model(15, (DataType::Float, &["2", "3"]), parameters(FloatType::F32), vec![], "y");
        let graph = model.graph.as_mut().expect("there is one");
        graph.initializer.remove(0);
        graph.input.push(value("raw", DataType::Float, &["3"]));
        graph.node = vec![node("Neg", "raw", "scale", vec![]), node("BatchNormalization", NAMES, "y", vec![])];
        let x = Array::floats(FloatType::F32, vec![2, 3], &ramp(&[2, 3])).expect("consistent");
        let raw = Array::floats(FloatType::F32, vec![3], &GAMMA.map(|gamma| -gamma)).expect("consistent");
        let session = Session::compile(&model, &[vec![2, 3], vec![3]], None).expect("compiles");
        let y = session.worker().expect("starts").run(&[x, raw]).expect("runs");
        assert_near(&y[0].values(), &formula(&ramp(&[2, 3]), 1, &MEAN, &VAR, f64::from(1e-5f32)), 2e-7);
    }

    #[test]
    fn each_element_has_its_own_parameters_when_not_spatial() {
        let four = |name, values: [f64; 4]| TensorProto::floats(name, FloatType::F64, &[2, 2], &values);
        let zeros = [0.0; 4];
        let parameters =
            vec![four("scale", [1., 2., 3., 4.]), four("bias", zeros), four("mean", zeros), four("var", [1.; 4])];
        let attributes = vec![AttributeProto::int("spatial", 0), AttributeProto::float("epsilon", 0.0)];
        let nodes = vec![node("BatchNormalization", NAMES, "y", attributes)];
        let model = model(7, (DataType::Double, &["1", "2", "2"]), parameters, nodes, "y");
        let y = run(&model, FloatType::F64, &[1, 2, 2]).expect("runs");
        assert_eq!(y[0], [-3.0, -4.0, -3.0, 0.0]);
    }

    #[test]
    fn what_cannot_be_normalised_is_an_error_that_names_the_node() {
        for axes in [&["3"][..], &[], &["2", "4"]] {
            let nodes = vec![node("BatchNormalization", NAMES, "y", vec![])];
            let model = model(15, (DataType::Float, axes), parameters(FloatType::F32), nodes, "y");
            let shape: Vec<usize> = axes.iter().map(|axis| axis.parse().expect("a number")).collect();
            let error = run(&model, FloatType::F32, &shape).expect_err("refused").to_string();
            assert!(error.contains("\"y\" BatchNorm") || error.contains("\"y\" OpaqueBatchNorm"), "{error}");
        }
    }

    #[test]
    fn saved_statistics_are_refused_if_somebody_reads_them() {
        let nodes = vec![node("BatchNormalization", NAMES, "y m v sm sv", vec![])];
        let model = model(9, (DataType::Float, &["2", "3"]), parameters(FloatType::F32), nodes, "y sm");
        let error = run(&model, FloatType::F32, &[2, 3]).expect_err("refused").to_string();
        assert_eq!(error, "unsupported operator BatchNormalization with saved statistics (node `y`)");
    }
}
