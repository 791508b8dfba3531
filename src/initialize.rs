//! Insertion of BatchNormalizations whose first parameters are measured.
//!
//! **Calibrated**, they compute what comes in: nothing that follows changes, so that one pass with
//! identities in their place gives the statistics of all, exactly.
//!
//! **Standardised**, each changes what comes into those behind it. All samples run side by side, and each
//! gets its statistics before any goes on. Another pass, with all in place, says how far each is from what
//! it sees.

use crate::batch_norm::BatchNorm;
use crate::data::Dataset;
use crate::engine::tap::Overrides;
use crate::graph::{Graph, GraphError, NodeId};
use crate::onnx::schema::ModelProto;
use crate::recalibrate::numbered;
use crate::stats::measure::{Seen, Sweep};
use crate::stats::{MeasureError, Moments, Probe, RunningStatistics, Variance, residual};
use crate::transform::insert::{InitialValues, InsertError, InsertOptions, Inserted, Statistics, insert};
use std::collections::HashMap;
use std::sync::Arc;

/// What is done with the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The BatchNormalizations compute what comes in.
    Calibrate,
    /// They make mean 0 and variance 1 of it.
    Standardize,
}

/// How statistics are measured.
pub struct Measuring<'a> {
    /// What is measured on.
    pub data: &'a dyn Dataset,
    /// How many threads to use; 0 for all.
    pub threads: usize,
    /// How many bytes activations that wait may take in memory.
    pub memory: u64,
    /// Told how many samples of a pass are done, and of how many, by several threads.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// What statistics were measured of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// How many samples.
    pub samples: usize,
    /// How often they were run.
    pub passes: usize,
    /// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) between what the last pass ran with and what it measured;
    /// 0 where one pass is enough.
    pub residual: f64,
}

/// Why nothing was inserted.
#[derive(Debug, thiserror::Error)]
pub enum InitializeError {
    /// Nothing can be inserted.
    #[error(transparent)]
    Insert(#[from] InsertError),
    /// The statistics cannot be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// Nothing came into a BatchNormalization: it is in a branch that was not taken, or a function.
    #[error("nothing comes into `{norm}` on this data")]
    Unseen {
        /// The BatchNormalization.
        norm: String,
    },
    /// What came in is not finite.
    #[error("what comes into `{norm}` on this data is not finite")]
    NotFinite {
        /// The BatchNormalization.
        norm: String,
    },
}

impl From<GraphError> for InitializeError {
    fn from(error: GraphError) -> Self {
        InitializeError::Insert(error.into())
    }
}

/// Inserts BatchNormalizations with statistics that are measured on data.
///
/// # Errors
/// Those of [`insert`]; when the model does not run, the data cannot be read, or one of the nodes sees
/// nothing, or something that is not finite.
pub fn insert_measured(
    model: &ModelProto,
    options: &InsertOptions,
    goal: Goal,
    measuring: &Measuring,
) -> Result<(Inserted, Measured), InitializeError> {
    let mut measured = Measured { samples: measuring.data.samples(), passes: 0, residual: 0.0 };
    // Statistics of batches would be measured otherwise.
    let plain = insert(model, &options.clone().training(false))?;
    let norms = plain.report.norms();
    if norms.is_empty() {
        return Ok((insert(model, options)?, measured));
    }
    let probe = probe(&plain.model, &norms, measuring)?;
    let seen = match goal {
        Goal::Calibrate => measuring.frozen(&probe, &Overrides::default())?,
        Goal::Standardize => measuring.in_order(&probe)?,
    };
    measured.passes = 1;
    if goal == Goal::Standardize {
        let before = overrides(&seen);
        let after = overrides(&measuring.frozen(&probe, &before)?);
        measured.residual = largest(&before, &after, options.epsilon_of_norms());
        measured.passes += 1;
    }
    let statistics = statistics(&norms, seen)?;
    let values = match goal {
        Goal::Calibrate => InitialValues::Calibrate(statistics),
        Goal::Standardize => InitialValues::Standardize(statistics),
    };
    Ok((insert(model, &options.clone().values(values))?, measured))
}

/// The model with its new nodes ready to be measured, in this order.
fn probe<'a>(model: &ModelProto, norms: &[&str], measuring: &Measuring<'a>) -> Result<Probe<'a>, InitializeError> {
    let graph = Graph::new(model.clone())?;
    let is_norm = |node: &NodeId| BatchNorm::is(&graph, *node);
    let nodes: HashMap<String, NodeId> = graph.nodes().filter(is_norm).map(|node| (graph.label(node), node)).collect();
    let nodes: Vec<NodeId> = norms.iter().filter_map(|norm| nodes.get(*norm).copied()).collect();
    let numbered = numbered(graph, &nodes);
    Ok(Probe::new(&numbered, nodes.len(), measuring.data, measuring.threads)?)
}

impl Measuring<'_> {
    fn frozen(&self, probe: &Probe, overrides: &Overrides) -> Result<Seen, MeasureError> {
        Ok(probe.frozen(overrides, 0..self.data.runs(), 0, self.progress)?.0)
    }

    /// Each with those before it in place; where the model cannot be run in stages, by passes: one more of
    /// them is right after each.
    fn in_order(&self, probe: &Probe) -> Result<Seen, MeasureError> {
        let settle = |_: usize, moments: &Moments| Some(RunningStatistics::of(moments, Variance::Population));
        let how = Sweep { memory: self.memory, settle: &settle, apart: 0 };
        match probe.sweep(0..self.data.runs(), &how, self.progress) {
            Ok(swept) => Ok(swept.moments),
            Err(MeasureError::NoStages) => {
                let mut seen = self.frozen(probe, &Overrides::default())?;
                for _ in 1..seen.len() {
                    seen = self.frozen(probe, &overrides(&seen))?;
                }
                Ok(seen)
            }
            Err(error) => Err(error),
        }
    }
}

/// What these moments make the model normalise by.
fn overrides(seen: &Seen) -> Overrides {
    let of = |moments: &Moments| Arc::new(RunningStatistics::of(moments, Variance::Population));
    Arc::new(seen.iter().map(|moments| moments.as_ref().map(of)).collect())
}

fn largest(before: &Overrides, after: &Overrides, epsilon: f64) -> f64 {
    let pairs = before.iter().zip(after.iter()).filter_map(|(before, after)| before.as_ref().zip(after.as_ref()));
    pairs.map(|(before, after)| residual(before.gaussians(), after.gaussians(), epsilon)).fold(0.0, f64::max)
}

fn statistics(norms: &[&str], seen: Seen) -> Result<Statistics, InitializeError> {
    let checked = |(norm, moments): (&&str, Option<Moments>)| {
        let norm = (*norm).to_owned();
        match moments {
            None => Err(InitializeError::Unseen { norm }),
            Some(moments) if !moments.are_finite() => Err(InitializeError::NotFinite { norm }),
            Some(moments) => Ok((norm, moments)),
        }
    };
    norms.iter().zip(seen).map(checked).collect()
}
