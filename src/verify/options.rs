//! What a verification can be told.

use super::VerifyError;
use super::signature::{Port, Signature};
use crate::data::DataOptions;
use crate::onnx::element::DataType;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// So many random samples are run unless told otherwise.
pub const RANDOM_SAMPLES: usize = 4;

/// Which engines run the models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// tract, which is part of this crate.
    #[default]
    Tract,
    /// onnxruntime, from a shared library; needs the cargo feature `onnxruntime`.
    OnnxRuntime,
    /// Both: the verdict is that of both, and they are compared with each other, too.
    Both,
}

/// How to verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// Random inputs depend on this and on nothing else.
    pub seed: u64,
    /// How many samples to run. Without it, 4 random ones, or all of the data.
    pub samples: Option<usize>,
    /// The lengths of symbolic dimensions, by name.
    pub dims: BTreeMap<String, usize>,
    /// From where to where the random values of inputs go, by name; both are included.
    pub ranges: BTreeMap<String, [f64; 2]>,
    /// What to run the models on instead of random inputs.
    pub data: Option<DataOptions>,
    /// Whether to look for the first value that differs, where outputs do.
    pub locate: bool,
    /// Which engines run the models.
    pub engine: EngineChoice,
    /// The shared library of onnxruntime, or a folder that has it. Without it, what the environment variable
    /// `ORT_DYLIB_PATH` names, else what the system finds.
    pub onnxruntime: Option<PathBuf>,
    /// How many threads to use; 0 for all.
    pub threads: usize,
    /// The absolute tolerance, in place of the one that is derived from the outputs.
    pub atol: Limit,
    /// The relative tolerance, in place of the one of the element type.
    pub rtol: Limit,
}

/// A tolerance, if one was given: for all outputs, or for one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limit {
    /// For all floating-point outputs that are not named.
    pub all: Option<f64>,
    /// By output.
    pub of: BTreeMap<String, f64>,
}

impl Limit {
    /// That of an output.
    pub fn of(&self, output: &str) -> Option<f64> {
        self.named(output).or(self.all)
    }

    /// That which was given for this output alone.
    pub fn named(&self, output: &str) -> Option<f64> {
        self.of.get(output).copied()
    }
}

impl From<f64> for Limit {
    fn from(all: f64) -> Limit {
        Limit { all: Some(all), of: BTreeMap::new() }
    }
}

/// Whether a type has all numbers of a range; of integers there must be one in it.
fn fits(element: DataType, [low, high]: [f64; 2]) -> bool {
    let [least, most] = match element {
        DataType::Bool => [0.0, 1.0],
        DataType::Uint8 => [0.0, u8::MAX.into()],
        DataType::Uint16 => [0.0, u16::MAX.into()],
        DataType::Uint32 => [0.0, u32::MAX.into()],
        DataType::Int8 => [i8::MIN.into(), i8::MAX.into()],
        DataType::Int16 => [i16::MIN.into(), i16::MAX.into()],
        DataType::Int32 => [i32::MIN.into(), i32::MAX.into()],
        // Up to where every integer is a number in f64.
        DataType::Int64 => [-((1u64 << 53) as f64), (1u64 << 53) as f64],
        DataType::Uint64 => [0.0, (1u64 << 53) as f64],
        DataType::Float16 => [-65504.0, 65504.0],
        DataType::Float => [f32::MIN.into(), f32::MAX.into()],
        DataType::Bfloat16 => [f64::from(half::bf16::MIN), f64::from(half::bf16::MAX)],
        DataType::Double => [f64::MIN, f64::MAX],
        _ => return false,
    };
    let has_one = if element.float().is_some() { low <= high } else { low.ceil() <= high.floor() };
    least <= low && high <= most && has_one
}

impl VerifyOptions {
    /// What random inputs depend on.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many samples to run.
    #[must_use]
    pub fn samples(mut self, samples: usize) -> Self {
        self.samples = Some(samples);
        self
    }

    /// The length of a symbolic dimension.
    #[must_use]
    pub fn dim(mut self, name: impl Into<String>, length: usize) -> Self {
        self.dims.insert(name.into(), length);
        self
    }

    /// From where to where the random values of an input go.
    #[must_use]
    pub fn range(mut self, input: impl Into<String>, low: f64, high: f64) -> Self {
        self.ranges.insert(input.into(), [low, high]);
        self
    }

    /// What to run the models on instead of random inputs.
    #[must_use]
    pub fn data(mut self, data: DataOptions) -> Self {
        self.data = Some(data);
        self
    }

    /// Look for the first value that differs, where outputs do.
    #[must_use]
    pub fn locate(mut self) -> Self {
        self.locate = true;
        self
    }

    /// Which engines run the models.
    #[must_use]
    pub fn engine(mut self, engine: EngineChoice) -> Self {
        self.engine = engine;
        self
    }

    /// The shared library of onnxruntime, or a folder that has it.
    #[must_use]
    pub fn onnxruntime(mut self, library: impl Into<PathBuf>) -> Self {
        self.onnxruntime = Some(library.into());
        self
    }

    /// How many threads to use; 0 for all.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The absolute and the relative tolerance, in place of those that are derived.
    #[must_use]
    pub fn tolerance(mut self, atol: f64, rtol: f64) -> Self {
        (self.atol, self.rtol) = (atol.into(), rtol.into());
        self
    }

    /// Checks that what it names is there.
    pub(super) fn check(&self, signature: &Signature) -> Result<(), VerifyError> {
        let known = |ports: &[Port], name: &str| ports.iter().any(|port| port.name == name);
        let list = |ports: &[Port]| ports.iter().map(|port| format!("`{}`", port.name)).collect::<Vec<_>>().join(", ");
        let unknown = |what, name: &String, ports: &[Port]| VerifyError::UnknownPort {
            what,
            name: name.clone(),
            known: list(ports),
        };
        let (inputs, outputs) = (&signature.inputs, &signature.outputs);
        if let Some(name) = self.ranges.keys().find(|name| !known(inputs, name)) {
            return Err(unknown("input", name, inputs));
        }
        let misfit = |(name, range): (&String, &[f64; 2])| {
            let port = inputs.iter().find(|port| port.name == name.as_str())?;
            (!fits(port.element?, *range)).then(|| VerifyError::Input {
                input: port.name.clone(),
                what: format!("has no values from {} to {}", range[0], range[1]),
            })
        };
        if let Some(error) = self.ranges.iter().find_map(misfit) {
            return Err(error);
        }
        let mut limits = self.rtol.of.keys().chain(self.atol.of.keys());
        match limits.find(|name| !known(outputs, name)) {
            Some(name) => Err(unknown("output", name, outputs)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_must_have_values_of_the_type() {
        for (element, range, expected) in [
            (DataType::Uint8, [0.0, 255.0], true),
            (DataType::Uint8, [0.0, 256.0], false),
            (DataType::Int8, [-129.0, 0.0], false),
            (DataType::Int64, [0.2, 0.8], false),
            (DataType::Int64, [-3.5, 1e6], true),
            (DataType::Bool, [1.0, 1.0], true),
            (DataType::Float, [0.2, 0.8], true),
            (DataType::Float16, [1e6, 2e6], false),
            (DataType::Double, [-1e308, 1e308], true),
            (DataType::String, [0.0, 1.0], false),
        ] {
            assert_eq!(fits(element, range), expected, "{element:?} {range:?}");
        }
    }
}
