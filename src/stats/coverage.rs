//! How much of the data statistics have seen.

use super::collection::{Header, ShardId};
use serde::Serialize;
use std::collections::BTreeSet;

/// So many missing shards are named.
const NAMED: usize = 8;

/// How much of one dataset was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// How many parts the data is cut into; 0 if there is none of it.
    pub shards: usize,
    /// How many of them were seen.
    pub seen: usize,
    /// The first few that were not, from 1.
    pub missing: Vec<usize>,
}

impl Coverage {
    /// Whether all of it was seen.
    pub fn is_complete(&self) -> bool {
        self.seen == self.shards && self.shards > 0
    }
}

impl Header {
    /// How much was seen of each dataset.
    pub fn coverage(&self) -> Vec<Coverage> {
        (0..self.data.len()).map(|data| coverage(&self.shards, data)).collect()
    }

    /// Whether all data was seen.
    pub fn is_complete(&self) -> bool {
        self.coverage().iter().all(Coverage::is_complete)
    }
}

fn coverage(shards: &[ShardId], data: usize) -> Coverage {
    let own = || shards.iter().filter(|shard| shard.data == data);
    let seen: BTreeSet<usize> = own().map(|shard| shard.index).collect();
    let shards = own().map(|shard| shard.of).max().unwrap_or(0);
    let missing = (0..shards).filter(|index| !seen.contains(index)).take(NAMED).map(|index| index + 1).collect();
    Coverage { shards, seen: seen.len(), missing }
}
