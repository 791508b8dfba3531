//! Why two models cannot be compared.

use crate::data::DataError;
use crate::engine::{EngineError, LibraryError, UnsupportedOperator};
use crate::onnx::payload::Overflow;
use crate::parallel::ThreadError;
use bstr::BString;
use std::io;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The original does not run, so there is nothing to compare with.
    #[error("the original cannot be run, so that nothing is verified: {0}")]
    Original(EngineError),
    /// The result does not run, though the original does.
    #[error("the result cannot be run, though the original can: {0}")]
    Result(EngineError),
    /// Of two engines, neither runs the original.
    #[error("no engine can run the original, so that nothing is verified: {reasons}")]
    NoEngine {
        /// Why not, of each.
        reasons: String,
    },
    /// An engine that was asked for is not there.
    #[error(transparent)]
    Library(#[from] LibraryError),
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
    #[error("nothing can be compared: all outputs are empty, NaN or infinite")]
    NothingToCompare,
    /// An input or output was named that the original does not have.
    #[error("no {what} is called `{name}`; there is {known}")]
    UnknownPort {
        /// `input` or `output`.
        what: &'static str,
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The data cannot be read, or does not fit the original.
    #[error(transparent)]
    Data(#[from] DataError),
    /// What was run could not be taken down.
    #[error("what was run cannot be recorded: {0}")]
    Observer(io::Error),
    /// There is no thread for the work, or one died.
    #[error(transparent)]
    Thread(#[from] ThreadError),
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
    /// Whether the models are why there is no verdict, and not what was asked for.
    pub fn is_of_models(&self) -> bool {
        match self {
            VerifyError::Original(_)
            | VerifyError::Result(_)
            | VerifyError::NoEngine { .. }
            | VerifyError::Signature { .. }
            | VerifyError::Input { .. }
            | VerifyError::NothingToCompare => true,
            VerifyError::Overflow(_)
            | VerifyError::UnknownPort { .. }
            | VerifyError::UnknownDimension { .. }
            | VerifyError::Data(_)
            | VerifyError::Library(_)
            | VerifyError::Observer(_)
            | VerifyError::Thread(_) => false,
        }
    }

    /// The operators that tract lacks, if that is why.
    pub fn unsupported(&self) -> &[UnsupportedOperator] {
        match self {
            VerifyError::Original(EngineError::Unsupported { operators })
            | VerifyError::Result(EngineError::Unsupported { operators }) => operators,
            _ => &[],
        }
    }

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
