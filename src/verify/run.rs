//! Running both models on all samples.

use super::compare::Difference;
use super::inputs::{has_integers, random};
use super::report::{F64Report, InputReport, OutputReport, Verification, Worst};
use super::shapes::{Shapes, candidates};
use super::signature::{Port, Signature};
use super::tolerance::Tolerance;
use super::{VerifyError, VerifyOptions};
use crate::engine::{Array, EngineError, Session, Worker, lowest_float};
use crate::onnx::access::standard_opset;
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::ModelProto;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Running in f64 takes several times as long and does not show more on further samples.
const MOST_F64_SAMPLES: usize = 4;

/// Samples that are normalised by their own statistics need company.
const TRAINING_BATCH: usize = 4;

/// Compares a result `b` with its original `a` on random inputs. `progress` is told how many
/// samples are done, and of how many; it may be called by several threads.
///
/// # Errors
/// When the models take or give different things, or one of them cannot be run.
pub fn verify(
    a: &ModelProto,
    b: &ModelProto,
    options: &VerifyOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Verification, VerifyError> {
    let signature = Signature::of(a);
    Signature::of(b).expect_like(&signature)?;
    let setup = Setup::find(a, signature, options)?;
    let result = Session::compile(b, &setup.shapes.shapes, Some(FloatType::F32)).map_err(VerifyError::result)?;
    let exact = setup.exact_sessions(a, b, options);
    let comparison = Comparison {
        tolerances: tolerances(a, b, &setup.signature, options),
        setup,
        result,
        exact,
        samples: options.samples.max(1),
        seed: options.seed,
    };
    let differences = comparison.run(options.threads, progress)?;
    Ok(comparison.report(&differences))
}

/// The original, ready to run on inputs that it takes.
struct Setup {
    signature: Signature,
    shapes: Shapes,
    largest_integer: u8,
    original: Session,
}

impl Setup {
    /// Tries shapes, and values of integer inputs, until the original runs; the error is that
    /// of the first attempt.
    fn find(a: &ModelProto, signature: Signature, options: &VerifyOptions) -> Result<Self, VerifyError> {
        let batch = if trains(a) { TRAINING_BATCH } else { 1 };
        let integers: &[u8] = if has_integers(&signature.inputs) { &[1, 0] } else { &[0] };
        let mut first = None;
        for shapes in candidates(&signature.inputs, batch, options)? {
            let original = match Session::compile(a, &shapes.shapes, Some(FloatType::F32)) {
                Ok(original) => original,
                Err(error) if error.is_final() => return Err(VerifyError::original(error)),
                Err(error) => {
                    first.get_or_insert(error);
                    continue;
                }
            };
            for &largest_integer in integers {
                let inputs = random(&signature.inputs, &shapes.shapes, options.seed, 0, largest_integer)?;
                match original.worker().and_then(|mut worker| worker.run(&inputs)) {
                    Ok(_) => return Ok(Setup { signature, shapes, largest_integer, original }),
                    Err(error) => _ = first.get_or_insert(error),
                }
            }
        }
        let none = EngineError::Graph { what: "no shapes to try".into() };
        Err(VerifyError::original(first.unwrap_or(none)))
    }

    fn inputs(&self, seed: u64, sample: usize) -> Result<Vec<Array>, VerifyError> {
        random(&self.signature.inputs, &self.shapes.shapes, seed, sample, self.largest_integer)
    }

    /// Both models in f64, or why that cannot be had.
    fn exact_sessions(&self, a: &ModelProto, b: &ModelProto, options: &VerifyOptions) -> Result<[Session; 2], String> {
        if lowest_float(a).is_none_or(|float| float == FloatType::F64) {
            return Err("the model has no narrower floats".into());
        }
        let inputs = self.inputs(options.seed, 0).map_err(|error| error.to_string())?;
        let session = |model| {
            let session = Session::compile(model, &self.shapes.shapes, Some(FloatType::F64))?;
            session.worker()?.run(&inputs)?;
            Ok(session)
        };
        let sessions: Result<_, EngineError> = session(a).and_then(|a| Ok([a, session(b)?]));
        sessions.map_err(|error| error.to_string())
    }
}

/// Whether a BatchNormalization normalises by the statistics of the batch.
fn trains(model: &ModelProto) -> bool {
    let opset = standard_opset(&model.opset_import);
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    nodes.filter(|node| node.standard_op() == "BatchNormalization").any(|node| match opset {
        ..7 => node.int("is_test", 0) == 0,
        7..14 => node.output.iter().skip(1).any(|output| !output.is_empty()),
        _ => node.int("training_mode", 0) != 0,
    })
}

fn tolerances(a: &ModelProto, b: &ModelProto, signature: &Signature, options: &VerifyOptions) -> Vec<Tolerance> {
    let lowest = [lowest_float(a), lowest_float(b)].into_iter().flatten();
    let weights = lowest.max_by(|a, b| a.unit_roundoff().total_cmp(&b.unit_roundoff()));
    let is_float = |port: &Port| port.element.is_some_and(|element| element.float().is_some());
    let outputs = signature.outputs.iter();
    outputs.map(|port| Tolerance::new(weights.filter(|_| is_float(port)), options)).collect()
}

/// Everything that the worker threads share.
struct Comparison {
    setup: Setup,
    result: Session,
    exact: Result<[Session; 2], String>,
    tolerances: Vec<Tolerance>,
    samples: usize,
    seed: u64,
}

/// One thread's states.
struct States {
    original: Worker,
    result: Worker,
    exact: Option<[Worker; 2]>,
}

/// How one output of one sample, or of all, differs.
#[derive(Clone, Debug, Default)]
struct OutputDifference {
    shape: Vec<usize>,
    native: Difference,
    /// From the original in f64: the original, the result, and the result in f64.
    exact: Option<[Difference; 3]>,
}

impl Comparison {
    /// Runs all samples, each by whichever thread is free; returns the differences of all
    /// outputs, merged in the order of the samples.
    fn run(
        &self,
        threads: usize,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<OutputDifference>, VerifyError> {
        let threads = if threads == 0 { thread::available_parallelism().map_or(1, usize::from) } else { threads };
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results = Mutex::new(vec![None; self.samples]);
        thread::scope(|scope| {
            let work = || {
                let mut states = self.states()?;
                loop {
                    let sample = next.fetch_add(1, Ordering::Relaxed);
                    if sample >= self.samples {
                        return Ok(());
                    }
                    let differences = self.sample(&mut states, sample)?;
                    results.lock().unwrap_or_else(|poisoned| poisoned.into_inner())[sample] = Some(differences);
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, self.samples);
                }
            };
            let workers: Vec<_> = (0..threads.min(self.samples)).map(|_| scope.spawn(work)).collect();
            let crashed = |_| VerifyError::Original(EngineError::Graph { what: "a thread died".into() });
            workers.into_iter().try_for_each(|worker| worker.join().map_err(crashed)?)
        })?;
        let results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(results.into_iter().flatten().reduce(merged).unwrap_or_default())
    }

    fn states(&self) -> Result<States, VerifyError> {
        let exact = match &self.exact {
            Ok([a, b]) => Some([a.worker().map_err(VerifyError::original)?, b.worker().map_err(VerifyError::result)?]),
            Err(_) => None,
        };
        Ok(States {
            original: self.setup.original.worker().map_err(VerifyError::original)?,
            result: self.result.worker().map_err(VerifyError::result)?,
            exact,
        })
    }

    fn sample(&self, states: &mut States, sample: usize) -> Result<Vec<OutputDifference>, VerifyError> {
        let inputs = self.setup.inputs(self.seed, sample)?;
        let original = states.original.run(&inputs).map_err(VerifyError::original)?;
        let result = states.result.run(&inputs).map_err(VerifyError::result)?;
        let exact = match &mut states.exact {
            Some([a, b]) if sample < MOST_F64_SAMPLES => {
                Some([a.run(&inputs).map_err(VerifyError::original)?, b.run(&inputs).map_err(VerifyError::result)?])
            }
            _ => None,
        };
        let outputs = original.iter().zip(&result).enumerate().map(|(output, (original, result))| {
            let exact = exact.as_ref().map(|[a, b]| [&a[output], &b[output]]);
            self.output(output, sample, [original, result], exact)
        });
        outputs.collect()
    }

    fn output(
        &self,
        output: usize,
        sample: usize,
        [original, result]: [&Array; 2],
        exact: Option<[&Array; 2]>,
    ) -> Result<OutputDifference, VerifyError> {
        if original.shape() != result.shape() {
            return Err(VerifyError::Signature {
                what: format!("output `{}`", self.setup.signature.outputs[output].name),
                original: format!("shape {:?}", original.shape()),
                result: format!("shape {:?}", result.shape()),
            });
        }
        let is_float = original.element().float().is_some();
        let (a, b) = (original.values(), result.values());
        let classes = match original.shape() {
            [_, classes] if is_float && *classes >= 2 => Some(*classes),
            _ => None,
        };
        let native = Difference::of(&b, &a, self.tolerances[output].rtol, sample, classes);
        let exact = exact.filter(|_| is_float).map(|[exact, algebra]| {
            let exact = exact.values();
            [&a, &b, &algebra.values()].map(|other| Difference::of(other, &exact, 0.0, sample, None))
        });
        Ok(OutputDifference { shape: original.shape().to_vec(), native, exact })
    }

    fn report(&self, differences: &[OutputDifference]) -> Verification {
        let inputs =
            self.setup.signature.inputs.iter().zip(&self.setup.shapes.shapes).map(|(port, shape)| InputReport {
                name: port.name.to_string(),
                element: port.element.map_or("?", DataType::name),
                shape: shape.clone(),
            });
        let ports = self.setup.signature.outputs.iter().zip(&self.tolerances);
        let outputs: Vec<_> =
            ports.zip(differences).map(|((port, tolerance), difference)| report(port, tolerance, difference)).collect();
        Verification {
            same: outputs.iter().all(|output| output.same),
            samples: self.samples,
            seed: self.seed,
            inputs: inputs.collect(),
            dims: self.setup.shapes.dims.clone(),
            f64_samples: if self.exact.is_ok() { self.samples.min(MOST_F64_SAMPLES) } else { 0 },
            f64_unavailable: self.exact.as_ref().err().cloned(),
            outputs,
        }
    }
}

fn merged(mut all: Vec<OutputDifference>, later: Vec<OutputDifference>) -> Vec<OutputDifference> {
    for (own, later) in all.iter_mut().zip(later) {
        own.native.merge(&later.native);
        if let (Some(own), Some(later)) = (&mut own.exact, &later.exact) {
            own.iter_mut().zip(later).for_each(|(own, later)| own.merge(later));
        }
    }
    all
}

fn report(port: &Port, tolerance: &Tolerance, difference: &OutputDifference) -> OutputReport {
    let native = &difference.native;
    let atol = tolerance.atol(native.max_reference);
    let within_tolerance = native.within(atol);
    let f64 = difference.exact.as_ref().map(|[original, result, algebra]| {
        let limit = tolerance.algebra_limit(original.relative());
        F64Report {
            same: algebra.relative() <= limit,
            result_error: result.relative(),
            original_error: original.relative(),
            algebra_error: algebra.relative(),
            limit,
        }
    });
    OutputReport {
        name: port.name.to_string(),
        same: within_tolerance && f64.as_ref().is_none_or(|f64| f64.same),
        within_tolerance,
        atol,
        rtol: tolerance.rtol,
        max_abs: native.max_abs,
        max_rel: native.relative(),
        cosine: native.cosine(),
        top1_agreement: native.top1_agreement(),
        worst: native.worst.map(|worst| Worst {
            sample: worst.sample,
            index: coordinates(worst.index, &difference.shape),
            original: worst.reference,
            result: worst.value,
        }),
        f64,
    }
}

/// The place of an element that is counted in row-major order.
fn coordinates(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = Vec::with_capacity(shape.len());
    for length in shape.iter().rev() {
        place.push(index % length.max(&1));
        index /= length.max(&1);
    }
    place.reverse();
    place
}
