//! The three ways to estimate statistics, on a model that can be measured.

use super::estimate::{Estimate, Target};
use super::options::{Average, Check, FixedPoint, Method};

use crate::engine::tap::Overrides;
use crate::refusal::Refusal;
use crate::stats::measure::{Seen, Settle, Sweep, Swept, merge};
use crate::stats::{MeasureError, Moments, Probe, RunningStatistics, Variance, largest_distance};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// So many bytes of activations go to disk and back in a second: what an ordinary disk does.
const SPILL_RATE: f64 = 1e9;

/// So many passes the fixed-point method usually takes.
const USUAL_PASSES: f64 = 4.0;

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
}

/// Told what is done at the moment, how much of it, and of how much.
pub type Steps<'a> = dyn Fn(&'static str, usize, usize) + Sync + 'a;

/// What was estimated, and how.
pub struct Estimated {
    /// For each BatchNormalization.
    pub estimates: Vec<Result<Estimate, Refusal>>,
    /// How often the data was run.
    pub passes: usize,
    /// What the last pass changed, if there was more than one.
    pub last_change: Option<f64>,
    /// Moments of the first runs, to compare with those of the result; none if that would be no comparison.
    pub apart: Option<(Range<usize>, Seen)>,
    /// How many bytes went to disk.
    pub spilled: u64,
    /// Why another method was used than was asked for.
    pub instead: Option<String>,
}

impl Estimation<'_> {
    /// By this method.
    ///
    /// # Errors
    /// When the model does not run, the data cannot be read, or there is no room for what waits.
    pub fn run(&self, method: Method) -> Result<Estimated, MeasureError> {
        match method {
            Method::FixedPoint(how) => self.fixed_point(how),
            Method::Batch { size, average } => self.batch(size, average),
            Method::Exact => match self.why_not_exact()? {
                None => self.exact(),
                Some(reason) => {
                    let estimated = self.fixed_point(FixedPoint::default())?;
                    Ok(Estimated { instead: Some(reason), ..estimated })
                }
            },
        }
    }

    fn exact(&self) -> Result<Estimated, MeasureError> {
        let runs = self.probe.data().runs();
        let apart = if self.is_sample() { self.apart() } else { 0 };
        let settle = |tap: usize, moments: &Moments| self.settle(tap, Some(moments));
        let swept = self.sweep(0..runs, apart, &settle)?;
        Ok(Estimated {
            estimates: self.estimates(&swept.moments),
            passes: 1,
            last_change: None,
            apart: self.is_sample().then(|| (0..self.apart(), swept.apart)),
            spilled: swept.spilled,
            instead: None,
        })
    }

    fn fixed_point(&self, how: FixedPoint) -> Result<Estimated, MeasureError> {
        let mut seen = self.first_pass(how.group)?;
        let (mut passes, mut last_change, mut apart) = (1, None, Seen::new());
        while passes < how.max_passes.max(2) {
            let before = self.overrides(&seen);
            (seen, apart) = self.frozen("measuring again", &before, 0..self.probe.data().runs())?;
            passes += 1;
            let change = self.change(&before, &seen);
            last_change = Some(change);
            if change <= how.tolerance {
                break;
            }
        }
        let apart = self.is_sample().then(|| (0..self.apart(), apart));
        let estimates = self.estimates(&seen);
        Ok(Estimated { estimates, passes, last_change, apart, spilled: 0, instead: None })
    }

    /// Groups of samples that are normalised by their own statistics: near to what is wanted, with the
    /// memory of one group. Where the model cannot be run in stages, with the statistics that it has.
    ///
    /// # Errors
    /// When the model does not run, or the data cannot be read.
    pub fn first_pass(&self, group: usize) -> Result<Seen, MeasureError> {
        let mut all = Seen::new();
        let runs = self.probe.data().runs();
        if self.probe.cost(1, 0).is_none() {
            return Ok(self.frozen("measuring", &Overrides::default(), 0..runs)?.0);
        }
        for range in self.groups(group) {
            merge(&mut all, &self.group(range)?);
        }
        Ok(all)
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
    ) -> Result<(Seen, Seen), MeasureError> {
        let progress = |done, total| (self.progress)(what, done, total);
        self.probe.frozen(overrides, runs, if self.is_sample() { self.apart() } else { 0 }, &progress)
    }

    fn batch(&self, size: usize, average: Average) -> Result<Estimated, MeasureError> {
        let mut averages: Vec<Running> = self.targets.iter().map(|_| Running::default()).collect();
        for range in self.groups(size) {
            let seen = self.group(range)?;
            for ((running, target), moments) in averages.iter_mut().zip(self.targets).zip(&seen) {
                running.add(target, moments.as_ref(), self.variance, average);
            }
        }
        let finished = averages.into_iter().zip(self.targets).map(|(running, target)| running.finish(target));
        let estimates = finished.collect();
        Ok(Estimated { estimates, passes: 1, last_change: None, apart: None, spilled: 0, instead: None })
    }

    /// Consecutive runs that hold so many samples each.
    fn groups(&self, samples: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let data = self.probe.data();
        let (runs, size) = (data.runs(), samples.div_ceil(data.batch_size().max(1)).max(1));
        (0..runs).step_by(size).map(move |start| start..(start + size).min(runs))
    }

    /// A group of runs, normalised by its own statistics as training does: with the variance of the
    /// population, whatever is stored in the end.
    fn group(&self, runs: Range<usize>) -> Result<Seen, MeasureError> {
        let settle = |tap: usize, moments: &Moments| {
            let moments = self.targets[tap].check(Some(moments)).ok()?;
            Some(RunningStatistics::of(moments, Variance::Population))
        };
        Ok(self.sweep(runs, 0, &settle)?.moments)
    }

    fn sweep(&self, runs: Range<usize>, apart: usize, settle: &Settle) -> Result<Swept, MeasureError> {
        let how = Sweep { memory: self.memory, settle, apart };
        let (first, all, length) = (runs.start, self.probe.data().runs(), runs.len());
        // A sweep goes through its runs once for each BatchNormalization.
        let progress =
            |done: usize, total: usize| (self.progress)("measuring", first + done * length / total.max(1), all);
        self.probe.sweep(runs, &how, &progress)
    }

    fn settle(&self, tap: usize, moments: Option<&Moments>) -> Option<RunningStatistics> {
        self.targets[tap].estimate(moments, self.variance).ok().map(|estimate| estimate.statistics)
    }

    fn estimates(&self, seen: &Seen) -> Vec<Result<Estimate, Refusal>> {
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
    fn change(&self, before: &Overrides, seen: &Seen) -> f64 {
        let after = self.overrides(seen);
        let pairs = before.iter().zip(after.iter()).zip(self.targets);
        let distances = pairs.filter_map(|((before, after), target)| {
            Some(largest_distance(before.as_deref()?, after.as_deref()?, target.norm.epsilon))
        });
        distances.fold(0.0, f64::max)
    }

    fn is_sample(&self) -> bool {
        self.check == Check::Sample
    }

    /// How many runs are measured by themselves, to be compared with the result.
    fn apart(&self) -> usize {
        self.probe.data().runs().div_ceil(16)
    }

    /// Why the exact method cannot be used, or is slower than the other.
    fn why_not_exact(&self) -> Result<Option<String>, MeasureError> {
        let runs = self.probe.data().runs();
        let Some(cost) = self.probe.cost(runs, self.memory) else {
            return Ok(Some("lengths inside the model depend on the data".into()));
        };
        if cost.spilled == 0 {
            return Ok(None);
        }
        let start = Instant::now();
        let tried = runs.min(2 * self.probe.threads());
        self.probe.frozen(&Overrides::default(), 0..tried, 0, &|_, _| {})?;
        let passes = USUAL_PASSES * start.elapsed().as_secs_f64() * runs as f64 / tried as f64;
        let spilling = 2.0 * cost.spilled as f64 / SPILL_RATE;
        let needed = cost.bytes.saturating_mul(runs as u64) >> 20;
        Ok((spilling > passes).then(|| {
            format!(
                "{runs} runs of {:.1} MB each take {needed} MB, and it would be slower to put {} MB aside on disk",
                cost.bytes as f64 / f64::from(1 << 20),
                cost.spilled >> 20
            )
        }))
    }
}

/// The running average of one BatchNormalization.
#[derive(Default)]
struct Running {
    statistics: RunningStatistics,
    batches: usize,
    values: u64,
    refusal: Option<Refusal>,
}

impl Running {
    fn add(&mut self, target: &Target, moments: Option<&Moments>, variance: Variance, average: Average) {
        let moments = match target.check(moments) {
            Ok(moments) => moments,
            Err(refusal) => {
                self.refusal.get_or_insert(refusal);
                return;
            }
        };
        let new = RunningStatistics::of(moments, variance);
        self.batches += 1;
        self.values += moments.channels.first().map_or(0, |moment| moment.count);
        let share = match average {
            _ if self.batches == 1 => 1.0,
            Average::Cumulative => 1.0 / self.batches as f64,
            Average::Exponential { momentum } => 1.0 - momentum,
        };
        let channels = new.mean.len();
        self.statistics.mean.resize(channels, 0.0);
        self.statistics.variance.resize(channels, 0.0);
        let update = |old: &mut [f64], new: &[f64]| {
            old.iter_mut().zip(new).for_each(|(old, new)| *old = *old * (1.0 - share) + new * share);
        };
        update(&mut self.statistics.mean, &new.mean);
        update(&mut self.statistics.variance, &new.variance);
    }

    fn finish(self, target: &Target) -> Result<Estimate, Refusal> {
        match self.refusal {
            // A batch in which nothing came in, or a short last one, is left out; NaN is not.
            Some(refusal) if self.batches == 0 || refusal.code == crate::refusal::Code::NotFinite => Err(refusal),
            _ => target.store(&self.statistics, self.values),
        }
    }
}
