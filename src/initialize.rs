//! Insertion of BatchNormalizations whose first parameters are measured.
//!
//! **Calibrated**, they compute what comes in: nothing that follows changes, so that one pass with
//! identities in their place gives the statistics of all, exactly.
//!
//! **Standardised**, each changes what comes into those behind it. One pass measures those that have
//! no other before them, the next one those right behind them while the first are in place, and so
//! on; those that are not measured yet are identities. A last pass, with all in place, says how far
//! each is from what it sees.

use crate::batch_norm::BatchNorm;
use crate::data::Dataset;
use crate::graph::{Graph, NodeId, ScopeKind};
use crate::onnx::schema::ModelProto;
use crate::stats::{self, InPlace, MeasureError, Moments, measure};
use crate::transform::insert::{InitialValues, InsertError, InsertOptions, Inserted, Statistics, insert};
use std::collections::{BTreeSet, HashMap};

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
    /// The largest |Δμ|/σ or |Δσ|/σ between what the last pass ran with and what it measured; 0 where
    /// one pass is enough.
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
}

/// Inserts BatchNormalizations with statistics that are measured on data.
///
/// # Errors
/// Those of [`insert`] and of [`measure()`].
pub fn insert_measured(
    model: &ModelProto,
    options: &InsertOptions,
    goal: Goal,
    measuring: &Measuring,
) -> Result<(Inserted, Measured), InitializeError> {
    let values = |statistics: &Statistics| match goal {
        Goal::Calibrate => InitialValues::Calibrate(statistics.clone()),
        Goal::Standardize => InitialValues::Standardize(statistics.clone()),
    };
    let mut measured = Measured { samples: measuring.data.samples(), passes: 0, residual: 0.0 };
    let mut statistics = Statistics::new();
    // Statistics of batches would be measured otherwise.
    let running = options.clone().training(false);
    let plain = insert(model, &running)?;
    let levels = if goal == Goal::Calibrate { one_level(&plain) } else { levels(&plain)? };
    for level in &levels {
        let current = insert(model, &running.clone().values(values(&statistics)))?;
        let norms: Vec<&str> = level.iter().map(String::as_str).collect();
        statistics.extend(measure(&current.model, &norms, measuring.data, measuring.threads, measuring.progress)?);
        measured.passes += 1;
    }
    if levels.len() > 1 {
        let current = insert(model, &running.clone().values(values(&statistics)))?;
        let norms = current.report.norms();
        let seen = measure(&current.model, &norms, measuring.data, measuring.threads, measuring.progress)?;
        measured.residual = residual(&statistics, &seen);
        measured.passes += 1;
    }
    let inserted = insert(model, &options.clone().values(values(&statistics)))?;
    Ok((inserted, measured))
}

/// All new nodes at once.
fn one_level(inserted: &Inserted) -> Vec<Vec<String>> {
    let norms: Vec<String> = inserted.report.norms().into_iter().map(str::to_owned).collect();
    if norms.is_empty() { Vec::new() } else { vec![norms] }
}

/// The new nodes, by how many others are before them at most. Where there are graphs inside others,
/// or functions, each counts as behind all that are written before it.
fn levels(inserted: &Inserted) -> Result<Vec<Vec<String>>, InsertError> {
    let norms = inserted.report.norms();
    let graph = Graph::new(inserted.model.clone())?;
    if graph.nodes().any(|node| graph.scope_kind(node) != ScopeKind::Main) {
        return Ok(norms.into_iter().map(|norm| vec![norm.to_owned()]).collect());
    }
    let is_new: BTreeSet<&str> = norms.into_iter().collect();
    let mut before: HashMap<NodeId, usize> = HashMap::new();
    let mut levels: Vec<Vec<String>> = Vec::new();
    for node in graph.nodes() {
        let producers = graph.node(node).inputs.iter().flatten().filter_map(|value| graph.producer(*value));
        let level = producers.filter_map(|producer| before.get(&producer)).max().copied().unwrap_or(0);
        let name = graph.label(node);
        let counts = BatchNorm::is(&graph, node) && is_new.contains(name.as_str());
        before.insert(node, level + usize::from(counts));
        if counts {
            levels.resize(levels.len().max(level + 1), Vec::new());
            levels[level].push(name);
        }
    }
    Ok(levels)
}

/// How far statistics are from those that were in place while they were measured; 0 if there were none.
fn residual(before: &Statistics, after: &Statistics) -> f64 {
    let pairs = after.iter().filter_map(|(norm, after)| Some((before.get(norm)?, after)));
    pairs.map(|(before, after)| distance(before, after)).fold(0.0, f64::max)
}

fn distance(before: &Moments, after: &Moments) -> f64 {
    let (before, after) = (InPlace::from(before), InPlace::from(after));
    stats::residual(before.gaussians(), after.gaussians())
}
