//! How two arrays differ: one measure per file.

mod classes;
mod difference;
mod distance;
mod ulps;

pub use classes::Agreement;
pub use difference::{Difference, Rules};
pub use distance::Distance;
pub use ulps::Ulps;
