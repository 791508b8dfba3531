//! Running what was folded: by the engine, and by the reference evaluator.

use crate::same::difference;
use bn_tool::engine::{Array, Session, required_inputs};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{ModelProto, ValueInfoProto};
use bn_tool::report::{VerifySummary, human, json};
use bn_tool::verify::{self, VerifyOptions};
use ndarray::{ArrayD, IxDyn};
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::time::Duration;

/// Inputs of more elements are not made.
const MOST_ELEMENTS: usize = 1 << 16;

/// Compiles and runs a model on inputs that it declares, if they are small; whether it runs.
pub fn runs(model: &ModelProto) -> bool {
    let Some(inputs) = required_inputs(model).map(input).collect::<Option<Vec<_>>>() else { return false };
    let shapes: Vec<_> = inputs.iter().map(|input| input.shape().to_vec()).collect();
    let run = |floor| Session::compile(model, &shapes, Some(floor)).and_then(|session| session.worker()?.run(&inputs));
    run(FloatType::F64).is_ok() & run(FloatType::F32).is_ok()
}

/// Panics if the reference evaluator says that a folded model computes something else. Nothing
/// is said of a model that it cannot evaluate; it may panic at broken ones.
pub fn compare(original: &ModelProto, folded: &ModelProto) {
    let value = |info: &ValueInfoProto| {
        let input = input(info)?;
        let data = ArrayD::from_shape_vec(IxDyn(input.shape()), input.values()).ok()?;
        Some((info.name.clone()?.to_string(), data))
    };
    let Some(inputs) = required_inputs(original).map(value).collect::<Option<BTreeMap<_, _>>>() else { return };
    if let Ok(Ok(Some(difference))) = catch_unwind(|| difference(original, folded, &inputs)) {
        panic!("{difference}");
    }
}

/// Verifies a folded model, if the lengths of all axes are given: else many would be tried.
pub fn verify(original: &ModelProto, folded: &ModelProto) {
    let is_open = |info: &ValueInfoProto| {
        let axes = info.tensor_type().and_then(|kind| kind.axes());
        axes.is_none_or(|axes| axes.iter().any(|axis| axis.dim_value.is_none()))
    };
    if required_inputs(original).any(is_open) {
        return;
    }
    let options = VerifyOptions::default().samples(1).threads(1);
    if let Ok(verification) = verify::verify(original, folded, &options, &|_, _| {}) {
        let (original, result) = ("a".into(), "b".into());
        let summary = VerifySummary { original, result, verification: &verification };
        human::verify(&summary, true, Duration::ZERO);
        json::to_text(&summary);
    }
}

/// An input, where open axes have length 2: floats between -3 and 3, ones.
fn input(info: &ValueInfoProto) -> Option<Array> {
    let kind = info.tensor_type()?;
    let shape = kind.axes()?.iter().map(|axis| usize::try_from(axis.dim_value.unwrap_or(2)).ok());
    let shape = shape.collect::<Option<Vec<_>>>()?;
    let count = shape.iter().try_fold(1usize, |count, length| count.checked_mul(*length))?;
    if count > MOST_ELEMENTS {
        return None;
    }
    let element = kind.element()?;
    if let Some(float) = element.float() {
        let values: Vec<f64> = (0..count).map(|index| (index * 5 % 13) as f64 / 2.0 - 3.0).collect();
        return Array::floats(float, shape, &values);
    }
    let size = element.bits()? as usize / 8;
    let mut bytes = vec![0; count * size];
    bytes.iter_mut().step_by(size.max(1)).for_each(|byte| *byte = 1);
    Array::new(element, shape, bytes)
}
