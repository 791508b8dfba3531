//! Statistics of activations: what they are, how they are measured, merged and kept in files.

mod collection;
mod coverage;
mod drift;
pub mod file;
mod fingerprint;
mod gaussians;
mod kernel;
pub mod measure;
mod merge;
pub mod moments;
mod residual;
mod running;

pub use crate::data::{FileManifest, InputManifest, Manifest};
pub use collection::{Collection, Header, Inconsistent, Method, NormStatistics, ShardId};
pub use coverage::Coverage;
pub use drift::{ChannelDrift, DEAD_SHARE, Drift, GainChange, HIGH_GAIN, divergence, drift};
pub use file::StatisticsError;
pub use fingerprint::fingerprint;
pub use gaussians::Gaussians;
pub use kernel::Number;
pub use measure::{MeasureError, Probe};
pub use merge::{Conflict, MergeError};
pub use moments::{Moment, Moments};
pub use residual::residual;
pub use running::{RunningStatistics, Variance};
