//! Running both models side by side, and adding up how their outputs differ.

use super::compare::Distance;
use super::engines::Engine;
use super::exact::{self, Outputs};
use super::inputs::Round;
use super::judge::{Judge, OutputDifference};
use super::report::{Apart, OtherEngine, OutputReport, Seconds};
use super::signature::{Port, Signature};
use super::tolerance::Tolerance;
use super::{Observer, Sample, VerifyError, VerifyOptions};
use crate::engine::{Array, EngineError, Runner, Runtime, lowest_float};
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;
use crate::parallel::{self, ThreadError, lock};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

/// Running in f64 takes 5 to 15 times as long, and a wrong formula shows in every sample.
const MOST_F64_SAMPLES: usize = 2;

/// Two models, and how their outputs have differed so far.
pub struct Comparison<'a> {
    models: [&'a ModelProto; 2],
    engines: &'a [Engine<'a>],
    judges: Vec<Judge>,
    found: Found,
    threads: usize,
    done: usize,
    total: usize,
    seconds: Seconds,
    observer: &'a mut dyn Observer,
}

/// How outputs differ, in one sample or in all.
#[derive(Clone, Default)]
struct Found {
    /// For each engine, of each output.
    differences: Vec<Vec<OutputDifference>>,
    /// How far the second engine is from the first, for each output: on the original, and on the result.
    apart: Vec<[Distance; 2]>,
}

/// A sample that was run.
pub struct Ran {
    /// What it was run on.
    pub inputs: Vec<Array>,
    /// What came out, for each engine.
    outputs: Vec<Outputs>,
}

/// One thread's states of the original and the result, for each engine.
type Runners = Vec<[Runner; 2]>;

impl<'a> Comparison<'a> {
    /// Nothing has been run yet; `first` is what will be run in f64, too.
    pub fn new(
        models: [&'a ModelProto; 2],
        engines: &'a [Engine<'a>],
        signature: &Signature,
        options: &VerifyOptions,
        first: &Round,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let judges = judges(models[0], signature, options);
        let differences = vec![vec![OutputDifference::default(); judges.len()]; engines.len()];
        let apart = vec![Default::default(); if engines.len() > 1 { judges.len() } else { 0 }];
        let threads = parallel::threads(options.threads);
        let total = 2 * first.samples.min(MOST_F64_SAMPLES);
        let found = Found { differences, apart };
        Comparison { models, engines, judges, found, threads, done: 0, total, seconds: Seconds::default(), observer }
    }

    /// How many samples of a round run in f64 as well.
    pub fn f64_samples(&self, round: &Round) -> usize {
        round.samples.min(MOST_F64_SAMPLES)
    }

    /// Runs both models on all samples of a round, each by whichever thread is free. Returns the samples that
    /// are to be run in f64.
    pub fn run(&mut self, round: &Round) -> Result<Vec<Ran>, VerifyError> {
        self.total += round.samples;
        let start = Instant::now();
        let compiled = |engine: &Engine| engine.both(&round.shapes.shapes);
        let compiled = self.engines.iter().map(compiled).collect::<Result<Vec<_>, _>>()?;
        self.seconds.compile += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let runners = || -> Result<Runners, VerifyError> {
            let pairs = compiled.iter().map(|[original, result]| {
                let original = original.runner().map_err(VerifyError::original)?;
                Ok([original, result.runner().map_err(VerifyError::result)?])
            });
            pairs.collect()
        };
        let count = self.threads.min(round.samples).max(1);
        let mut workers = (0..count).map(|_| runners()).collect::<Result<Vec<_>, _>>()?;
        let (mut kept, mut seen) = (Vec::new(), Ok(()));
        // Threads that have no sample of their own take one of the models.
        let side_by_side = round.samples < self.threads;
        let judges = &self.judges;
        let work = |runners: &mut Runners, sample| -> Result<_, VerifyError> {
            let ran = run_all(runners, round.inputs(sample)?, side_by_side)?;
            Ok((compare(judges, round.first + sample, &ran)?, ran))
        };
        let take = |sample: usize, (found, ran): (Found, Ran)| {
            self.found.merge(&found);
            self.done += 1;
            self.observer.progress(self.done, self.total);
            if let (true, Some([original, result])) = (seen.is_ok(), ran.outputs.first()) {
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

    /// Runs samples of a round once more, in f64. The error is why that cannot be done.
    pub fn run_in_f64(&mut self, round: &Round, samples: &[Ran]) -> Result<(), String> {
        if lowest_float(self.models[0]).is_none_or(|float| float == FloatType::F64) {
            return Err("the model has no floats narrower than that".into());
        }
        let start = Instant::now();
        let of_tract = self.engines.iter().position(|engine| matches!(engine.runtime, Runtime::Tract));
        let cannot = |error: EngineError| match of_tract {
            Some(_) => error.to_string(),
            None => format!("tract cannot run it: {error}"),
        };
        let (models, threads) = (self.models, self.threads);
        let run =
            |floor, done: &(dyn Fn() + Sync)| exact::run(models, &round.shapes.shapes, samples, floor, threads, done);
        let native = match of_tract {
            Some(engine) => samples.iter().map(|ran| ran.outputs[engine].clone()).collect(),
            None => run(FloatType::F32, &|| {}).map_err(cannot)?,
        };
        let (progress, total) = (Mutex::new((&mut self.done, &mut *self.observer)), self.total);
        let done = || {
            let (done, observer) = &mut *lock(&progress);
            **done += 1;
            observer.progress(**done, total);
        };
        let exact = run(FloatType::F64, &done).map_err(cannot)?;
        for (native, exact) in native.iter().zip(&exact) {
            self.add_exact(native, exact);
        }
        self.seconds.f64 += start.elapsed().as_secs_f64();
        Ok(())
    }

    fn add_exact(&mut self, native: &Outputs, exact: &Outputs) {
        let differences = self.found.differences.first_mut().into_iter().flatten();
        for (output, (judge, difference)) in self.judges.iter().zip(differences).enumerate() {
            let of = |outputs: &'_ Outputs| Some([outputs[0].get(output)?.clone(), outputs[1].get(output)?.clone()]);
            let Some((native, exact)) = of(native).zip(of(exact)) else { continue };
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
        if self.found.differences.iter().flatten().all(OutputDifference::says_nothing) {
            return Err(VerifyError::NothingToCompare);
        }
        Ok(self.judges.iter().enumerate().map(|(output, judge)| self.output(output, judge, f64)).collect())
    }

    fn output(&self, output: usize, judge: &Judge, f64: bool) -> OutputReport {
        let first = &self.found.differences[0][output];
        let mut report = judge.report(first, f64);
        let other = self.engines.get(1).zip(self.found.differences.get(1)).zip(self.found.apart.get(output));
        if let Some(((engine, second), [original, result])) = other {
            let apart = Apart { original: original.relative(), result: result.relative() };
            let other = judge.second_report(first, &second[output], f64);
            report.same &= other.same;
            report.other_engine = Some(Box::new(OtherEngine { engine: engine.runtime.name(), report: other, apart }));
        }
        report
    }
}

impl Found {
    /// Adds a later sample.
    fn merge(&mut self, later: &Found) {
        let differences = self.differences.iter_mut().flatten().zip(later.differences.iter().flatten());
        differences.for_each(|(own, later)| own.merge(later));
        let apart = self.apart.iter_mut().flatten().zip(later.apart.iter().flatten());
        apart.for_each(|(own, later)| own.merge(*later));
    }
}

/// A judge for each output. Floating-point outputs are to be as good as the weights of the original allow.
fn judges(original: &ModelProto, signature: &Signature, options: &VerifyOptions) -> Vec<Judge> {
    let weights = lowest_float(original);
    let judge = |port: &Port| {
        // An output without a type is judged as the floats that it probably holds.
        let is_float = port.element.is_none_or(|element| element.float().is_some());
        let tolerance = Tolerance::new(weights.filter(|_| is_float), &port.name.to_string(), options);
        Judge { port: port.clone(), tolerance }
    };
    signature.outputs.iter().map(judge).collect()
}

fn run_all(runners: &mut Runners, inputs: Vec<Array>, side_by_side: bool) -> Result<Ran, VerifyError> {
    let outputs = runners.iter_mut().map(|pair| run_both(pair, &inputs, side_by_side));
    Ok(Ran { outputs: outputs.collect::<Result<_, _>>()?, inputs })
}

fn run_both(
    [original, result]: &mut [Runner; 2],
    inputs: &[Array],
    side_by_side: bool,
) -> Result<Outputs, VerifyError> {
    let (original, result) = if side_by_side {
        thread::scope(|scope| {
            let other = thread::Builder::new().spawn_scoped(scope, || result.run(inputs));
            let own = original.run(inputs);
            let other = other.map_err(|error| ThreadError::Start(error).into());
            (own, other.and_then(|thread| thread.join().unwrap_or(Err(ThreadError::Died.into()))))
        })
    } else {
        (original.run(inputs), result.run(inputs))
    };
    Ok([original.map_err(VerifyError::original)?, result.map_err(VerifyError::result)?])
}

fn compare(judges: &[Judge], sample: usize, ran: &Ran) -> Result<Found, VerifyError> {
    let of_engine = |[original, result]: &Outputs| {
        let outputs = judges.iter().zip(original.iter().zip(result));
        outputs.map(|(judge, (original, result))| judge.compare(sample, [original, result])).collect()
    };
    let differences = ran.outputs.iter().map(of_engine).collect::<Result<_, _>>()?;
    let apart = match &ran.outputs[..] {
        [[original, result], others] => {
            let outputs = original.iter().zip(&others[0]).zip(result.iter().zip(&others[1]));
            outputs.map(|pairs| [pairs.0, pairs.1].map(|(first, second)| Distance::of_arrays(second, first))).collect()
        }
        _ => Vec::new(),
    };
    Ok(Found { differences, apart })
}
