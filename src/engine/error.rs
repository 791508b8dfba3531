//! Why a model cannot be run.

use crate::onnx::payload::{Overflow, PayloadError};
use crate::onnx::{CheckError, TensorError};
use crate::parallel::ThreadError;
use bstr::BString;
use std::fmt;

/// A node whose operator the engine does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsupportedOperator {
    /// The operator, with its domain when that is not the standard one.
    pub operator: String,
    /// The node.
    pub node: BString,
}

/// Why a model cannot be compiled or run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine lacks operators: all of them are listed.
    #[error("unsupported operator {}", list(operators))]
    Unsupported {
        /// One node for each of the operators.
        operators: Vec<UnsupportedOperator>,
    },
    /// A lazily scaled weight does not fit its type.
    #[error(transparent)]
    Overflow(Overflow),
    /// A constant cannot be read.
    #[error(transparent)]
    Tensor(TensorError),
    /// A node is not what its operator wants.
    #[error("node `{node}` ({operator}): {what}")]
    Node {
        /// The node.
        node: BString,
        /// Its operator.
        operator: BString,
        /// What is wrong.
        what: String,
    },
    /// The graph is not one that can be run.
    #[error("the graph is malformed: {what}")]
    Graph {
        /// What is wrong.
        what: String,
    },
    /// The model is not a valid one.
    #[error("it is not a valid model: {0}")]
    Check(#[from] CheckError),
    /// The engine refused the model.
    #[error("the engine cannot {stage} the model: {cause}")]
    Engine {
        /// What it was asked to do: `prepare` or `run`.
        stage: &'static str,
        /// The chain of causes, on one line.
        cause: String,
    },
    /// onnxruntime refused the model.
    #[error("onnxruntime cannot {stage} the model: {cause}")]
    OnnxRuntime {
        /// What it was asked to do: `prepare` or `run`.
        stage: &'static str,
        /// What it says, on one line.
        cause: String,
    },
    /// There is no thread to run it on, or one died.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// The engine panicked; nothing else is affected.
    #[error("the engine crashed while it tried to {stage} the model: {cause}")]
    Crash {
        /// What it was asked to do: `prepare` or `run`.
        stage: &'static str,
        /// Its last words.
        cause: String,
    },
}

impl EngineError {
    /// Whether other input shapes or values cannot help.
    pub fn is_final(&self) -> bool {
        let may_help = matches!(
            self,
            EngineError::Engine { .. } | EngineError::Crash { .. } | EngineError::OnnxRuntime { stage: "run", .. }
        );
        !may_help
    }
}

impl From<TensorError> for EngineError {
    fn from(error: TensorError) -> Self {
        match error {
            TensorError::Payload(payload) => payload.into(),
            other => EngineError::Tensor(other),
        }
    }
}

impl From<PayloadError> for EngineError {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Overflow(overflow) => EngineError::Overflow(overflow),
            other => EngineError::Tensor(other.into()),
        }
    }
}

impl fmt::Display for UnsupportedOperator {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} (node `{}`)", self.operator, self.node)
    }
}

fn list(operators: &[UnsupportedOperator]) -> String {
    operators.iter().map(UnsupportedOperator::to_string).collect::<Vec<_>>().join(", ")
}

/// A message as one line of at most 300 characters.
pub(super) fn one_line(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
