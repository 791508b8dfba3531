//! All samples side by side: nobody goes on before a BatchNormalization has its statistics.

use super::waiting::{Waiting, slots};
use super::{MeasureError, Probe, Progress, Seen, merge_one, reading};
use crate::data::Run;
use crate::engine::tap::{Overrides, Taps, Watch};
use crate::engine::{Paused, Stages, Worker};
use crate::parallel;
use crate::stats::{Moments, RunningStatistics};
use std::ops::Range;
use std::sync::Arc;

/// Makes statistics of moments.
pub type Settle<'a> = dyn Fn(usize, &Moments) -> Option<RunningStatistics> + Sync + 'a;

/// How to run a sweep.
pub struct Sweep<'a> {
    /// How many bytes samples that wait may take in memory.
    pub memory: u64,
    /// What a BatchNormalization gets that has these moments, by its place in the order; `None` leaves it
    /// its own.
    pub settle: &'a Settle<'a>,
    /// How many runs, from the first on, are measured by themselves too.
    pub apart: usize,
}

/// What a sweep found.
pub struct Swept {
    /// What came into each BatchNormalization while those before it had their new statistics.
    pub moments: Seen,
    /// The same of the first runs alone.
    pub apart: Seen,
    /// What they normalise by now.
    pub overrides: Overrides,
    /// How many bytes went to disk.
    pub spilled: u64,
}

/// What a sweep costs, known before it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How many bytes one run takes at most while it waits.
    pub bytes: u64,
    /// How many bytes go to disk.
    pub spilled: u64,
}

impl Probe<'_> {
    /// What a sweep over so many runs would cost with so much memory; `None` if the model cannot be run in
    /// stages.
    pub fn cost(&self, runs: usize, memory: u64) -> Option<Cost> {
        let stages = self.stages()?;
        let bytes = (0..stages.count()).map(|stage| stages.bytes(stage));
        let largest = stages.largest();
        let fits = largest.saturating_mul(runs as u64) <= memory;
        let on_disk = if fits { 0 } else { (runs as u64).saturating_sub(slots(largest, memory)) };
        Some(Cost { bytes: largest, spilled: bytes.map(|bytes| bytes.saturating_mul(on_disk)).sum() })
    }

    /// Runs these runs side by side. Each BatchNormalization gets its statistics from all of them, in the
    /// network in which all before it have theirs.
    ///
    /// # Errors
    /// When the model does not run, or not in stages, the data cannot be read, or there is no room for samples that wait.
    pub fn sweep(&self, runs: Range<usize>, how: &Sweep, progress: &Progress) -> Result<Swept, MeasureError> {
        let stages = self.stages().ok_or(MeasureError::NoStages)?;
        let count = self.norms;
        let swept = Swept {
            moments: vec![None; count],
            apart: vec![None; count],
            overrides: Arc::new(vec![None; count]),
            spilled: 0,
        };
        let waiting = Waiting::new(runs.len(), stages.largest(), how.memory);
        let rows = self.rows(&runs);
        let mut underway = Underway { probe: self, how, progress, stages, runs, rows, waiting, swept };
        let mut workers = self.workers(underway.runs.len())?;
        for stage in 0..stages.count() {
            underway.advance(&mut workers, stage)?;
        }
        underway.swept.spilled = underway.waiting.spilled();
        Ok(underway.swept)
    }

    /// How many samples each run holds.
    fn rows(&self, runs: &Range<usize>) -> Vec<usize> {
        let batch = self.data.batch_size();
        runs.clone().map(|run| batch.min(self.data.samples().saturating_sub(run * batch))).collect()
    }
}

struct Underway<'a> {
    probe: &'a Probe<'a>,
    how: &'a Sweep<'a>,
    progress: &'a Progress<'a>,
    stages: &'a Stages,
    runs: Range<usize>,
    rows: Vec<usize>,
    waiting: Waiting,
    swept: Swept,
}

impl Underway<'_> {
    /// Brings all samples to the end of a stage, and gives the BatchNormalizations there their statistics.
    fn advance(&mut self, workers: &mut [Worker], stage: usize) -> Result<(), MeasureError> {
        let measured = self.move_all(workers, stage)?;
        self.waiting.finish(stage);
        if self.stages.ends_at_norm(stage) {
            self.settle(self.stages.taps(stage)[0], measured);
            return Ok(());
        }
        for tap in self.stages.taps(stage).to_vec() {
            let measured = self.look_at_all(workers, stage, tap)?;
            self.settle(tap, measured);
        }
        Ok(())
    }

    /// Moves all samples to the end of a stage. What comes into a BatchNormalization there is measured while
    /// it is at hand.
    fn move_all(&self, workers: &mut [Worker], stage: usize) -> Result<Sums, MeasureError> {
        let tap = self.stages.ends_at_norm(stage).then(|| self.stages.taps(stage)[0]);
        let advance = |worker: &mut Worker, index: usize, sample: Paused| {
            let mut taps = self.taps(index);
            let sample = worker.advance(self.stages, stage, sample, &mut taps)?;
            if let Some(tap) = tap {
                worker.measure(self.stages, stage, tap, &sample, &mut taps)?;
            }
            self.waiting.put(index, stage, sample)?;
            Ok(tap.and_then(|tap| taps.seen.get_mut(tap)?.take()))
        };
        let (mut sums, runs) = (Sums::default(), self.runs.len());
        let take = |index, seen: Option<Moments>| {
            sums.add(index, seen, self.how.apart);
            (self.progress)(stage * runs + index + 1, runs * self.stages.count());
        };
        if stage == 0 {
            let begin = |worker: &mut Worker, index, run: Run| {
                let sample = worker.begin(&run.inputs)?;
                advance(worker, index, sample)
            };
            reading::on_runs(workers, self.probe.data, self.runs.clone(), begin, take)?;
        } else {
            let go_on = |worker: &mut Worker, index| advance(worker, index, self.waiting.take(index, stage)?);
            parallel::in_order(workers, runs, go_on, take)?;
        }
        Ok(sums)
    }

    /// Measures a BatchNormalization inside the node at which all samples wait.
    fn look_at_all(&self, workers: &mut [Worker], stage: usize, tap: usize) -> Result<Sums, MeasureError> {
        let look = |worker: &mut Worker, index: usize| -> Result<Option<Moments>, MeasureError> {
            let mut taps = self.taps(index);
            let measure = |sample: &Paused| Ok(worker.measure(self.stages, stage, tap, sample, &mut taps)?);
            self.waiting.show(index, stage, measure)?;
            Ok(taps.seen.get_mut(tap).and_then(Option::take))
        };
        let mut sums = Sums::default();
        parallel::in_order(workers, self.runs.len(), look, |index, seen| sums.add(index, seen, self.how.apart))?;
        Ok(sums)
    }

    fn taps(&self, index: usize) -> Taps {
        self.probe.taps(&self.swept.overrides, Watch::None, self.rows[index])
    }

    fn settle(&mut self, tap: usize, Sums { all, apart }: Sums) {
        let statistics = all.as_ref().and_then(|moments| (self.how.settle)(tap, moments));
        Arc::make_mut(&mut self.swept.overrides)[tap] = statistics.map(Arc::new);
        (self.swept.moments[tap], self.swept.apart[tap]) = (all, apart);
    }
}

/// The moments of one BatchNormalization, over all runs and over the first ones.
#[derive(Default)]
struct Sums {
    all: Option<Moments>,
    apart: Option<Moments>,
}

impl Sums {
    fn add(&mut self, index: usize, seen: Option<Moments>, apart: usize) {
        merge_one(&mut self.all, seen);
        if index + 1 == apart {
            self.apart.clone_from(&self.all);
        }
    }
}
