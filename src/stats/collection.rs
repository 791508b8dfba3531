//! Statistics of all BatchNormalizations of a model, and what they are statistics of.

use super::RunningStatistics;
use super::gaussians::Gaussians;
use super::moments::Moments;
use super::residual::residual;
use crate::data::Manifest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What was measured in one pass over data, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// What the statistics are of.
    pub header: Header,
    /// One per BatchNormalization, in graph order.
    pub norms: Vec<NormStatistics>,
}

/// What statistics are of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the tool that measured or merged them.
    pub tool: String,
    /// The [fingerprint](super::fingerprint()) of the model.
    pub model: String,
    /// How they are measured.
    pub method: Method,
    /// The number of the pass, from 1.
    pub pass: u32,
    /// How many samples were normalised by their own statistics together, if they were.
    pub group: Option<usize>,
    /// The parts of the data that were seen.
    pub shards: Vec<ShardId>,
    /// The data.
    pub data: Vec<Manifest>,
    /// How many samples were seen.
    pub samples: u64,
}

/// How statistics are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Node by node: each with all before it in place.
    Exact,
    /// In passes with those of the pass before in place.
    FixedPoint,
    /// In groups that are normalised by their own statistics.
    Batch,
}

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShardId {
    /// Which manifest of [`Header::data`] it is a part of.
    pub data: usize,
    /// Which part, from 0.
    pub index: usize,
    /// How many parts there are.
    pub of: usize,
}

/// What was measured of one BatchNormalization.
#[derive(Clone, Debug, PartialEq)]
pub struct NormStatistics {
    /// Its name.
    pub name: String,
    /// The moments of its input.
    pub moments: Moments,
    /// What it normalised by meanwhile; nothing if that were the statistics of each group.
    pub in_place: Option<RunningStatistics>,
    /// Its ε.
    pub epsilon: f64,
}

/// What contradicts itself in a collection.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Inconsistent {
    /// Two have one name.
    #[error("there are two BatchNormalizations `{0}`")]
    Twice(String),
    /// Numbers that are none, or variances below 0.
    #[error("the statistics of `{0}` are not finite, or a variance is negative")]
    Number(String),
    /// What was in place has other channels.
    #[error("`{0}` has not as many channels in all its statistics")]
    Channels(String),
    /// A part of data that is not there, or a part that is none.
    #[error("shard {0} is no part of its data")]
    Shard(ShardId),
}

impl Collection {
    /// Checks what all code may rely on.
    ///
    /// # Errors
    /// What contradicts itself.
    pub fn check(&self) -> Result<(), Inconsistent> {
        let mut names = BTreeSet::new();
        let twice = self.norms.iter().find(|norm| !names.insert(&norm.name));
        twice.map_or(Ok(()), |norm| Err(Inconsistent::Twice(norm.name.clone())))?;
        self.norms.iter().try_for_each(NormStatistics::check)?;
        let is_part = |shard: &ShardId| shard.data < self.header.data.len() && shard.index < shard.of;
        let wrong = self.header.shards.iter().find(|shard| !is_part(shard));
        wrong.map_or(Ok(()), |shard| Err(Inconsistent::Shard(*shard)))
    }

    /// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) of all channels between what was in place and what was measured;
    /// nothing where something was normalised by its own statistics.
    pub fn residual(&self) -> Option<f64> {
        self.worst().map(|(_, residual)| residual)
    }

    /// The BatchNormalization with the largest residual, and that.
    pub fn worst(&self) -> Option<(&str, f64)> {
        let residuals = self.norms.iter().map(|norm| Some((norm.name.as_str(), norm.residual()?)));
        let residuals = residuals.collect::<Option<Vec<_>>>()?;
        residuals.into_iter().reduce(|worst, next| if next.1 > worst.1 { next } else { worst })
    }
}

impl NormStatistics {
    fn check(&self) -> Result<(), Inconsistent> {
        let moments = self.moments.channels.iter();
        let all = moments
            .map(|moment| (moment.mean, moment.m2))
            .chain(self.in_place.iter().flat_map(RunningStatistics::pairs));
        if !all.into_iter().all(|(mean, squares)| mean.is_finite() && squares.is_finite() && squares >= 0.0) {
            return Err(Inconsistent::Number(self.name.clone()));
        }
        let channels = self.moments.channels.len();
        let fits = |place: &RunningStatistics| place.mean.len() == channels && place.variance.len() == channels;
        if self.in_place.as_ref().is_none_or(fits) { Ok(()) } else { Err(Inconsistent::Channels(self.name.clone())) }
    }

    /// As [`Collection::residual`], of this one. Channels that saw nothing do not count.
    pub fn residual(&self) -> Option<f64> {
        let seen = |values: &[f64]| -> Vec<f64> {
            let moments = self.moments.channels.iter().zip(values);
            moments.filter(|(moment, _)| moment.count > 0).map(|(_, value)| *value).collect()
        };
        let place = self.in_place.as_ref()?;
        let [mean, variance] = [seen(&place.mean), seen(&place.variance)];
        let [means, variances] = [seen(&self.moments.means()), seen(&self.moments.variances())];
        Some(residual(Gaussians::new(&mean, &variance), Gaussians::new(&means, &variances), self.epsilon))
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index.saturating_add(1), self.of)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Method::Exact => "exact",
            Method::FixedPoint => "fixed-point",
            Method::Batch => "batch",
        })
    }
}
