//! What was measured, what was left and why.

use super::estimate::{Estimate, Target};
use super::methods::Estimated;
use super::norms::Norm;
use super::options::{Average, Check, Method, RecalibrateOptions};
use crate::data::Dataset;
use crate::refusal::{Code, Refusal};
use crate::stats::{Collection, Drift, Variance, drift, residual};
use serde::Serialize;

/// With fewer samples there is a warning.
const FEW_SAMPLES: usize = 256;

/// What was done to a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecalibrateReport {
    /// One entry per BatchNormalization, in graph order.
    pub norms: Vec<NormReport>,
    /// How many have new statistics.
    pub recalibrated: usize,
    /// How many keep theirs.
    pub kept: usize,
    /// The method that was used: `exact`, `fixed-point` or `batch`.
    pub method: &'static str,
    /// Why it is not the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// How many samples.
    pub samples: usize,
    /// How often they were run to estimate the statistics.
    pub passes: usize,
    /// How far the old statistics are from the new ones: the largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε).
    pub largest_change: f64,
    /// How far what comes in is from what it should be, when the result runs: in the same unit.
    pub residual: Option<f64>,
    /// Whether that was measured on all samples, and not on a sixteenth of them.
    pub residual_of_all: bool,
    /// What the variance was divided by: `population` (n) or `unbiased` (n − 1).
    pub variance: &'static str,
    /// How many samples were measured in a second, checking not counted; nothing if none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples_per_second: Option<f64>,
    /// How many bytes of activations waited on disk.
    pub spilled_bytes: u64,
    /// What users should know.
    pub warnings: Vec<String>,
}

/// What was done about one BatchNormalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NormReport {
    /// Its name, or its first output if it has none.
    pub name: String,
    /// The number of channels, if its parameters could be read.
    pub channels: Option<usize>,
    /// What was done.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of the statistics of a BatchNormalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// They are new.
    Recalibrated {
        /// How many numbers of each channel they were taken of.
        values: u64,
        /// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) of all channels.
        change: f64,
        /// How far they moved, and what became of the gain.
        drift: Drift,
        /// Other nodes that read the old mean or variance; it has its own now.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        shared_with: Vec<String>,
    },
    /// They stay.
    Kept {
        /// Why.
        refusal: Refusal,
    },
}

/// What was measured on.
#[derive(Clone, Copy)]
pub(super) struct Amount {
    samples: usize,
    /// How many samples a run takes.
    batch: usize,
    /// How long it took; 0 if nobody measured.
    seconds: f64,
}

impl Amount {
    /// All of a dataset, in so many seconds.
    pub(super) fn of(data: &dyn Dataset, seconds: f64) -> Amount {
        Amount { samples: data.samples(), batch: data.batch_size(), seconds }
    }
}

impl RecalibrateReport {
    /// Whether anything was changed.
    pub fn changed(&self) -> bool {
        self.recalibrated > 0
    }

    /// Lets each refusal say what its code means, why, and what to do.
    pub fn explain(&mut self) {
        for norm in &mut self.norms {
            if let Outcome::Kept { refusal } = &mut norm.outcome {
                refusal.explanation = Some(refusal.code.explanation());
            }
        }
    }

    /// Of a model in which nothing can be recalibrated.
    pub(super) fn of_none(norms: &[Norm], data: &dyn Dataset, options: &RecalibrateOptions) -> RecalibrateReport {
        RecalibrateReport::new(norms, Amount::of(data, 0.0), options, &Estimated::new(Vec::new(), 0), None)
    }

    /// Of statistics from a file.
    pub(super) fn of_collection(
        norms: &[Norm],
        collection: &Collection,
        options: &RecalibrateOptions,
        estimates: Vec<Result<Estimate, Refusal>>,
    ) -> RecalibrateReport {
        let estimated = Estimated::new(estimates, collection.header.pass as usize);
        let samples = usize::try_from(collection.header.samples).unwrap_or(usize::MAX);
        let residual = collection.residual();
        let amount = Amount { samples, batch: 1, seconds: 0.0 };
        let report = RecalibrateReport::new(norms, amount, options, &estimated, residual);
        RecalibrateReport { method: "fixed-point", residual_of_all: true, ..report }
    }

    pub(super) fn new(
        norms: &[Norm],
        amount: Amount,
        options: &RecalibrateOptions,
        estimated: &Estimated,
        residual: Option<f64>,
    ) -> RecalibrateReport {
        let Amount { samples, seconds, .. } = amount;
        let mut estimates = estimated.estimates.iter();
        let norms: Vec<NormReport> = norms.iter().map(|norm| report(norm, &mut estimates)).collect();
        let recalibrated = norms.iter().filter(|norm| matches!(norm.outcome, Outcome::Recalibrated { .. })).count();
        let changes = norms.iter().map(|norm| match norm.outcome {
            Outcome::Recalibrated { change, .. } => change,
            Outcome::Kept { .. } => 0.0,
        });
        let largest_change = changes.fold(0.0, f64::max);
        let training = if recalibrated > 0 { still_training(&norms, amount.batch) } else { None };
        RecalibrateReport {
            recalibrated,
            kept: norms.len() - recalibrated,
            norms,
            method: if estimated.instead.is_some() { "fixed-point" } else { name(options.method) },
            instead: estimated.instead.clone(),
            samples,
            passes: estimated.passes,
            largest_change,
            residual,
            residual_of_all: options.check == Check::Full || estimated.apart.is_none(),
            variance: if options.variance == Variance::Population { "population" } else { "unbiased" },
            samples_per_second: (seconds > 0.0 && seconds.is_finite()).then(|| samples as f64 / seconds),
            spilled_bytes: estimated.spilled,
            warnings: few(samples).into_iter().chain(training).chain(unfinished(options.method, estimated)).collect(),
        }
    }
}

/// How a method is called.
fn name(method: Method) -> &'static str {
    match method {
        Method::Exact { .. } => "exact",
        Method::FixedPoint(_) => "fixed-point",
        Method::Batch { average: Average::Cumulative, .. } => "batch, cumulative average",
        Method::Batch { average: Average::Exponential { .. }, .. } => "batch, exponential average",
    }
}

fn few(samples: usize) -> Option<String> {
    let uncertainty = 100.0 / (samples as f64).sqrt();
    (samples < FEW_SAMPLES).then(|| {
        let plural = if samples == 1 { "sample" } else { "samples" };
        format!("only {samples} {plural}: a mean is known to about {uncertainty:.0} % of a deviation; 1000 to 2000 are recommended")
    })
}

/// Passes that ended before statistics stood still.
fn unfinished(method: Method, estimated: &Estimated) -> Option<String> {
    let (Method::FixedPoint(how) | Method::Exact { otherwise: how }) = method else { return None };
    let residual = estimated.residual.filter(|residual| *residual > how.tolerance)?;
    let passes = estimated.passes;
    Some(format!(
        "after {passes} passes the residual is {residual:.1e}, not yet {:.1e}: allow more --max-passes",
        how.tolerance
    ))
}

/// What is measured behind one that trains depends on how many samples a run has.
fn still_training(norms: &[NormReport], batch: usize) -> Option<String> {
    let trains =
        |norm: &&NormReport| matches!(&norm.outcome, Outcome::Kept { refusal } if refusal.code == Code::TrainingMode);
    let mut training = norms.iter().filter(trains);
    let (first, others) = (training.next()?, training.count());
    let more = if others == 0 { String::new() } else { format!(" and {others} more") };
    let of = if batch == 1 { "each sample".into() } else { format!("each run of {batch} samples") };
    Some(format!(
        "{}{more} in training mode: {of} was normalised by itself there, and what is behind was measured so",
        first.name
    ))
}

fn report<'a>(norm: &Norm, estimates: &mut impl Iterator<Item = &'a Result<Estimate, Refusal>>) -> NormReport {
    let target = norm.target.as_ref();
    let outcome = target.map_err(Clone::clone).and_then(|target| {
        let estimate = estimates.next().ok_or_else(|| Refusal::new(Code::NotReached, "it was not measured"))?;
        estimate.as_ref().map(|estimate| recalibrated(target, estimate)).map_err(Clone::clone)
    });
    let channels = norm.target.as_ref().ok().map(|target| target.norm.channels());
    let outcome = outcome.unwrap_or_else(|refusal| Outcome::Kept { refusal });
    NormReport { name: norm.name.clone(), channels, outcome }
}

fn recalibrated(target: &Target, estimate: &Estimate) -> Outcome {
    let (old, new, epsilon) = (target.current(), &estimate.statistics, target.norm.epsilon);
    Outcome::Recalibrated {
        values: estimate.values,
        change: residual(old.gaussians(), new.gaussians(), epsilon),
        drift: drift(old.gaussians(), new.gaussians(), &target.norm.scale, epsilon),
        shared_with: target.shared.clone(),
    }
}
