//! Running both models on all samples.

use super::judge::{Judge, OutputDifference};
use super::report::{InputReport, Verification};
use super::setup::Setup;
use super::signature::{Port, Signature};
use super::tolerance::Tolerance;
use super::{VerifyError, VerifyOptions};
use crate::engine::{Array, EngineError, Session, Worker, lowest_float};
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::ModelProto;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, ScopedJoinHandle};

/// Running in f64 takes 5 to 15 times as long, and a wrong formula shows in every sample.
const MOST_F64_SAMPLES: usize = 2;

/// Compares a result with its original on random inputs. `progress` is told how many samples
/// are done, and of how many; it may be called by several threads.
///
/// The models run in this process. A hostile one can exhaust its memory or overflow its stack,
/// which ends the process; the command line therefore verifies in a child process.
///
/// # Errors
/// When the models take or give different things, or one of them cannot be run.
///
/// ```
/// use bn_tool::onnx::load;
/// use bn_tool::verify::{VerifyOptions, verify};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = load("fixtures/digits/digits.onnx".as_ref())?;
/// let verification = verify(&model, &model, &VerifyOptions::default().samples(1), &|_, _| {})?;
/// assert!(verification.same);
/// # Ok(())
/// # }
/// ```
pub fn verify(
    original: &ModelProto,
    result: &ModelProto,
    options: &VerifyOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Verification, VerifyError> {
    let signature = Signature::of(original);
    Signature::of(result).expect_like(&signature)?;
    let judges = judges([original, result], &signature, options);
    let setup = Setup::find(original, signature, options)?;
    let (result, exact) = thread::scope(|scope| {
        let exact = || exact_sessions([original, result], &setup);
        let elsewhere = thread::Builder::new().spawn_scoped(scope, exact);
        let result = Session::compile(result, &setup.shapes.shapes, Some(FloatType::F32));
        let join = |thread: ScopedJoinHandle<_>| thread.join().unwrap_or_else(|_| Err("a thread died".into()));
        (result, elsewhere.map_or_else(|_| exact(), join))
    });
    let no_f64 = exact.as_ref().err().cloned().map_or_else(OnceLock::new, OnceLock::from);
    let result = result.map_err(VerifyError::result)?;
    let samples = options.samples.max(1);
    let comparison = Comparison { judges, setup, result, exact: exact.ok(), no_f64, samples };
    let differences = comparison.run(options.threads, progress)?;
    if differences.iter().all(OutputDifference::says_nothing) {
        return Err(VerifyError::NothingToCompare);
    }
    Ok(comparison.report(&differences, options.seed))
}

/// Both models in f64, or why that cannot be had.
fn exact_sessions(models: [&ModelProto; 2], setup: &Setup) -> Result<[Session; 2], String> {
    if lowest_float(models[0]).is_none_or(|float| float == FloatType::F64) {
        return Err("the model has no floats narrower than that".into());
    }
    let session = |model| Session::compile(model, &setup.shapes.shapes, Some(FloatType::F64));
    let [a, b] = models.map(|model| session(model).map_err(|error| error.to_string()));
    Ok([a?, b?])
}

/// A judge for each output. Floating-point outputs are as good as the weights allow.
fn judges(models: [&ModelProto; 2], signature: &Signature, options: &VerifyOptions) -> Vec<Judge> {
    let lowest = models.into_iter().filter_map(lowest_float);
    let weights = lowest.max_by(|a, b| a.unit_roundoff().total_cmp(&b.unit_roundoff()));
    let judge = |port: &Port| {
        // An output without a type is judged as the floats that it probably holds.
        let is_float = port.element.is_none_or(|element| element.float().is_some());
        Judge { port: port.clone(), tolerance: Tolerance::new(weights.filter(|_| is_float), options) }
    };
    signature.outputs.iter().map(judge).collect()
}

/// Everything that the worker threads share.
struct Comparison {
    judges: Vec<Judge>,
    setup: Setup,
    result: Session,
    exact: Option<[Session; 2]>,
    /// Why there is no f64 verdict: known from the start, or found while running.
    no_f64: OnceLock<String>,
    samples: usize,
}

/// One thread's states: the original, the result, and both in f64.
struct States {
    original: Worker,
    result: Worker,
    exact: Option<[Worker; 2]>,
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
        let work = || {
            let mut states = self.states()?;
            loop {
                let sample = next.fetch_add(1, Ordering::Relaxed);
                if sample >= self.samples {
                    return Ok(());
                }
                // An error ends the work of the other threads, too.
                let differences = self.sample(&mut states, sample);
                let differences = differences.inspect_err(|_| next.store(self.samples, Ordering::Relaxed))?;
                results.lock().unwrap_or_else(PoisonError::into_inner)[sample] = Some(differences);
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, self.samples);
            }
        };
        thread::scope(|scope| {
            // As many others as can be had.
            let others = (1..threads.min(self.samples)).map(|_| thread::Builder::new().spawn_scoped(scope, work));
            let others: Vec<_> = others.map_while(Result::ok).collect();
            let own = work();
            let died = |_| VerifyError::Original(EngineError::Graph { what: "a thread died".into() });
            others.into_iter().try_fold(own?, |(), other| other.join().map_err(died)?)
        })?;
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(results.into_iter().flatten().reduce(merged).unwrap_or_default())
    }

    fn states(&self) -> Result<States, VerifyError> {
        let exact = self.exact.as_ref().map(|[a, b]| Ok([a.worker()?, b.worker()?]));
        Ok(States {
            original: self.setup.original.worker().map_err(VerifyError::original)?,
            result: self.result.worker().map_err(VerifyError::result)?,
            exact: exact.and_then(|exact| self.or_no_f64(exact)),
        })
    }

    fn sample(&self, states: &mut States, sample: usize) -> Result<Vec<OutputDifference>, VerifyError> {
        let inputs = self.setup.inputs(sample)?;
        let original = states.original.run(&inputs).map_err(VerifyError::original)?;
        let result = states.result.run(&inputs).map_err(VerifyError::result)?;
        let exact = self.exact_outputs(states, &inputs, sample);
        let outputs = self.judges.iter().zip(original.iter().zip(&result)).enumerate();
        let compared = outputs.map(|(output, (judge, (original, result)))| {
            let exact = exact.as_ref().and_then(|[a, b]| Some([a.get(output)?, b.get(output)?]));
            judge.compare(sample, [original, result], exact)
        });
        compared.collect()
    }

    fn exact_outputs(&self, states: &mut States, inputs: &[Array], sample: usize) -> Option<[Vec<Array>; 2]> {
        if sample >= MOST_F64_SAMPLES || self.no_f64.get().is_some() {
            return None;
        }
        let [a, b] = states.exact.as_mut()?;
        self.or_no_f64(a.run(inputs).and_then(|a| Ok([a, b.run(inputs)?])))
    }

    /// The value; an error is why there is no f64 verdict.
    fn or_no_f64<T>(&self, value: Result<T, EngineError>) -> Option<T> {
        value.map_err(|error| self.no_f64.get_or_init(|| error.to_string())).ok()
    }

    fn report(&self, differences: &[OutputDifference], seed: u64) -> Verification {
        let no_f64 = self.no_f64.get();
        let ports = self.setup.signature.inputs.iter().zip(&self.setup.shapes.shapes);
        let inputs = ports.map(|(port, shape)| InputReport {
            name: port.name.to_string(),
            element: port.element.map_or("?", DataType::name),
            shape: shape.clone(),
        });
        let outputs = self.judges.iter().zip(differences);
        let outputs: Vec<_> = outputs.map(|(judge, difference)| judge.report(difference, no_f64.is_none())).collect();
        Verification {
            same: outputs.iter().all(|output| output.same),
            samples: self.samples,
            seed,
            inputs: inputs.collect(),
            dims: self.setup.shapes.dims.clone(),
            f64_samples: if no_f64.is_none() { self.samples.min(MOST_F64_SAMPLES) } else { 0 },
            f64_unavailable: no_f64.cloned(),
            outputs,
        }
    }
}

fn merged(mut all: Vec<OutputDifference>, later: Vec<OutputDifference>) -> Vec<OutputDifference> {
    all.iter_mut().zip(later).for_each(|(own, later)| own.merge(&later));
    all
}
