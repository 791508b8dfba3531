//! Looking on while models are compared.

use crate::engine::Array;
use std::io;

/// Told what a verification does, in the order of the samples.
pub trait Observer: Send {
    /// So much is done, of so much.
    fn progress(&mut self, done: usize, total: usize);

    /// A sample was run.
    ///
    /// # Errors
    /// When it could not be taken down; this ends the verification.
    fn sample(&mut self, sample: &Sample) -> io::Result<()>;
}

/// A sample that both models were run on.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Its number.
    pub sample: usize,
    /// The inputs, in the order of the model's required inputs.
    pub inputs: &'a [Array],
    /// The outputs of the original, in their order.
    pub original: &'a [Array],
    /// The outputs of the result.
    pub result: &'a [Array],
}
