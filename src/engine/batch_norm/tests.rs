//! BatchNormalization against its formula.

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
        for (element, parameter, relative) in [(F64, F64, 1e-15), (F32, F32, 2e-7), (F16, F16, 5e-4), (F16, F32, 5e-4)]
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
        let model = model(opset, (DataType::Double, &["2", "3", "2", "2"]), parameters(FloatType::F64), nodes, seen);
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
