//! The fixed-point method: passes with all statistics in place, until what comes in is what is stored.
//!
//! A pass with the statistics S in place measures M = F(S). To put M in place next would take as many
//! passes as BatchNormalizations are behind one another, and errors can grow on the way: each is measured
//! behind others that are still wrong. So that they are not, a small reference group runs node by node
//! before each pass, and shows how the moments of each BatchNormalization move when those before it get
//! their new statistics; those of all data are moved along ([`transported`]). With all data as the
//! reference that is the exact method.

use super::estimate::{Estimate, Target};
use super::methods::{Estimated, Estimation};
use super::options::FixedPoint;
use crate::engine::tap::Overrides;
use crate::refusal::Refusal;
use crate::stats::measure::{Seen, merge};
use crate::stats::{MeasureError, Moments, RunningStatistics};
use std::ops::Range;
use std::sync::Arc;

impl Estimation<'_> {
    pub(super) fn fixed_point(&self, how: FixedPoint) -> Result<Estimated, MeasureError> {
        let runs = self.probe.data().runs();
        let reference = self.groups(how.group).next().unwrap_or(0..runs);
        let (mut seen, mut of_reference) = self.first_pass(how.group)?;
        let mut passes = 1;
        loop {
            let in_place = self.next(&seen, &of_reference, reference.clone())?;
            (seen, of_reference) = self.frozen("measuring again", &in_place, 0..runs, reference.len())?;
            passes += 1;
            let residual = self.change(&in_place, &seen);
            if residual <= how.tolerance || passes >= how.max_passes {
                let estimates = self.of_place(&in_place, &seen);
                return Ok(Estimated { residual: Some(residual), ..Estimated::new(estimates, passes) });
            }
        }
    }

    /// Groups of samples that are normalised by their own statistics: near to what is wanted, with the
    /// memory of one group; also those of the first group alone. Where the model cannot be run in stages,
    /// with the statistics that it has.
    ///
    /// # Errors
    /// When the model does not run, or the data cannot be read.
    pub fn first_pass(&self, group: usize) -> Result<(Seen, Seen), MeasureError> {
        let (mut all, mut first) = (Seen::new(), Seen::new());
        let runs = self.probe.data().runs();
        if !self.probe.has_stages() {
            return self.frozen("measuring", &Overrides::default(), 0..runs, 0);
        }
        for range in self.groups(group) {
            merge(&mut all, self.group(range)?);
            if first.is_empty() {
                first.clone_from(&all);
            }
        }
        Ok((all, first))
    }

    /// What to put in place next, after a pass gave these moments, of all data and of the reference group.
    ///
    /// # Errors
    /// When the model does not run, or the data cannot be read.
    pub fn next(&self, seen: &Seen, of_reference: &Seen, reference: Range<usize>) -> Result<Overrides, MeasureError> {
        if !self.probe.has_stages() {
            return Ok(self.overrides(seen));
        }
        let settle = |tap: usize, now: &Moments| {
            let (all, before) = (seen.get(tap)?.as_ref()?, of_reference.get(tap)?.as_ref()?);
            let of = |moments| RunningStatistics::of(moments, self.variance);
            self.targets[tap].check(Some(all)).ok()?;
            let statistics = transported(&of(all), &of(before), &of(now));
            self.targets[tap].store(&statistics, 0).ok().map(|estimate| estimate.statistics)
        };
        let reached = self.sweep(reference, 0, &settle)?.overrides;
        // What the reference does not reach has nothing to be moved along with.
        let plain = self.overrides(seen);
        Ok(Arc::new(reached.iter().zip(plain.iter()).map(|(moved, plain)| moved.clone().or(plain.clone())).collect()))
    }

    /// What was in place, where it was, and could be measured.
    fn of_place(&self, in_place: &Overrides, seen: &Seen) -> Vec<Result<Estimate, Refusal>> {
        let of = |((target, place), moments): ((&Target, &Option<Arc<RunningStatistics>>), &Option<Moments>)| {
            target.estimate_in_place(place.as_deref(), moments.as_ref(), self.variance)
        };
        self.targets.iter().zip(in_place.iter()).zip(seen).map(of).collect()
    }
}

/// Statistics of all data, moved as those of a part of it have moved: by the map per channel,
/// x ↦ a·x + b, that takes the mean and the deviation of the part from `before` to `now`.
fn transported(all: &RunningStatistics, before: &RunningStatistics, now: &RunningStatistics) -> RunningStatistics {
    let channels = all.mean.len().min(before.mean.len()).min(now.mean.len());
    let (mean, variance) = (0..channels)
        .map(|channel| {
            let ratio = now.variance[channel] / before.variance[channel];
            let squared = if ratio.is_finite() && ratio > 0.0 { ratio } else { 1.0 };
            let mean = now.mean[channel] + squared.sqrt() * (all.mean[channel] - before.mean[channel]);
            (mean, squared * all.variance[channel])
        })
        .unzip();
    RunningStatistics { mean, variance }
}
