//! Statistics of activations: what they are, and how they are measured.

mod drift;
mod gaussians;
mod kernel;
pub mod measure;
pub mod moments;
mod residual;
mod running;

pub use drift::{ChannelDrift, Drift, GainChange, drift};
pub use gaussians::Gaussians;
pub use kernel::Number;
pub use measure::{MeasureError, Probe};
pub use moments::{Moment, Moments};
pub use residual::largest_distance;
pub use running::{RunningStatistics, Variance};
