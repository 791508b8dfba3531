//! Insertion of BatchNormalizations whose first parameters are measured.
//!
//! **Calibrated**, they compute what comes in: nothing that follows changes, so that one pass with
//! identities in their place gives the statistics of all, exactly.
//!
//! **Standardised**, each changes what comes into those behind it. The first pass is the same; then
//! the model runs with the statistics of the pass before in place, until what it measures is what it
//! runs with. A BatchNormalization with k others before it is right after k + 1 passes at the latest.

use crate::data::Dataset;
use crate::onnx::schema::ModelProto;
use crate::stats::{MeasureError, Moments, measure};
use crate::transform::insert::{InitialValues, InsertError, InsertOptions, Inserted, Statistics, insert};

/// Passes end when no mean and no deviation is further off than this, in deviations.
const TOLERANCE: f64 = 1e-4;

/// No more passes are run: whoever has more BatchNormalizations in a row is told how far they are off.
const MOST_PASSES: usize = 100;

/// What is done with the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The BatchNormalizations compute what comes in.
    Calibrate,
    /// They make mean 0 and variance 1 of it.
    Standardize,
}

/// How statistics are measured.
pub struct Measuring<'a> {
    /// What is measured on.
    pub data: &'a dyn Dataset,
    /// How many threads to use; 0 for all.
    pub threads: usize,
    /// Told how many samples of a pass are done, and of how many, by several threads.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// What statistics were measured of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// How many samples.
    pub samples: usize,
    /// How often they were run.
    pub passes: usize,
    /// The largest |Δμ|/σ or |Δσ|/σ between what the last pass ran with and what it measured; 0 where
    /// one pass is exact.
    pub residual: f64,
}

/// Why nothing was inserted.
#[derive(Debug, thiserror::Error)]
pub enum InitializeError {
    /// Nothing can be inserted.
    #[error(transparent)]
    Insert(#[from] InsertError),
    /// The statistics cannot be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
}

/// Inserts BatchNormalizations with statistics that are measured on data.
///
/// # Errors
/// Those of [`insert`] and of [`measure()`].
pub fn insert_measured(
    model: &ModelProto,
    options: &InsertOptions,
    goal: Goal,
    measuring: &Measuring,
) -> Result<(Inserted, Measured), InitializeError> {
    let values = |statistics: &Statistics| match goal {
        Goal::Calibrate => InitialValues::Calibrate(statistics.clone()),
        Goal::Standardize => InitialValues::Standardize(statistics.clone()),
    };
    let mut measured = Measured { samples: measuring.data.samples(), passes: 0, residual: 0.0 };
    let mut statistics = Statistics::new();
    loop {
        // Statistics of batches would be measured otherwise.
        let current = insert(model, &options.clone().training(false).values(values(&statistics)))?;
        let norms = current.report.norms();
        if norms.is_empty() {
            break;
        }
        let seen = measure(&current.model, &norms, measuring.data, measuring.threads, measuring.progress)?;
        measured.residual = residual(&statistics, &seen);
        measured.passes += 1;
        statistics = seen;
        let is_consistent = measured.passes > 1 && measured.residual <= TOLERANCE;
        if goal == Goal::Calibrate || is_consistent || measured.passes > norms.len().min(MOST_PASSES) {
            break;
        }
    }
    let inserted = insert(model, &options.clone().values(values(&statistics)))?;
    Ok((inserted, measured))
}

/// How far statistics are from those that were in place while they were measured; 0 if there were none.
fn residual(before: &Statistics, after: &Statistics) -> f64 {
    let pairs = after.iter().filter_map(|(norm, after)| Some((before.get(norm)?, after)));
    pairs.map(|(before, after)| distance(before, after)).fold(0.0, f64::max)
}

/// The largest |Δμ|/σ or |Δσ|/σ of all channels. One that does not vary is off by what it is off
/// relative to its mean.
fn distance(before: &Moments, after: &Moments) -> f64 {
    let deviations = |moments: &Moments| moments.variances().into_iter().map(f64::sqrt).collect::<Vec<_>>();
    let means = before.means().into_iter().zip(after.means());
    let channels = means.zip(deviations(before).into_iter().zip(deviations(after)));
    let off = |((mean_before, mean_after), (before, after)): ((f64, f64), (f64, f64))| {
        let unit = after.max(1e-6 * mean_after.abs()).max(f64::MIN_POSITIVE);
        ((mean_before - mean_after).abs() / unit).max((before - after).abs() / unit)
    };
    channels.map(off).fold(0.0, f64::max)
}
