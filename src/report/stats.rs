//! What `stats` tells of files of statistics.

use crate::stats::{Collection, Coverage, Header, Manifest, Method, NormStatistics};
use serde::Serialize;

/// What statistics are of.
#[derive(Serialize)]
pub struct StatisticsOf<'a> {
    /// The fingerprint of the model.
    pub model: &'a str,
    /// The version of the tool that measured or merged them.
    pub tool: &'a str,
    /// How they are measured.
    pub method: Method,
    /// The number of the pass.
    pub pass: u32,
    /// The size of groups that were normalised by their own statistics, if there were any.
    pub group: Option<usize>,
    /// How many samples were seen.
    pub samples: u64,
    /// The data, and how much of it was seen.
    pub data: Vec<SeenData<'a>>,
    /// Whether all of it was.
    pub complete: bool,
    /// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) between what was in place and what was measured, if anything was.
    pub residual: Option<f64>,
    /// The BatchNormalization that it is of.
    pub worst: Option<&'a str>,
}

/// One dataset.
#[derive(Serialize)]
pub struct SeenData<'a> {
    /// What it is.
    #[serde(flatten)]
    pub manifest: &'a Manifest,
    /// How much of it was seen.
    #[serde(flatten)]
    pub coverage: Coverage,
}

impl<'a> StatisticsOf<'a> {
    fn new(collection: &'a Collection) -> Self {
        let Header { model, tool, method, pass, group, samples, data, .. } = &collection.header;
        let seen = data.iter().zip(collection.header.coverage());
        let worst = collection.worst();
        StatisticsOf {
            model,
            tool,
            method: *method,
            pass: *pass,
            group: *group,
            samples: *samples,
            data: seen.map(|(manifest, coverage)| SeenData { manifest, coverage }).collect(),
            complete: collection.header.is_complete(),
            residual: worst.map(|(_, residual)| residual),
            worst: worst.map(|(name, _)| name),
        }
    }
}

/// What `stats merge` did.
#[derive(Serialize)]
pub struct MergeSummary<'a> {
    /// The file that was written.
    pub written: String,
    /// How many files were merged.
    pub parts: usize,
    /// How many BatchNormalizations there are statistics of.
    pub norms: usize,
    /// The tolerance of the residual, if one was asked for.
    pub tolerance: Option<f64>,
    /// Whether the residual is within it.
    pub converged: Option<bool>,
    /// What the merged statistics are of.
    #[serde(flatten)]
    pub of: StatisticsOf<'a>,
}

impl<'a> MergeSummary<'a> {
    /// Of so many parts that were merged and written.
    pub fn new(merged: &'a Collection, parts: usize, tolerance: Option<f64>, written: String) -> Self {
        let of = StatisticsOf::new(merged);
        let is_within = |tolerance: f64| of.residual.is_some_and(|residual| residual <= tolerance);
        MergeSummary { written, parts, norms: merged.norms.len(), tolerance, converged: tolerance.map(is_within), of }
    }
}

/// What `stats show` found.
#[derive(Serialize)]
pub struct StatisticsSummary<'a> {
    /// The file.
    pub file: String,
    /// What the statistics are of.
    #[serde(flatten)]
    pub of: StatisticsOf<'a>,
    /// The BatchNormalizations that were asked for.
    pub norms: Vec<ShownNorm<'a>>,
}

/// The statistics of one BatchNormalization, in short.
#[derive(Serialize)]
pub struct ShownNorm<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many channels it has.
    pub channels: usize,
    /// How many numbers the channels saw, the fewest and the most; nothing if it has no channels.
    pub count: Option<[u64; 2]>,
    /// The least and the largest mean of channels that saw some.
    pub mean: Option<[f64; 2]>,
    /// The least and the largest standard deviation of them, of the population.
    pub deviation: Option<[f64; 2]>,
    /// How far they are from what was in place.
    pub residual: Option<f64>,
}

impl<'a> StatisticsSummary<'a> {
    /// Of the BatchNormalizations whose names are shown.
    pub fn new(file: String, collection: &'a Collection, is_shown: impl Fn(&str) -> bool) -> Self {
        let shown = collection.norms.iter().filter(|norm| is_shown(&norm.name));
        StatisticsSummary { file, of: StatisticsOf::new(collection), norms: shown.map(ShownNorm::new).collect() }
    }
}

impl<'a> ShownNorm<'a> {
    fn new(norm: &'a NormStatistics) -> Self {
        let channels = &norm.moments.channels;
        let counts = || channels.iter().map(|moment| moment.count);
        let seen = || channels.iter().filter(|moment| moment.count > 0);
        ShownNorm {
            name: &norm.name,
            channels: channels.len(),
            count: counts().min().zip(counts().max()).map(<[u64; 2]>::from),
            mean: range(seen().map(|moment| moment.mean)),
            deviation: range(seen().filter_map(|moment| moment.variance()).map(f64::sqrt)),
            residual: norm.residual(),
        }
    }
}

/// The least and the largest of some numbers; nothing of none.
fn range(numbers: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    let ranges = numbers.map(|number| [number; 2]);
    ranges.reduce(|all, next| [all[0].min(next[0]), all[1].max(next[1])])
}
