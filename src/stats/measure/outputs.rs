//! What a model computes on data.

use super::{MeasureError, Probe, Progress, reading};
use crate::data::Run;
use crate::engine::{Array, Worker};

impl Probe<'_> {
    /// Shows the outputs of all runs, in order: the number of the first sample, how many samples, and the
    /// arrays.
    ///
    /// # Errors
    /// When the model does not run, or the data cannot be read.
    pub fn outputs(
        &self,
        progress: &Progress,
        mut show: impl FnMut(usize, usize, &[Array]) + Send,
    ) -> Result<(), MeasureError> {
        let (runs, batch) = (self.data.runs(), self.data.batch_size());
        let run = |worker: &mut Worker, _, run: Run| Ok((run.rows, worker.run(&run.inputs)?));
        reading::on_runs(&mut self.workers(runs)?, self.data, 0..runs, run, |index, (rows, outputs)| {
            show(index * batch, rows, &outputs);
            progress(index + 1, runs);
        })
    }
}
