//! One pass over the data with all statistics in place.

use super::{MeasureError, Probe, Progress, Seen, merge, reading};
use crate::engine::tap::{Overrides, Watch};
use std::ops::Range;

impl Probe<'_> {
    /// Runs these runs one after the other and measures every BatchNormalization, while they normalise by
    /// `overrides` or, where that has none, by their own statistics. The second result is of the first
    /// `apart` runs alone.
    ///
    /// # Errors
    /// When the model does not run, or the data cannot be read.
    pub fn frozen(
        &self,
        overrides: &Overrides,
        runs: Range<usize>,
        apart: usize,
        progress: &Progress,
    ) -> Result<(Seen, Seen), MeasureError> {
        let mut all: Seen = vec![None; self.norms];
        let mut first = all.clone();
        let total = runs.len();
        let mut workers = self.workers(total)?;
        reading::on_runs(
            &mut workers,
            self.data,
            runs,
            |worker, _, run| {
                let mut taps = self.taps(overrides, Watch::All, run.rows);
                worker.run_tapped(&run.inputs, &mut taps)?;
                Ok(taps.seen)
            },
            |index, seen| {
                merge(&mut all, seen);
                if index + 1 == apart {
                    first.clone_from(&all);
                }
                progress(index + 1, total);
            },
        )?;
        Ok((all, first))
    }
}
