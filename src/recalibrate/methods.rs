//! What the three ways to estimate statistics share.

use super::estimate::{Estimate, Target};
use super::options::{Check, Method};
use crate::engine::tap::Overrides;
use crate::refusal::Refusal;
use crate::stats::measure::{Seen, Settle, Sweep, Swept};
use crate::stats::{MeasureError, Moments, Probe, RunningStatistics, Variance, residual};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Measures by one of the methods.
pub struct Estimation<'a> {
    /// What is measured.
    pub probe: &'a Probe<'a>,
    /// What its BatchNormalizations are, in their order.
    pub targets: &'a [Target],
    /// What the variance is divided by.
    pub variance: Variance,
    /// How many bytes activations that wait may take in memory.
    pub memory: u64,
    /// How the result will be checked.
    pub check: Check,
    /// Told what is done.
    pub progress: &'a Steps<'a>,
    /// How many bytes went to disk so far.
    pub spilled: AtomicU64,
}

/// Told what is done at the moment, how much of it, and of how much.
pub type Steps<'a> = dyn Fn(&'static str, usize, usize) + Sync + 'a;

/// What was estimated, and how.
pub struct Estimated {
    /// For each BatchNormalization.
    pub estimates: Vec<Result<Estimate, Refusal>>,
    /// How often the data was run.
    pub passes: usize,
    /// How far all that comes in is from these estimates, if that is known already.
    pub residual: Option<f64>,
    /// Moments of the first runs, to compare with those of the result; none if that would be no comparison.
    pub apart: Option<(Range<usize>, Seen)>,
    /// How many bytes went to disk; said at the end of [`Estimation::run`].
    pub spilled: u64,
    /// Why another method was used than was asked for.
    pub instead: Option<String>,
}

impl Estimated {
    /// These, after so many passes.
    pub fn new(estimates: Vec<Result<Estimate, Refusal>>, passes: usize) -> Estimated {
        Estimated { estimates, passes, residual: None, apart: None, spilled: 0, instead: None }
    }
}

impl Estimation<'_> {
    /// By this method.
    ///
    /// # Errors
    /// When the model does not run, the data cannot be read, or there is no room for what waits.
    pub fn run(&self, method: Method) -> Result<Estimated, MeasureError> {
        let estimated = match method {
            Method::FixedPoint(how) => self.fixed_point(how)?,
            Method::Batch { size, average } => self.batch(size, average)?,
            Method::Exact { otherwise } => match self.why_not_exact()? {
                None => self.exact()?,
                Some(reason) => Estimated { instead: Some(reason), ..self.fixed_point(otherwise)? },
            },
        };
        Ok(Estimated { spilled: self.spilled.load(Ordering::Relaxed), ..estimated })
    }

    /// One pass with these statistics in place; also the moments of the first runs alone.
    ///
    /// # Errors
    /// When the model does not run, or the data cannot be read.
    pub fn frozen(
        &self,
        what: &'static str,
        overrides: &Overrides,
        runs: Range<usize>,
        apart: usize,
    ) -> Result<(Seen, Seen), MeasureError> {
        let progress = |done, total| (self.progress)(what, done, total);
        self.probe.frozen(overrides, runs, apart, &progress)
    }

    /// Consecutive runs that hold so many samples each.
    pub(super) fn groups(&self, samples: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let data = self.probe.data();
        let (runs, size) = (data.runs(), samples.div_ceil(data.batch_size().max(1)).max(1));
        (0..runs).step_by(size).map(move |start| start..(start + size).min(runs))
    }

    /// A group of runs, normalised by its own statistics as training does: with the variance of the
    /// population, whatever is stored in the end.
    pub(super) fn group(&self, runs: Range<usize>) -> Result<Seen, MeasureError> {
        let settle = |tap: usize, moments: &Moments| {
            let moments = self.targets[tap].check(Some(moments)).ok()?;
            Some(RunningStatistics::of(moments, Variance::Population))
        };
        Ok(self.sweep(runs, 0, &settle)?.moments)
    }

    pub(super) fn sweep(&self, runs: Range<usize>, apart: usize, settle: &Settle) -> Result<Swept, MeasureError> {
        let how = Sweep { memory: self.memory, settle, apart };
        let (first, all, length) = (runs.start, self.probe.data().runs(), runs.len());
        // A sweep goes through its runs once for each BatchNormalization.
        let progress =
            |done: usize, total: usize| (self.progress)("measuring", first + done * length / total.max(1), all);
        let swept = self.probe.sweep(runs, &how, &progress)?;
        self.spilled.fetch_add(swept.spilled, Ordering::Relaxed);
        Ok(swept)
    }

    pub(super) fn settle(&self, tap: usize, moments: Option<&Moments>) -> Option<RunningStatistics> {
        self.targets[tap].estimate(moments, self.variance).ok().map(|estimate| estimate.statistics)
    }

    pub(super) fn estimates(&self, seen: &Seen) -> Vec<Result<Estimate, Refusal>> {
        let estimate =
            |(target, moments): (&Target, &Option<Moments>)| target.estimate(moments.as_ref(), self.variance);
        self.targets.iter().zip(seen).map(estimate).collect()
    }

    /// What these moments make the model normalise by.
    pub fn overrides(&self, seen: &Seen) -> Overrides {
        let settle = |(tap, moments): (usize, &Option<Moments>)| self.settle(tap, moments.as_ref()).map(Arc::new);
        Arc::new(seen.iter().enumerate().map(settle).collect())
    }

    /// How far moments are from what was in place while they were measured.
    pub(super) fn change(&self, before: &Overrides, seen: &Seen) -> f64 {
        let after = self.overrides(seen);
        let pairs = before.iter().zip(after.iter()).zip(self.targets);
        let distances = pairs.filter_map(|((before, after), target)| {
            let (before, after) = (before.as_deref()?, after.as_deref()?);
            Some(residual(before.gaussians(), after.gaussians(), target.norm.epsilon))
        });
        distances.fold(0.0, f64::max)
    }

    /// How many runs are measured by themselves, to be compared with the result.
    pub(super) fn apart(&self) -> usize {
        match self.check {
            Check::Sample => self.probe.data().runs().div_ceil(16),
            Check::Full => 0,
        }
    }
}
