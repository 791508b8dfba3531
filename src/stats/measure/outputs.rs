//! What a model computes on data.

use super::parallel;
use super::{MeasureError, Progress};
use crate::data::Dataset;
use crate::engine::{Array, Session, Worker};
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;

/// A model that is run over data.
pub struct Runner<'a> {
    session: Session,
    data: &'a dyn Dataset,
    threads: usize,
}

impl<'a> Runner<'a> {
    /// Compiles a model; `threads` is 0 for one per core. All arithmetic is in float32 at least.
    ///
    /// # Errors
    /// When the engine cannot run the model.
    pub fn new(model: &ModelProto, data: &'a dyn Dataset, threads: usize) -> Result<Runner<'a>, MeasureError> {
        let session = Session::compile(model, &data.shapes(), Some(FloatType::F32))?;
        Ok(Runner { session, data, threads: parallel::threads(threads) })
    }

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
        let workers: Result<Vec<Worker>, _> =
            (0..self.threads.min(runs).max(1)).map(|_| self.session.worker()).collect();
        let run = |worker: &mut Worker, _, run: crate::data::Run| Ok((run.rows, worker.run(&run.inputs)?));
        parallel::on_runs(&mut workers?, self.data, 0..runs, run, |index, (rows, outputs)| {
            show(index * batch, rows, &outputs);
            progress(index + 1, runs);
        })
    }
}
