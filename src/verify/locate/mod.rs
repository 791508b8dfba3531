//! Where two models begin to differ.
//!
//! Values that ought to be the same are paired (`candidates.rs`), and both models are run up to
//! some of the pairs at a time: the ancestors of these only (`cut.rs`). Behind a pair that is the
//! same nothing is looked for, and from one that differs the search goes on before it, so that few
//! runs are needed (`search.rs`). What is returned differs while everything that it is computed from
//! is the same, as far as it has a partner. A value that was meant to change is not it: a fold
//! through a Reshape scales what goes into the Reshape, and what comes out is the same again.

mod candidates;
mod cut;
mod location;
mod search;
mod skeleton;
mod statistics;
#[cfg(test)]
mod tests;
mod touched;
mod trial;
mod walk;

pub use location::{Agreement, Algebra, Location, NodeName, Place, Statistics, ValueDifference, WorstElement};
pub use touched::{Touched, TouchedConstant};

use super::engines::runtimes;
use super::{VerifyError, VerifyOptions};
use crate::diff::{DiffError, DiffOptions, diff, matched_nodes};
use crate::engine::{Array, EngineError, Runtime, required_inputs};
use crate::onnx::schema::ModelProto;
use candidates::Candidates;
use cut::cut;
use search::{Search, Verdict};
use skeleton::Skeleton;
use trial::{Evidence, Trial};
use walk::Twins;

/// Finds the first value that differs between two models on one sample: values for the
/// [`required_inputs`] of the original, in order. Of the options
/// the tolerances, the engine (of both it is tract) and the number of threads count. `progress` is told how many pairs of values were
/// compared, and how many there are; most of them need not be.
///
/// `None` if all outputs are the same.
///
/// # Errors
/// When the models do not take or give as many values as each other, or one cannot be run.
pub fn locate(
    original: &ModelProto,
    result: &ModelProto,
    inputs: &[Array],
    options: &VerifyOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Option<Location>, VerifyError> {
    let runtimes = runtimes(options.engine, options.onnxruntime.as_deref())?;
    locate_in(&runtimes[0], [original, result], inputs, options, progress)
}

/// As [`locate`], in this engine.
pub(super) fn locate_in(
    runtime: &Runtime,
    [original, result]: [&ModelProto; 2],
    inputs: &[Array],
    options: &VerifyOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Option<Location>, VerifyError> {
    crate::onnx::check(original).map_err(|error| VerifyError::Original(error.into()))?;
    crate::onnx::check(result).map_err(|error| VerifyError::Result(error.into()))?;
    let models = [original, result];
    expect_same_counts(models)?;
    let graphs = [&Skeleton::new(original), &Skeleton::new(result)];
    let nodes = matched_nodes(original, result).map_err(unreadable)?;
    let candidates = Candidates::new(graphs, &nodes);
    let trial = Trial::new(runtime, models, graphs, inputs, options);
    let run = |pairs: &[usize]| {
        let pairs: Vec<_> = pairs.iter().map(|pair| candidates.pairs[*pair]).collect();
        trial.run(&pairs)
    };
    let mut search = Search::new(Twins { graphs, candidates: &candidates }, &run, progress);
    let Some(found) = search.first()? else { return Ok(None) };
    describe(models, &search, found).map(Some)
}

fn expect_same_counts(models: [&ModelProto; 2]) -> Result<(), VerifyError> {
    let inputs = models.map(|model| required_inputs(model).count());
    let outputs = models.map(|model| model.graph.as_ref().map_or(0, |graph| graph.output.len()));
    for (what, [original, result]) in [("inputs", inputs), ("outputs", outputs)] {
        if original != result {
            let (original, result) = (original.to_string(), result.to_string());
            return Err(VerifyError::Signature { what: format!("number of {what}"), original, result });
        }
    }
    Ok(())
}

fn describe(models: [&ModelProto; 2], search: &Search, found: usize) -> Result<Location, VerifyError> {
    let Twins { graphs, candidates } = &search.twins;
    let agreeing = search.agreeing(found);
    let parts = [0, 1].map(|side| {
        let inputs: Vec<_> = agreeing.iter().map(|pair| candidates.pairs[*pair][side]).collect();
        cut(models[side], graphs[side], &inputs, &[candidates.pairs[found][side]])
    });
    let changes = diff(&parts[0], &parts[1], &DiffOptions::default()).map_err(unreadable)?;
    let name = |side: usize, pair: usize| graphs[side].name(candidates.pairs[pair][side]).to_string();
    let agreement = |pair: usize| {
        let (max_rel, f64) = match search.verdicts[pair] {
            Verdict::Same(max_rel, f64) => (max_rel, f64),
            _ => (0.0, None),
        };
        Agreement { original: name(0, pair), result: name(1, pair), max_rel, f64 }
    };
    let Verdict::Differs(evidence) = &search.verdicts[found] else {
        let what = "what was found to differ does not".into();
        return Err(VerifyError::Original(EngineError::Graph { what }));
    };
    let Evidence { statistics: [original, result], difference } = (**evidence).clone();
    let place = |side: usize, statistics| Place {
        value: name(side, found),
        node: graphs[side].maker(candidates.pairs[found][side]).map(|node| NodeName::of(&graphs[side].nodes[node])),
        statistics,
    };
    Ok(Location {
        original: place(0, original),
        result: place(1, result),
        is_output: candidates.outputs.contains(&found),
        difference,
        agreeing: agreeing.into_iter().map(agreement).collect(),
        touched: touched::touched(&changes, [&parts[0], &parts[1]]),
        changes,
        candidates: candidates.pairs.len() - candidates.inputs,
        compared: search.compared,
    })
}

fn unreadable(DiffError::Tensor(error): DiffError) -> VerifyError {
    VerifyError::original(error.into())
}
