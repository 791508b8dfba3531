//! Whether two models compute the same, shown by running both.
//!
//! Both run on the same inputs (`inputs/`: data, or random values that the original takes), and "same" is
//! judged twice per output (`judge.rs`):
//!
//! 1. by tolerance (`tolerance.rs`), with NumPy's rule `|a − b| ≤ atol + rtol·|b|`, b being the original;
//! 2. in f64: with the rounding of the arithmetic gone, what remains between the two models is
//!    the one rounding of each changed weight, and a wrong formula shows. The error of the
//!    result against an f64 run of the original is put beside the original's own.
//!
//! The engine is tract, or onnxruntime, or both, of which each has to find the result the same
//! (`engines.rs`); what is in f64 is always done by tract (`exact.rs`).

mod compare;
mod comparison;
mod engines;
mod error;
mod exact;
mod inputs;
mod judge;
pub mod locate;
mod observer;
mod options;
mod report;
mod run;
mod signature;
#[cfg(test)]
mod tests;
mod tolerance;

pub use error::VerifyError;
pub use observer::{Observer, Sample};
pub use options::{EngineChoice, Limit, VerifyOptions};
pub use report::{
    Apart, EngineReport, F64Report, FailingCase, InputReport, OtherEngine, OtherSizes, OutputReport, Seconds,
    UlpReport, Verification, Worst,
};
pub use run::{verify, verify_with};
