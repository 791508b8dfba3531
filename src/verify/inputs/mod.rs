//! What both models run on: data, or random values that the original takes.
//!
//! `shapes.rs` proposes lengths for symbolic dimensions, `bounds.rs` finds what the graph does with integer
//! inputs, `random.rs` draws values, and `find.rs` tries them on the original.

mod bounds;
mod find;
mod random;
mod shapes;

pub use find::Finder;
use random::Random;
pub use shapes::Shapes;

use super::VerifyError;
use crate::data::Dataset;
use crate::engine::Array;

/// Samples of the same shapes.
pub struct Round {
    source: Source,
    /// The shapes of the inputs.
    pub shapes: Shapes,
    /// The number of the first sample.
    pub first: usize,
    /// How many samples there are.
    pub samples: usize,
}

/// Where samples come from.
enum Source {
    Random(Random),
    Data(Box<dyn Dataset>),
}

impl Round {
    /// The inputs of one sample, counted from the first of the round.
    ///
    /// # Errors
    /// When no values can be made for an input, or the data cannot be read.
    pub fn inputs(&self, sample: usize) -> Result<Vec<Array>, VerifyError> {
        match &self.source {
            Source::Random(random) => random.sample(&self.shapes.shapes, self.first + sample),
            Source::Data(data) => Ok(data.run(sample)?.inputs),
        }
    }
}
