//! Statistics of activations: what they are, and how they are measured.

pub mod measure;
pub mod moments;

pub use measure::{MeasureError, measure};
pub use moments::{Moment, Moments};
