//! Why two models cannot be compared.

use crate::engine::EngineError;
use crate::onnx::payload::Overflow;
use bstr::BString;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The original does not run, so there is nothing to compare with.
    #[error("the original cannot be run, so that nothing is verified: {0}")]
    Original(EngineError),
    /// The result does not run, though the original does.
    #[error("the result cannot be run, though the original can: {0}")]
    Result(EngineError),
    /// A scaled weight does not fit its type.
    #[error(transparent)]
    Overflow(Overflow),
    /// The models take or give different things.
    #[error("the models differ in their {what}: the original has {original}, the result has {result}")]
    Signature {
        /// `inputs`, `outputs` or the like.
        what: String,
        /// What the original has.
        original: String,
        /// What the result has.
        result: String,
    },
    /// An input that no random values can be made for.
    #[error("input `{input}` {what}")]
    Input {
        /// The input.
        input: BString,
        /// What is the matter.
        what: String,
    },
    /// All outputs are empty or NaN, so that any two models would be the same.
    #[error("nothing can be compared: on random inputs all outputs are empty, NaN or infinite")]
    NothingToCompare,
    /// A dimension was given that no input has.
    #[error("no input has a dimension called `{name}`; the symbolic dimensions are: {known}")]
    UnknownDimension {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
}

impl VerifyError {
    /// An error of running the original.
    pub(super) fn original(error: EngineError) -> Self {
        match error {
            EngineError::Overflow(overflow) => VerifyError::Overflow(overflow),
            other => VerifyError::Original(other),
        }
    }

    /// An error of running the result.
    pub(super) fn result(error: EngineError) -> Self {
        match error {
            EngineError::Overflow(overflow) => VerifyError::Overflow(overflow),
            other => VerifyError::Result(other),
        }
    }
}
