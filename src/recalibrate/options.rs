//! How statistics are estimated.

use crate::stats::Variance;
use crate::transform::selection::Selection;

/// How to recalibrate.
#[derive(Clone, Debug)]
pub struct RecalibrateOptions {
    /// Which BatchNormalizations.
    pub selection: Selection,
    /// How their statistics are estimated.
    pub method: Method,
    /// What the variance is divided by.
    pub variance: Variance,
    /// How many bytes activations that wait may take in memory.
    pub memory: u64,
    /// How many threads to use; 0 for one per core.
    pub threads: usize,
    /// How the result is checked.
    pub check: Check,
}

/// How statistics are estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// All samples side by side, one BatchNormalization after the other: exact, in one pass.
    Exact {
        /// What is done instead where that is slower, or the model cannot be run in stages.
        otherwise: FixedPoint,
    },
    /// Passes with statistics in place until they do not change any more.
    FixedPoint(FixedPoint),
    /// Batches that are normalised by their own statistics, as in training.
    Batch {
        /// How many samples a batch has.
        size: usize,
        /// How the statistics of the batches are put together.
        average: Average,
    },
}

/// When passes end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedPoint {
    /// The first pass goes in groups of so many samples, which are normalised by their own statistics.
    pub group: usize,
    /// How many passes to make at most, the first one included.
    pub max_passes: usize,
    /// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) with which they end.
    pub tolerance: f64,
}

impl Default for FixedPoint {
    fn default() -> Self {
        FixedPoint { group: 64, max_passes: 10, tolerance: 1e-3 }
    }
}

/// How statistics of batches are put together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Average {
    /// Their mean. With the unbiased variance that is what PyTorch's `update_bn` does.
    Cumulative,
    /// S₁ = Y₁, Sₜ = m·Sₜ₋₁ + (1 − m)·Yₜ.
    Exponential {
        /// m, in ONNX's sense: how much of the old is kept. PyTorch's is 1 − m.
        momentum: f64,
    },
}

/// How it is checked that the new statistics are those of what comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// A sixteenth of the samples run through the result; they must give the same moments as before.
    #[default]
    Sample,
    /// All run through the result, and what comes in is compared with what is stored.
    Full,
}

impl RecalibrateOptions {
    /// The exact method on all BatchNormalizations, with so many bytes for activations that wait.
    pub fn new(memory: u64) -> RecalibrateOptions {
        RecalibrateOptions {
            selection: Selection::default(),
            method: Method::Exact { otherwise: FixedPoint::default() },
            variance: Variance::Population,
            memory,
            threads: 0,
            check: Check::Sample,
        }
    }
}
