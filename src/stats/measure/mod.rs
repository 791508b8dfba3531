//! Measuring what comes into BatchNormalizations while a model runs over data.
//!
//! [`Probe::frozen`] runs each sample through, with given statistics in place. [`Probe::sweep`] runs all
//! samples side by side, BatchNormalization by BatchNormalization: each gets its statistics from all
//! samples before any goes on.

mod frozen;
mod outputs;
mod reading;
mod sweep;
mod waiting;

use super::Moments;
use crate::data::{DataError, Dataset};
use crate::engine::tap::{Overrides, Rows, Taps, Watch};
use crate::engine::{EngineError, Session, Stages, Worker};
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;
use crate::parallel::{self, ThreadError};
use std::io;
use std::sync::OnceLock;

pub use sweep::{Cost, Settle, Sweep, Swept};

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The model does not run.
    #[error("the model cannot be run, so that nothing is measured: {0}")]
    Engine(#[from] EngineError),
    /// The data cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Samples that wait do not fit on the disk.
    #[error("cannot put aside samples in the folder for temporary files (more --memory needs less of it): {0}")]
    Spill(io::Error),
    /// There is no thread for the work.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// The model cannot be interrupted.
    #[error(
        "lengths inside the model depend on the data, or a Scan holds BatchNormalizations: it cannot be run in \
         stages, only --method fixed-point measures it"
    )]
    NoStages,
}

/// What was measured, in the order of the BatchNormalizations; `None` where nothing came in.
pub type Seen = Vec<Option<Moments>>;

/// Told how many units of work are done, and of how many, by several threads.
pub type Progress<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// A model of which BatchNormalizations can be measured.
pub struct Probe<'a> {
    session: Session,
    /// Where it is interrupted, once somebody wants to know.
    stages: OnceLock<Option<Stages>>,
    data: &'a dyn Dataset,
    norms: usize,
    threads: usize,
}

impl<'a> Probe<'a> {
    /// Compiles a model in which `norms` nodes are numbered by [`ATTRIBUTE`](crate::engine::tap::ATTRIBUTE);
    /// `threads` is 0 for one per core. All arithmetic is in float32 at least.
    ///
    /// # Errors
    /// When the engine cannot run the model.
    pub fn new(
        numbered: &ModelProto,
        norms: usize,
        data: &'a dyn Dataset,
        threads: usize,
    ) -> Result<Probe<'a>, MeasureError> {
        let session = Session::compile(numbered, &data.shapes(), Some(FloatType::F32))?;
        Ok(Probe { session, stages: OnceLock::new(), data, norms, threads: parallel::threads(threads) })
    }

    /// What it measures on.
    pub fn data(&self) -> &'a dyn Dataset {
        self.data
    }

    /// How many threads do it.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Whether it can be run in stages, as [`sweep`](Self::sweep) does.
    pub fn has_stages(&self) -> bool {
        self.stages().is_some()
    }

    fn stages(&self) -> Option<&Stages> {
        self.stages.get_or_init(|| self.session.stages()).as_ref()
    }

    fn workers(&self, runs: usize) -> Result<Vec<Worker>, MeasureError> {
        (0..self.threads.min(runs).max(1)).map(|_| Ok(self.session.worker()?)).collect()
    }

    fn taps(&self, overrides: &Overrides, watch: Watch, rows: usize) -> Taps {
        let rows = Rows { data: rows, all: self.data.batch_size() };
        Taps { overrides: overrides.clone(), watch, rows, seen: Vec::new() }
    }
}

/// Adds later moments to earlier ones.
pub fn merge(all: &mut Seen, later: Seen) {
    all.resize(all.len().max(later.len()), None);
    all.iter_mut().zip(later).for_each(|(own, later)| merge_one(own, later));
}

/// The same of one BatchNormalization.
fn merge_one(own: &mut Option<Moments>, later: Option<Moments>) {
    match (own, later) {
        (Some(own), Some(later)) => own.merge(&later),
        (own, Some(later)) => *own = Some(later),
        (_, None) => {}
    }
}
