//! Statistics of activations: what they are, and how they are measured.

pub mod moments;

pub use moments::{Moment, Moments};
