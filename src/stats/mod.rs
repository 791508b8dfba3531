//! Statistics of activations: what they are, and how they are measured.

mod kernel;
pub mod measure;
pub mod moments;

pub use kernel::Number;
pub use measure::{MeasureError, measure};
pub use moments::{Moment, Moments};
