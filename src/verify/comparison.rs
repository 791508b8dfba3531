//! Running both models side by side, and adding up how their outputs differ.

use super::inputs::Round;
use super::judge::{Judge, OutputDifference};
use super::report::{OutputReport, Seconds};
use super::signature::{Port, Signature};
use super::tolerance::Tolerance;
use super::{Observer, Sample, VerifyError, VerifyOptions};
use crate::engine::{Array, EngineError, Session, Worker, lowest_float};
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;
use crate::parallel::{self, ThreadError};
use std::thread;
use std::time::Instant;

/// Running in f64 takes 5 to 15 times as long, and a wrong formula shows in every sample.
const MOST_F64_SAMPLES: usize = 2;

/// Two models, and how their outputs have differed so far.
pub struct Comparison<'a> {
    models: [&'a ModelProto; 2],
    judges: Vec<Judge>,
    differences: Vec<OutputDifference>,
    threads: usize,
    done: usize,
    total: usize,
    seconds: Seconds,
    observer: &'a mut dyn Observer,
}

/// A sample that was run.
pub struct Ran {
    inputs: Vec<Array>,
    /// Of the original and of the result.
    outputs: [Vec<Array>; 2],
}

/// One thread's states of the original and the result.
type Workers = [Worker; 2];

impl<'a> Comparison<'a> {
    /// Nothing has been run yet; `first` is what will be run in f64, too.
    pub fn new(
        models: [&'a ModelProto; 2],
        signature: &Signature,
        options: &VerifyOptions,
        first: &Round,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let judges = judges(models, signature, options);
        let differences = vec![OutputDifference::default(); judges.len()];
        let threads = parallel::threads(options.threads);
        let total = 2 * first.samples.min(MOST_F64_SAMPLES);
        Comparison { models, judges, differences, threads, done: 0, total, seconds: Seconds::default(), observer }
    }

    /// How many samples of a round run in f64 as well.
    pub fn f64_samples(&self, round: &Round) -> usize {
        round.samples.min(MOST_F64_SAMPLES)
    }

    /// Runs both models on all samples of a round, each by whichever thread is free; `original` is the
    /// first of them, if it is compiled. Returns the samples that are to be run in f64.
    pub fn run(&mut self, round: &Round, original: Option<Session>) -> Result<Vec<Ran>, VerifyError> {
        self.total += round.samples;
        let start = Instant::now();
        let sessions = self.sessions(round, original)?;
        self.seconds.compile += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let workers = || -> Result<Workers, VerifyError> {
            let [original, result] = &sessions;
            let original = original.worker().map_err(VerifyError::original)?;
            Ok([original, result.worker().map_err(VerifyError::result)?])
        };
        let count = self.threads.min(round.samples).max(1);
        let mut workers = (0..count).map(|_| workers()).collect::<Result<Vec<_>, _>>()?;
        let (mut kept, mut seen) = (Vec::new(), Ok(()));
        // Threads that have no sample of their own take one of the models.
        let side_by_side = round.samples < self.threads;
        let judges = &self.judges;
        let work = |workers: &mut Workers, sample| -> Result<_, VerifyError> {
            let ran = run_both(workers, round.inputs(sample)?, side_by_side)?;
            Ok((compare(judges, round.first + sample, &ran)?, ran))
        };
        let take = |sample: usize, (differences, ran): (Vec<OutputDifference>, Ran)| {
            self.differences.iter_mut().zip(&differences).for_each(|(own, later)| own.merge(later));
            self.done += 1;
            self.observer.progress(self.done, self.total);
            if seen.is_ok() {
                let [original, result] = &ran.outputs;
                let sample = Sample { sample: round.first + sample, inputs: &ran.inputs, original, result };
                seen = self.observer.sample(&sample);
            }
            if sample < MOST_F64_SAMPLES {
                kept.push(ran);
            }
        };
        parallel::in_order(&mut workers, round.samples, work, take)?;
        self.seconds.run += start.elapsed().as_secs_f64();
        seen.map_err(VerifyError::Observer)?;
        Ok(kept)
    }

    fn sessions(&self, round: &Round, original: Option<Session>) -> Result<[Session; 2], VerifyError> {
        let models = self.models;
        let [original, result] = both(|index| match (index, &original) {
            (0, Some(session)) => Ok(session.clone()),
            _ => Session::compile(models[index], &round.shapes.shapes, Some(FloatType::F32)),
        });
        Ok([original.map_err(VerifyError::original)?, result.map_err(VerifyError::result)?])
    }

    /// Runs samples of a round once more, in f64. The error is why that cannot be done.
    pub fn run_in_f64(&mut self, round: &Round, samples: &[Ran]) -> Result<(), String> {
        if lowest_float(self.models[0]).is_none_or(|float| float == FloatType::F64) {
            return Err("the model has no floats narrower than that".into());
        }
        let start = Instant::now();
        let models = self.models;
        let exact = |index: usize| exact(models[index], round, samples, self.threads);
        // One after the other, since weights take twice their memory, unless threads would be idle.
        let outputs = if samples.len() < self.threads { both(exact) } else { [0, 1].map(exact) };
        let [original, result] = outputs;
        let outputs: Vec<[Vec<Array>; 2]> = original?.into_iter().zip(result?).map(<[_; 2]>::from).collect();
        self.done += 2 * samples.len();
        self.observer.progress(self.done, self.total);
        for (native, exact) in samples.iter().zip(&outputs) {
            self.add_exact(native, exact);
        }
        self.seconds.f64 += start.elapsed().as_secs_f64();
        Ok(())
    }

    fn add_exact(&mut self, native: &Ran, exact: &[Vec<Array>; 2]) {
        let judges = self.judges.iter().zip(&mut self.differences).enumerate();
        for (output, (judge, difference)) in judges {
            let of =
                |outputs: &'_ [Vec<Array>; 2]| Some([outputs[0].get(output)?.clone(), outputs[1].get(output)?.clone()]);
            let Some((native, exact)) = of(&native.outputs).zip(of(exact)) else { continue };
            if let Some(distances) = judge.exact(native.each_ref(), exact.each_ref()) {
                difference.add_exact(distances);
            }
        }
    }

    /// Where the time went.
    pub fn seconds(&self) -> Seconds {
        self.seconds
    }

    /// A report for each output; `f64` tells whether the verdict in f64 can be had.
    ///
    /// # Errors
    /// When no output says anything.
    pub fn outputs(&self, f64: bool) -> Result<Vec<OutputReport>, VerifyError> {
        if self.differences.iter().all(OutputDifference::says_nothing) {
            return Err(VerifyError::NothingToCompare);
        }
        Ok(self.judges.iter().zip(&self.differences).map(|(judge, difference)| judge.report(difference, f64)).collect())
    }
}

/// A judge for each output. Floating-point outputs are as good as the weights allow.
fn judges(models: [&ModelProto; 2], signature: &Signature, options: &VerifyOptions) -> Vec<Judge> {
    let lowest = models.into_iter().filter_map(lowest_float);
    let weights = lowest.max_by(|a, b| a.unit_roundoff().total_cmp(&b.unit_roundoff()));
    let judge = |port: &Port| {
        // An output without a type is judged as the floats that it probably holds.
        let is_float = port.element.is_none_or(|element| element.float().is_some());
        let tolerance = Tolerance::new(weights.filter(|_| is_float), &port.name.to_string(), options);
        Judge { port: port.clone(), tolerance }
    };
    signature.outputs.iter().map(judge).collect()
}

fn run_both(workers: &mut Workers, inputs: Vec<Array>, side_by_side: bool) -> Result<Ran, VerifyError> {
    let [original, result] = workers;
    let (original, result) = if side_by_side {
        thread::scope(|scope| {
            let other = thread::Builder::new().spawn_scoped(scope, || result.run(&inputs));
            let own = original.run(&inputs);
            let other = other.map_err(|error| ThreadError::Start(error).into());
            (own, other.and_then(|thread| thread.join().unwrap_or(Err(ThreadError::Died.into()))))
        })
    } else {
        (original.run(&inputs), result.run(&inputs))
    };
    let outputs = [original.map_err(VerifyError::original)?, result.map_err(VerifyError::result)?];
    Ok(Ran { inputs, outputs })
}

/// The outputs of a model for some samples, in f64. The error is why they cannot be had.
fn exact(model: &ModelProto, round: &Round, samples: &[Ran], threads: usize) -> Result<Vec<Vec<Array>>, String> {
    let session = Session::compile(model, &round.shapes.shapes, Some(FloatType::F64));
    let session = session.map_err(|error| error.to_string())?;
    let work =
        |(): &mut (), sample: usize| -> Result<_, EngineError> { session.worker()?.run(&samples[sample].inputs) };
    let mut outputs = Vec::new();
    let mut workers = vec![(); threads];
    let take = |_, exact| outputs.push(exact);
    parallel::in_order(&mut workers, samples.len(), work, take).map_err(|error| error.to_string())?;
    Ok(outputs)
}

fn compare(judges: &[Judge], sample: usize, ran: &Ran) -> Result<Vec<OutputDifference>, VerifyError> {
    let [original, result] = &ran.outputs;
    let outputs = judges.iter().zip(original.iter().zip(result));
    outputs.map(|(judge, (original, result))| judge.compare(sample, [original, result])).collect()
}

/// Does something for the original (0) and the result (1), side by side if there is a thread.
fn both<T: Send>(work: impl Fn(usize) -> T + Sync) -> [T; 2] {
    thread::scope(|scope| {
        let other = thread::Builder::new().spawn_scoped(scope, || work(1));
        let own = work(0);
        let other = other.ok().and_then(|other| other.join().ok());
        [own, other.unwrap_or_else(|| work(1))]
    })
}
