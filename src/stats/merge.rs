//! Merging statistics of parts of the data: what belongs together, and in which order.

use super::collection::{Collection, Header, Method, NormStatistics, ShardId};
use crate::data::Manifest;
use std::collections::BTreeMap;

/// Why collections are not merged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("there is nothing to merge")]
    Empty,
    /// Two of them do not belong together.
    #[error("parts {} and {} {conflict}", first + 1, second + 1)]
    Conflict {
        /// The place of one of them in the list, from 0.
        first: usize,
        /// The place of the other.
        second: usize,
        /// Why not.
        conflict: Conflict,
    },
}

/// Why two collections do not belong together: a sentence about them, with a remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the sentences say it all; `a` and `b` are what the one and the other have")]
pub enum Conflict {
    /// The models differ.
    #[error(
        "are of different models: collect both from one model (mean and variance of its BatchNormalizations may differ)"
    )]
    Model,
    /// The methods differ.
    #[error("were collected by different methods, {a} and {b}: collect both by the same one")]
    Method { a: Method, b: Method },
    /// The passes differ.
    #[error("are of pass {a} and pass {b}: merge the parts of one pass")]
    Pass { a: u32, b: u32 },
    /// The sizes of groups differ.
    #[error("were normalised in groups of {a} and {b} samples: collect both with groups of one size", a = size(a), b = size(b))]
    Group { a: Option<usize>, b: Option<usize> },
    /// The BatchNormalizations differ.
    #[error("do not have the same BatchNormalizations, `{norm}` is in one only: collect both with the same selection")]
    Norms { norm: String },
    /// A BatchNormalization has other channels.
    #[error("have {a} and {b} channels of `{norm}`: collect both from one model")]
    Channels { norm: String, a: usize, b: usize },
    /// Other statistics were in place.
    #[error("were measured with different statistics of `{norm}` in place: give both the same merged pass before")]
    RunningStatistics { norm: String },
    /// The data is prepared differently.
    #[error("prepare the data of input `{input}` differently, \"{a}\" and \"{b}\": collect both with the same flags")]
    Preprocessing { input: String, a: String, b: String },
    /// Both have seen the same part of the data.
    #[error("both hold shard {shard} of the same data: leave one of them out")]
    SameShard { shard: ShardId },
    /// The same data is cut in different ways.
    #[error("cut the same data into {a} and {b} shards, which overlap: collect both with one number of shards")]
    ShardCount { a: usize, b: usize },
}

fn size(group: &Option<usize>) -> String {
    group.map_or_else(|| "no".into(), |group| group.to_string())
}

impl Collection {
    /// The statistics of all parts together. They are added up in the order of their shards whatever
    /// their order is in the list, so that the result is the same to the bit. Parts of different data can
    /// be merged, if it was prepared in the same way.
    ///
    /// # Errors
    /// When there are none, or two that do not belong together.
    pub fn merge(parts: Vec<Collection>) -> Result<Collection, MergeError> {
        let first = parts.first().ok_or(MergeError::Empty)?;
        for (second, part) in parts.iter().enumerate().skip(1) {
            belong_together(first, part).map_err(|conflict| MergeError::Conflict { first: 0, second, conflict })?;
        }
        check_preprocessing(&parts)?;
        check_shards(&parts)?;
        let mut parts = parts;
        parts.sort_by_cached_key(|part| part.places());
        let header = merged_header(&parts);
        let norms = parts.into_iter().map(|part| part.norms).reduce(merged_norms).unwrap_or_default();
        Ok(Collection { header, norms })
    }

    /// Where its shards are in the order of all: the data, as text, and the part of it.
    fn places(&self) -> Vec<(String, usize)> {
        let mut places: Vec<_> = self.header.parts().map(|(data, shard)| (key(data), shard.index)).collect();
        places.sort();
        places
    }
}

impl Header {
    /// The shards, each with what it is a part of.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&Manifest, ShardId)> {
        self.shards.iter().filter_map(|shard| Some((self.data.get(shard.data)?, *shard)))
    }
}

/// What tells one dataset from another, and in which order they are.
fn key(data: &Manifest) -> String {
    // Such values have no failing serialisers.
    serde_json::to_string(data).unwrap_or_default()
}

fn belong_together(a: &Collection, b: &Collection) -> Result<(), Conflict> {
    let (one, other) = (&a.header, &b.header);
    if one.model != other.model {
        return Err(Conflict::Model);
    }
    if one.method != other.method {
        return Err(Conflict::Method { a: one.method, b: other.method });
    }
    if one.pass != other.pass {
        return Err(Conflict::Pass { a: one.pass, b: other.pass });
    }
    if one.group != other.group {
        return Err(Conflict::Group { a: one.group, b: other.group });
    }
    same_norms(&a.norms, &b.norms)
}

fn same_norms(a: &[NormStatistics], b: &[NormStatistics]) -> Result<(), Conflict> {
    for (one, other) in a.iter().zip(b) {
        let (norm, channels) = (one.name.clone(), [one, other].map(|norm| norm.moments.channels.len()));
        if one.name != other.name {
            let missing = b.iter().all(|norm| norm.name != one.name);
            return Err(Conflict::Norms { norm: if missing { norm } else { other.name.clone() } });
        }
        if channels[0] != channels[1] {
            return Err(Conflict::Channels { norm, a: channels[0], b: channels[1] });
        }
        if one.in_place != other.in_place {
            return Err(Conflict::RunningStatistics { norm });
        }
    }
    let common = a.len().min(b.len());
    let more = a.get(common).or(b.get(common));
    more.map_or(Ok(()), |norm| Err(Conflict::Norms { norm: norm.name.clone() }))
}

/// One input is to be prepared in one way in all parts.
fn check_preprocessing(parts: &[Collection]) -> Result<(), MergeError> {
    let mut seen: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (second, part) in parts.iter().enumerate() {
        for input in part.header.data.iter().flat_map(|data| &data.inputs) {
            let (first, before) = *seen.entry(&input.name).or_insert((second, &input.preprocessing));
            if before != input.preprocessing {
                let (a, b) = (before.to_owned(), input.preprocessing.clone());
                let conflict = Conflict::Preprocessing { input: input.name.clone(), a, b };
                return Err(MergeError::Conflict { first, second, conflict });
            }
        }
    }
    Ok(())
}

/// No part of the data is to be there twice.
fn check_shards(parts: &[Collection]) -> Result<(), MergeError> {
    let mut seen: BTreeMap<String, (usize, BTreeMap<usize, usize>)> = BTreeMap::new();
    for (second, part) in parts.iter().enumerate() {
        for (data, shard) in part.header.parts() {
            let (of, holders) = seen.entry(key(data)).or_insert_with(|| (shard.of, BTreeMap::new()));
            let any = holders.values().next().copied();
            if let Some(first) = any.filter(|_| *of != shard.of) {
                let conflict = Conflict::ShardCount { a: *of, b: shard.of };
                return Err(MergeError::Conflict { first, second, conflict });
            }
            if let Some(first) = holders.insert(shard.index, second) {
                return Err(MergeError::Conflict { first, second, conflict: Conflict::SameShard { shard } });
            }
        }
    }
    Ok(())
}

/// The header of all parts, of which there is at least one.
fn merged_header(parts: &[Collection]) -> Header {
    let mut data: BTreeMap<String, &Manifest> = BTreeMap::new();
    parts.iter().flat_map(|part| &part.header.data).for_each(|manifest| _ = data.insert(key(manifest), manifest));
    let places: BTreeMap<&str, usize> = data.keys().enumerate().map(|(place, key)| (key.as_str(), place)).collect();
    let shards = parts.iter().flat_map(|part| part.header.parts());
    let mut shards: Vec<ShardId> =
        shards.map(|(data, shard)| ShardId { data: places[key(data).as_str()], ..shard }).collect();
    shards.sort_unstable();
    Header {
        tool: env!("CARGO_PKG_VERSION").into(),
        shards,
        data: data.values().map(|manifest| (*manifest).clone()).collect(),
        samples: parts.iter().map(|part| part.header.samples).fold(0, u64::saturating_add),
        ..parts[0].header.clone()
    }
}

/// Both have the same BatchNormalizations.
fn merged_norms(mut all: Vec<NormStatistics>, later: Vec<NormStatistics>) -> Vec<NormStatistics> {
    all.iter_mut().zip(later).for_each(|(own, later)| own.moments.merge(&later.moments));
    all
}

#[cfg(test)]
mod tests;
