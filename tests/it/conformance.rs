//! The reference evaluator against somebody else's expectations: folders in the layout of
//! ONNX's backend tests (`model.onnx`, `test_data_set_0/input_0.pb`, `output_0.pb`).
//!
//! Run by hand, with the tests that come with the `onnx` package or with those that
//! `tests/python/random_cases.py` writes:
//!
//! ```text
//! ONNX_CASES=…/onnx/backend/test/data/node cargo test --test it conformance -- --ignored --nocapture
//! ```

use crate::reference::{self, Value};
use bn_tool::onnx::access::text;
use bn_tool::onnx::load;
use bn_tool::onnx::schema::{ModelProto, TensorProto};
use bn_tool::onnx::wire::{Decoder, Input};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the evaluator says about operators, types (sequences, which no file holds as a tensor)
/// and random results that it does not have.
const UNSUPPORTED: [&str; 4] = ["not implemented", "no such function", "is not given", "is random"];

/// What became of one folder.
enum Verdict {
    Agrees,
    Differs(String),
    NotImplemented(String),
}

#[test]
#[ignore = "needs a folder of cases in ONNX_CASES"]
fn conformance() {
    let folder = std::env::var("ONNX_CASES").expect("ONNX_CASES names a folder of cases");
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("it can be read").map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    let (mut agree, mut skipped, mut differ) = (BTreeMap::<String, usize>::new(), 0, 0);
    for case in cases.iter().filter(|case| case.join("test_data_set_0").is_dir()) {
        let model = load(&case.join("model.onnx")).expect("a model");
        let name = case.file_name().expect("a name").to_string_lossy();
        match check(&model, &case.join("test_data_set_0")) {
            Verdict::Agrees => *agree.entry(operator(&model)).or_default() += 1,
            Verdict::NotImplemented(why) => {
                skipped += 1;
                println!("skip {name}: {why}");
            }
            Verdict::Differs(how) => {
                differ += 1;
                println!("DIFF {name}: {how}");
            }
        }
    }
    println!("agree: {agree:?}");
    println!("{} agree, {differ} differ, {skipped} are not implemented", agree.values().sum::<usize>());
    assert_eq!(differ, 0, "see above");
}

/// The operator that a case is about: that of its last node.
fn operator(model: &ModelProto) -> String {
    model
        .graph
        .as_ref()
        .and_then(|graph| graph.node.last())
        .map_or(String::new(), |node| text(&node.op_type).to_string())
}

fn check(model: &ModelProto, data: &Path) -> Verdict {
    let graph = model.graph.as_ref().expect("a graph");
    let mut inputs = BTreeMap::new();
    for (index, input) in graph.input.iter().enumerate() {
        match read(&data.join(format!("input_{index}.pb"))) {
            Ok(Some(value)) => drop(inputs.insert(text(&input.name).to_string(), value.data)),
            Ok(None) => {}
            Err(why) => return Verdict::NotImplemented(why),
        }
    }
    let outputs = match reference::evaluate(model, &inputs) {
        Ok(outputs) => outputs,
        Err(why) if UNSUPPORTED.iter().any(|reason| why.contains(reason)) => return Verdict::NotImplemented(why),
        Err(why) => return Verdict::Differs(why),
    };
    for (index, output) in graph.output.iter().enumerate() {
        let Ok(Some(expected)) = read(&data.join(format!("output_{index}.pb"))) else { continue };
        if let Some(how) = difference(&outputs[&text(&output.name).to_string()], &expected) {
            return Verdict::Differs(how);
        }
    }
    Verdict::Agrees
}

/// The tensor in a file, `None` without a file.
fn read(path: &Path) -> Result<Option<Value>, String> {
    let Ok(bytes) = std::fs::read(path) else { return Ok(None) };
    let tensor: TensorProto = Decoder::decode(&Input::Memory(bytes.into())).map_err(|error| error.to_string())?;
    Value::from_tensor(&tensor).map(Some)
}

/// How two arrays differ, by more than rounding in the type of the expected one.
fn difference(actual: &ArrayD<f64>, expected: &Value) -> Option<String> {
    if actual.shape() != expected.data.shape() {
        return Some(format!("shape {:?} instead of {:?}", actual.shape(), expected.data.shape()));
    }
    let unit = expected.kind.float().map_or(0.0, |float| float.unit_roundoff());
    let scale = expected.data.iter().filter(|x| x.is_finite()).fold(0.0f64, |scale, x| scale.max(x.abs()));
    let tolerance = 64.0 * unit * scale.max(1e-30);
    let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance;
    let bad = actual.iter().zip(&expected.data).find(|(a, b)| !same(**a, **b));
    bad.map(|(a, b)| format!("{a} instead of {b} (tolerance {tolerance:e})"))
}
