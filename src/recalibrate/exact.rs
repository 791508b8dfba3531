//! The exact method: one sweep over all samples.

use super::methods::{Estimated, Estimation};
use crate::engine::tap::Overrides;
use crate::stats::{MeasureError, Moments};
use std::time::Instant;

/// So many bytes of activations go to disk or back in a second: what an ordinary disk does.
const SPILL_RATE: f64 = 1e9;

/// So many passes the fixed-point method usually takes.
const USUAL_PASSES: f64 = 4.0;

impl Estimation<'_> {
    pub(super) fn exact(&self) -> Result<Estimated, MeasureError> {
        let runs = self.probe.data().runs();
        let apart = self.apart();
        let settle = |tap: usize, moments: &Moments| self.settle(tap, Some(moments));
        let swept = self.sweep(0..runs, apart, &settle)?;
        let apart = (apart > 0).then_some((0..apart, swept.apart));
        Ok(Estimated { apart, ..Estimated::new(self.estimates(&swept.moments), 1) })
    }

    /// Why the exact method cannot be used, or is slower than the other.
    pub(super) fn why_not_exact(&self) -> Result<Option<String>, MeasureError> {
        let runs = self.probe.data().runs();
        let Some(cost) = self.probe.cost(runs, self.memory) else {
            return Ok(Some("lengths inside the model depend on the data, or a Scan holds BatchNormalizations".into()));
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
