//! Random samples for the inputs of a model, in memory and in files.

use crate::generate::Numbers;
use bn_tool::onnx::access::text;
use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::schema::{ModelProto, ValueInfoProto};
use ndarray::{ArrayD, Axis, IxDyn, concatenate};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The inputs of one run, by name.
pub type Inputs = BTreeMap<String, ArrayD<f64>>;

/// Samples, and an .npy file for each input.
pub struct Data {
    pub samples: Vec<Inputs>,
    kinds: BTreeMap<String, DataType>,
    folder: TempDir,
}

impl Data {
    /// So many samples: floats from −2 to 2, booleans of both kinds.
    pub fn random(model: &ModelProto, samples: usize, seed: u64) -> Data {
        let mut numbers = Numbers(seed);
        let inputs = required(model);
        let kinds = inputs.iter().map(|input| (name(input), kind(input))).collect();
        let samples = (0..samples)
            .map(|_| inputs.iter().map(|input| (name(input), random(input, &mut numbers))).collect())
            .collect();
        Data::new(samples, kinds)
    }

    /// These samples of float32, of one input.
    pub fn floats(input: &str, samples: Vec<ArrayD<f64>>) -> Data {
        let samples = samples.into_iter().map(|sample| Inputs::from([(input.to_owned(), sample)])).collect();
        Data::new(samples, BTreeMap::from([(input.to_owned(), DataType::Float)]))
    }

    /// The same in another order.
    pub fn permuted(&self, order: impl Fn(usize) -> usize) -> Data {
        let samples = (0..self.samples.len()).map(|index| self.samples[order(index)].clone()).collect();
        Data::new(samples, self.kinds.clone())
    }

    fn new(samples: Vec<Inputs>, kinds: BTreeMap<String, DataType>) -> Data {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = Data { samples, kinds, folder };
        for (input, kind) in &data.kinds {
            let joined = data.joined(input, 0..data.samples.len());
            save(&data.file(input), joined.shape(), *kind, &joined.iter().copied().collect::<Vec<_>>());
        }
        data
    }

    /// Consecutive samples as one batch.
    pub fn batch(&self, range: std::ops::Range<usize>) -> Inputs {
        self.kinds.keys().map(|input| (input.clone(), self.joined(input, range.clone()))).collect()
    }

    fn joined(&self, input: &str, range: std::ops::Range<usize>) -> ArrayD<f64> {
        let views: Vec<_> = self.samples[range].iter().map(|sample| sample[input].view()).collect();
        concatenate(Axis(0), &views).expect("all have one shape").as_standard_layout().into_owned()
    }

    /// The file of an input.
    pub fn file(&self, input: &str) -> PathBuf {
        self.folder.path().join(format!("{input}.npy"))
    }

    /// `--data NAME=FILE` for each input.
    pub fn arguments(&self) -> Vec<OsString> {
        let files = self.kinds.keys().map(|input| {
            let mut argument = OsString::from(format!("{input}="));
            argument.push(self.file(input));
            [OsString::from("--data"), argument]
        });
        files.flatten().collect()
    }
}

/// The inputs without an initializer of that name.
fn required(model: &ModelProto) -> Vec<&ValueInfoProto> {
    let graph = model.graph.as_ref().expect("there is a graph");
    let initialized: BTreeSet<_> = graph.initializer.iter().map(|tensor| text(&tensor.name)).collect();
    graph.input.iter().filter(|input| !initialized.contains(text(&input.name))).collect()
}

fn name(input: &ValueInfoProto) -> String {
    text(&input.name).to_string()
}

fn kind(input: &ValueInfoProto) -> DataType {
    input.tensor_type().and_then(|kind| kind.element()).expect("a tensor of a known type")
}

/// One sample: the first axis has length 1, no other is symbolic.
fn random(input: &ValueInfoProto, numbers: &mut Numbers) -> ArrayD<f64> {
    let axes = input.tensor_type().and_then(|kind| kind.axes()).expect("a shape");
    let inner = axes.iter().skip(1).map(|axis| axis.dim_value.expect("a length") as usize);
    let shape: Vec<usize> = std::iter::once(1).chain(inner).collect();
    let count = shape.iter().product();
    let values = match kind(input).float() {
        // What float32 holds, and the type of the input as well.
        Some(element) => {
            let values = numbers.uniform(count, -2.0, 2.0, FloatType::F32);
            values.into_iter().map(|value| element.round(value)).collect()
        }
        None => (0..count).map(|_| numbers.below(2) as f64).collect(),
    };
    ArrayD::from_shape_vec(IxDyn(&shape), values).expect("as many as the shape says")
}

/// Writes an array; NumPy has no bf16, float32 holds it.
pub fn save(path: &Path, shape: &[usize], kind: DataType, values: &[f64]) {
    let (code, bytes): (&str, Vec<u8>) = match kind {
        DataType::Bool => ("|b1", values.iter().map(|value| *value as u8).collect()),
        DataType::Int64 => ("<i8", values.iter().flat_map(|value| (*value as i64).to_le_bytes()).collect()),
        DataType::Double => ("<f8", FloatType::F64.encode(values)),
        _ => ("<f4", FloatType::F32.encode(values)),
    };
    let axes: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({axes})}}");
    let start = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    std::fs::write(path, [start, bytes].concat()).expect("it can be written");
}
