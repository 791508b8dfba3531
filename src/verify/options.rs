//! What a verification can be told.

use std::collections::BTreeMap;

/// How to verify.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// The inputs depend on this and on nothing else.
    pub seed: u64,
    /// How many inputs to run.
    pub samples: usize,
    /// The lengths of symbolic dimensions, by name.
    pub dims: BTreeMap<String, usize>,
    /// How many threads to use; 0 for all.
    pub threads: usize,
    /// The absolute tolerance, in place of the one that is derived from the outputs.
    pub atol: Option<f64>,
    /// The relative tolerance, in place of the one of the element type.
    pub rtol: Option<f64>,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        VerifyOptions { seed: 0, samples: 4, dims: BTreeMap::new(), threads: 0, atol: None, rtol: None }
    }
}
