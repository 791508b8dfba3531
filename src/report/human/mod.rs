//! Reports for people. Colours are ANSI sequences, which the command line strips where they
//! do not belong.

mod explain;
mod fold;
mod insert;
mod inspect;
mod locate;
mod recalibrate;
mod stats;
mod strip_bias;
mod verify;
mod words;

pub use explain::{explain, explain_all};
pub use fold::fold;
pub use insert::insert;
pub use inspect::inspect;
pub use locate::location;
pub use recalibrate::recalibrate;
pub use stats::{merged, statistics};
pub use strip_bias::strip_bias;
pub use verify::verify;
