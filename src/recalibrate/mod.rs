//! Recalibration: the running statistics of BatchNormalizations, estimated anew on data.
//!
//! What a BatchNormalization needs is the mean and the variance of what comes into it, in the network as
//! it will be when all others have their new statistics, too. Measuring all in one pass with the old ones
//! in place is wrong wherever one is behind another.
//!
//! γ, β and everything else stay as they are. The result is checked by running it: what comes in must be
//! what is stored.

mod accuracy;
mod apply;
mod batch;
mod collected;
mod estimate;
mod exact;
mod fixed_point;
mod methods;
mod norms;
mod options;
mod report;

use crate::data::Dataset;
use crate::engine::tap::Overrides;
use crate::graph::{Graph, GraphError, NodeId};
use crate::onnx::TensorError;
use crate::onnx::schema::ModelProto;
use crate::stats::{MeasureError, Probe, RunningStatistics, residual};
use crate::transform::selection::SelectionError;
use estimate::Target;
use methods::{Estimated, Estimation};
use report::Amount;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

pub use accuracy::{AccuracyError, Top1, top1};
pub use collected::{Pass, apply_collected, collect};
pub use methods::Steps;
pub use norms::numbered;
pub use options::{Average, Check, FixedPoint, Method, RecalibrateOptions};
pub use report::{NormReport, Outcome, RecalibrateReport};

/// A model with new statistics, and what was done.
#[derive(Clone, Debug)]
pub struct Recalibrated {
    /// The model.
    pub model: ModelProto,
    /// What was measured, what was left and why.
    pub report: RecalibrateReport,
}

/// Why nothing was recalibrated.
#[derive(Debug, thiserror::Error)]
pub enum RecalibrateError {
    /// The model is not a valid graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The selection is not usable.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The statistics cannot be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// A weight cannot be read, so that it is not known which model this is.
    #[error(transparent)]
    Fingerprint(TensorError),
    /// Statistics are of another model.
    #[error(
        "the statistics are of another model: its graph, weights, γ, β and ε must be the same; collect them from this one"
    )]
    OtherModel,
}

/// Estimates the running statistics of a model's BatchNormalizations on data.
///
/// # Errors
/// When the model is not a valid one, a pattern of the selection matches no BatchNormalization, the engine
/// cannot run the model, or the data cannot be read.
pub fn recalibrate(
    model: &ModelProto,
    data: &dyn Dataset,
    options: &RecalibrateOptions,
    progress: &Steps,
) -> Result<Recalibrated, RecalibrateError> {
    let start = Instant::now();
    let mut graph = Graph::new(model.clone())?;
    let found = norms::find(&graph, &options.selection)?;
    let (nodes, targets): (Vec<NodeId>, Vec<Target>) =
        norms::measured(&found).map(|(norm, target)| (norm.node, target.clone())).unzip();
    if targets.is_empty() {
        return Ok(Recalibrated {
            model: graph.into_model(),
            report: RecalibrateReport::of_none(&found, data, options),
        });
    }
    let numbered = norms::numbered(Graph::new(model.clone())?, &nodes);
    let measuring = Measuring { numbered, nodes: &nodes, targets: &targets, data, options, progress };
    let estimated = measuring.estimate()?;
    let seconds = start.elapsed().as_secs_f64();
    let residual = match estimated.residual.filter(|_| options.check == Check::Sample) {
        Some(known) => known,
        None => measuring.residual(&estimated)?,
    };
    let report = RecalibrateReport::new(&found, Amount::of(data, seconds), options, &estimated, Some(residual));
    apply::apply(&mut graph, &nodes, &estimated.estimates);
    Ok(Recalibrated { model: graph.into_model(), report })
}

/// A model that is measured before and after.
struct Measuring<'a> {
    /// The model, with its nodes numbered.
    numbered: ModelProto,
    nodes: &'a [NodeId],
    targets: &'a [Target],
    data: &'a dyn Dataset,
    options: &'a RecalibrateOptions,
    progress: &'a Steps<'a>,
}

impl Measuring<'_> {
    fn probe(&self) -> Result<Probe<'_>, MeasureError> {
        Probe::new(&self.numbered, self.nodes.len(), self.data, self.options.threads)
    }

    fn estimate(&self) -> Result<Estimated, RecalibrateError> {
        let probe = self.probe()?;
        Ok(self.estimation(&probe).run(self.options.method)?)
    }

    fn estimation<'b>(&'b self, probe: &'b Probe<'b>) -> Estimation<'b> {
        let RecalibrateOptions { variance, memory, check, .. } = *self.options;
        Estimation {
            probe,
            targets: self.targets,
            variance,
            memory,
            check,
            progress: self.progress,
            spilled: AtomicU64::new(0),
        }
    }

    /// How far what comes in, in the result, is from what is stored; or, with a sample, from what came in
    /// there while it was measured.
    fn residual(&self, estimated: &Estimated) -> Result<f64, RecalibrateError> {
        let mut graph = Graph::new(self.numbered.clone())?;
        apply::apply(&mut graph, self.nodes, &estimated.estimates);
        let probe = Probe::new(&graph.into_model(), self.nodes.len(), self.data, self.options.threads)?;
        let all = 0..self.data.runs();
        let runs = estimated.apart.as_ref().map_or(all, |(runs, _)| runs.clone());
        let (seen, _) = self.estimation(&probe).frozen("checking", &Overrides::default(), runs, 0)?;
        let mut largest: f64 = 0.0;
        for (tap, target) in self.targets.iter().enumerate() {
            let (Ok(estimate), Some(moments)) = (&estimated.estimates[tap], seen[tap].as_ref()) else { continue };
            let of = |moments| RunningStatistics::of(moments, self.options.variance);
            let before = match &estimated.apart {
                Some((_, apart)) => apart[tap].as_ref().map(of),
                None => Some(estimate.statistics.clone()),
            };
            if let Some(before) = before {
                let after = of(moments);
                largest = largest.max(residual(before.gaussians(), after.gaussians(), target.norm.epsilon));
            }
        }
        Ok(largest)
    }
}
