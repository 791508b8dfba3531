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

impl VerifyOptions {
    /// What the inputs depend on.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many inputs to run.
    #[must_use]
    pub fn samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    /// The length of a symbolic dimension.
    #[must_use]
    pub fn dim(mut self, name: impl Into<String>, length: usize) -> Self {
        self.dims.insert(name.into(), length);
        self
    }

    /// How many threads to use; 0 for all.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The absolute and the relative tolerance, in place of those that are derived.
    #[must_use]
    pub fn tolerance(mut self, atol: f64, rtol: f64) -> Self {
        (self.atol, self.rtol) = (Some(atol), Some(rtol));
        self
    }
}
