//! Statistics that are measured in parts, on many machines: one pass at a time.
//!
//! Each pass of each part is a [`Collection`]; those of one pass are merged, and the next pass begins with
//! the result. What is in place in it is computed from that and from a reference group, the same for all
//! parts, so that all parts of a pass run with the same statistics.

use super::estimate::{Estimate, Target};
use super::methods::Steps;
use super::norms::Norm;
use super::report::RecalibrateReport;
use super::{Measuring, RecalibrateError, RecalibrateOptions, Recalibrated, apply, norms};
use crate::data::Dataset;
use crate::engine::tap::Overrides;
use crate::graph::{Graph, NodeId};
use crate::onnx::schema::ModelProto;
use crate::refusal::{Code, Refusal};
use crate::stats::measure::Seen;
use crate::stats::{Collection, Header, Method, Moments, NormStatistics, Probe, fingerprint};
use std::collections::HashMap;
use std::sync::Arc;

/// One pass over a part of the data.
pub struct Pass<'a> {
    /// The part.
    pub data: &'a dyn Dataset,
    /// The reference group: the first samples of all data, the same for all parts.
    pub reference: &'a dyn Dataset,
    /// What the pass before it gave, all parts merged; nothing in the first pass.
    pub previous: Option<&'a Collection>,
    /// How many samples a group of the first pass has.
    pub group: usize,
}

/// Makes one pass. The header still lacks shards and data.
///
/// # Errors
/// When the model is not a valid one, the previous statistics are of another one, the engine cannot run the
/// model, or the data cannot be read.
pub fn collect(
    model: &ModelProto,
    pass: &Pass,
    options: &RecalibrateOptions,
    progress: &Steps,
) -> Result<Collection, RecalibrateError> {
    let graph = Graph::new(model.clone())?;
    let found = norms::find(&graph, &options.selection)?;
    let (names, (nodes, targets)): (Vec<String>, (Vec<NodeId>, Vec<Target>)) =
        norms::measured(&found).map(|(norm, target)| (norm.name.clone(), (norm.node, target.clone()))).unzip();
    let model_hash = fingerprint(model).map_err(RecalibrateError::Fingerprint)?;
    let previous = pass.previous.map(|previous| Previous::new(previous, &model_hash, &names)).transpose()?;
    let group = previous.as_ref().and_then(|previous| previous.group).unwrap_or(pass.group);
    let numbered = norms::numbered(graph, &nodes);
    let on = |data| Measuring { numbered: numbered.clone(), nodes: &nodes, targets: &targets, data, options, progress };
    let measuring = on(pass.data);
    let probe = measuring.probe()?;
    let estimation = measuring.estimation(&probe);
    let (seen, in_place) = match &previous {
        None => (estimation.first_pass(group)?.0, None),
        Some(previous) => {
            let reference = on(pass.reference);
            let in_place = previous.next(&reference, &reference.probe()?, group)?;
            let (seen, _) = estimation.frozen("measuring", &in_place, 0..pass.data.runs(), 0)?;
            (seen, Some(in_place))
        }
    };
    let header = Header {
        tool: env!("CARGO_PKG_VERSION").into(),
        model: model_hash,
        method: Method::FixedPoint,
        pass: previous.map_or(1, |previous| previous.pass + 1),
        group: Some(group),
        shards: Vec::new(),
        data: Vec::new(),
        samples: pass.data.samples() as u64,
    };
    Ok(Collection { header, norms: statistics(&names, &targets, seen, in_place.as_ref()) })
}

/// What a pass begins with.
struct Previous {
    seen: Seen,
    in_place: Option<Overrides>,
    pass: u32,
    group: Option<usize>,
}

impl Previous {
    fn new(previous: &Collection, model: &str, names: &[String]) -> Result<Previous, RecalibrateError> {
        check(previous, model)?;
        let by_name = by_name(previous);
        let norms: Vec<Option<&NormStatistics>> =
            names.iter().map(|name| by_name.get(name.as_str()).copied()).collect();
        let seen = norms.iter().map(|norm| Some(norm.as_ref()?.moments.clone())).collect();
        let in_place = |norm: &Option<&NormStatistics>| Some(Arc::new(norm.as_ref()?.in_place.clone()?));
        let in_place: Vec<_> = norms.iter().map(in_place).collect();
        let in_place = in_place.iter().any(Option::is_some).then(|| Arc::new(in_place));
        Ok(Previous { seen, in_place, pass: previous.header.pass, group: previous.header.group })
    }

    /// What is in place in the next pass.
    fn next(&self, reference: &Measuring, probe: &Probe, group: usize) -> Result<Overrides, RecalibrateError> {
        let estimation = reference.estimation(probe);
        let runs = 0..reference.data.runs();
        let before = match &self.in_place {
            None => estimation.first_pass(group)?.0,
            Some(in_place) => estimation.frozen("reference", in_place, runs.clone(), 0)?.0,
        };
        Ok(estimation.next(&self.seen, &before, runs)?)
    }
}

fn check(collection: &Collection, model: &str) -> Result<(), RecalibrateError> {
    if collection.header.model == model { Ok(()) } else { Err(RecalibrateError::OtherModel) }
}

fn by_name(collection: &Collection) -> HashMap<&str, &NormStatistics> {
    collection.norms.iter().map(|norm| (norm.name.as_str(), norm)).collect()
}

/// What was measured of each, and what was in place. What saw nothing has no numbers; what is not finite is
/// left out.
fn statistics(names: &[String], targets: &[Target], seen: Seen, in_place: Option<&Overrides>) -> Vec<NormStatistics> {
    let of = |(tap, (name, target)): (usize, (&String, &Target))| {
        let moments = seen[tap].clone().unwrap_or_else(|| Moments::new(target.norm.channels()));
        let is_finite = moments.channels.iter().all(|moment| moment.mean.is_finite() && moment.m2.is_finite());
        let current = || target.current();
        let in_place = in_place.map(|all| all[tap].as_deref().cloned().unwrap_or_else(current));
        is_finite.then(|| NormStatistics { name: name.clone(), moments, in_place, epsilon: target.norm.epsilon })
    };
    names.iter().zip(targets).enumerate().filter_map(of).collect()
}

/// Writes statistics into a model: those that were in place in the last pass, of which it is known how far
/// what came in is from them; after a first pass alone, those that it measured.
///
/// # Errors
/// When the model is not a valid one, the statistics are of another one, or a pattern of the selection
/// matches no BatchNormalization.
pub fn apply_collected(
    model: &ModelProto,
    collection: &Collection,
    options: &RecalibrateOptions,
) -> Result<Recalibrated, RecalibrateError> {
    check(collection, &fingerprint(model).map_err(RecalibrateError::Fingerprint)?)?;
    let mut graph = Graph::new(model.clone())?;
    let found = norms::find(&graph, &options.selection)?;
    let by_name = by_name(collection);
    let estimate = |norm: &Norm, target| estimate(target, by_name.get(norm.name.as_str()).copied(), options);
    let (nodes, estimates): (Vec<NodeId>, Vec<_>) =
        norms::measured(&found).map(|(norm, target)| (norm.node, estimate(norm, target))).unzip();
    apply::apply(&mut graph, &nodes, &estimates);
    let report = RecalibrateReport::of_collection(&found, collection, options, estimates);
    Ok(Recalibrated { model: graph.into_model(), report })
}

fn estimate(target: &Target, norm: Option<&NormStatistics>, options: &RecalibrateOptions) -> Result<Estimate, Refusal> {
    let missing = || Refusal::new(Code::NotReached, "the statistics have nothing of it");
    let norm = norm.ok_or_else(missing)?;
    target.estimate_in_place(norm.in_place.as_ref(), Some(&norm.moments), options.variance)
}
