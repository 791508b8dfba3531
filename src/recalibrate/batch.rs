//! Batches that are normalised by their own statistics, as in training, and averages over them.

use super::estimate::{Estimate, Target};
use super::methods::{Estimated, Estimation};
use super::options::Average;
use crate::refusal::{Code, Refusal};
use crate::stats::{MeasureError, Moments, RunningStatistics, Variance};

impl Estimation<'_> {
    pub(super) fn batch(&self, size: usize, average: Average) -> Result<Estimated, MeasureError> {
        let mut averages: Vec<Running> = self.targets.iter().map(|_| Running::default()).collect();
        for range in self.groups(size) {
            let seen = self.group(range)?;
            for ((running, target), moments) in averages.iter_mut().zip(self.targets).zip(&seen) {
                running.add(target, moments.as_ref(), self.variance, average);
            }
        }
        let finished = averages.into_iter().zip(self.targets).map(|(running, target)| running.finish(target));
        Ok(Estimated::new(finished.collect(), 1))
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
            Some(refusal) if self.batches == 0 || refusal.code == Code::NotFinite => Err(refusal),
            _ => target.store(&self.statistics, self.values),
        }
    }
}
