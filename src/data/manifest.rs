//! What the data was, for reports and for files of statistics.

use serde::{Deserialize, Serialize};

/// What the data of a dataset is, and what is done to it. Two datasets with equal manifests give the
/// same samples, as far as names and sizes of files can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The inputs that get data, in the order of the model.
    pub inputs: Vec<InputManifest>,
    /// What the samples were shuffled with, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffle: Option<u64>,
    /// How many samples are used, of all shards together.
    pub samples: usize,
}

/// What one input gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputManifest {
    /// The name of the input.
    pub name: String,
    /// The files: each file or folder that was named.
    pub files: Vec<FileManifest>,
    /// How many samples there are in them.
    pub samples: usize,
    /// What is done to the samples, in order, for people to read; empty if nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub preprocessing: String,
}

/// A file, or a folder of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileManifest {
    /// Its path, as it was given.
    pub path: String,
    /// How many files it is.
    pub files: usize,
    /// How many bytes they have together.
    pub bytes: u64,
}

impl Manifest {
    /// What is done to the samples of each input, one line each; nothing for those that are taken as
    /// they are.
    pub fn preprocessing(&self) -> Vec<String> {
        let steps = self.inputs.iter().filter(|input| !input.preprocessing.is_empty());
        steps.map(|input| format!("{}: {}", input.name, input.preprocessing)).collect()
    }
}
