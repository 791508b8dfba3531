//! What can go wrong, in one line each.

use crate::data::DataError;
use crate::diff::DiffError;
use crate::graph::GraphError;
use crate::initialize::InitializeError;
use crate::onnx::payload::Overflow;
use crate::onnx::text::PrintError;
use crate::onnx::{LoadError, SaveError};
use crate::recalibrate::{AccuracyError, RecalibrateError};
use crate::stats::{Conflict, MeasureError, StatisticsError};
use crate::transform::fold::FoldError;
use crate::transform::insert::InsertError;
use crate::transform::selection::SelectionError;
use crate::transform::specialize::SpecializeError;
use crate::transform::strip_bias::StripError;
use crate::verify::VerifyError;
use std::io;
use std::path::Path;

/// Why a command ends with exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The model cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The model cannot be saved.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The model is no valid graph.
    #[error("`{path}` is not a valid model: {source}")]
    Graph {
        /// The file.
        path: String,
        /// Why.
        source: FoldError,
    },
    /// The model cannot be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The data cannot be read, or does not fit the model.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Statistics cannot be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// Statistics of new BatchNormalizations cannot be had from this data.
    #[error(transparent)]
    Initialize(InitializeError),
    /// Statistics do not belong to the model.
    #[error(transparent)]
    Recalibrate(RecalibrateError),
    /// The accuracy of a model cannot be told.
    #[error(transparent)]
    Accuracy(#[from] AccuracyError),
    /// A file of statistics cannot be read or written.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
    /// Two files of statistics do not belong together.
    #[error("`{first}` and `{second}` {conflict}")]
    Merge {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        /// Why not.
        conflict: Conflict,
    },
    /// Nothing can be inserted into the model.
    #[error(transparent)]
    Insert(#[from] InsertError),
    /// A pattern is not usable.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The models cannot be compared.
    #[error("{0}{remedy}", remedy = other_engine(.0, "; `--engine onnxruntime` may have it"))]
    Verify(#[from] VerifyError),
    /// The difference between two models cannot be told.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// The folded model cannot be compared with the original, so that it is not written.
    #[error(
        "{0}; nothing was written ({remedy}--no-verify writes it without a comparison)",
        remedy = other_engine(.0, "--engine onnxruntime may have it, ")
    )]
    Unverified(VerifyError),
    /// The model cannot be printed.
    #[error("cannot print `{path}`: {source}")]
    Print {
        /// The file.
        path: String,
        /// Why not.
        source: PrintError,
    },
    /// An argument is not usable.
    #[error("{0}")]
    Usage(String),
    /// A file that is no model cannot be written.
    #[error("cannot write `{path}`: {source}")]
    Written {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// Nobody reads standard output any more: not worth a word.
    #[error("standard output is closed")]
    Quiet,
}

/// What to say where tract lacks operators.
fn other_engine(error: &VerifyError, remedy: &'static str) -> &'static str {
    if error.unsupported().is_empty() { "" } else { remedy }
}

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Self {
        Failure::Fold(error.into())
    }
}

impl From<StripError> for Failure {
    fn from(error: StripError) -> Self {
        match error {
            StripError::Graph(error) => error.into(),
            StripError::Selection(error) => error.into(),
        }
    }
}

impl From<InitializeError> for Failure {
    fn from(error: InitializeError) -> Self {
        match error {
            InitializeError::Insert(error) => error.into(),
            InitializeError::Measure(error) => error.into(),
            of_data => Failure::Initialize(of_data),
        }
    }
}

impl From<RecalibrateError> for Failure {
    fn from(error: RecalibrateError) -> Self {
        match error {
            RecalibrateError::Graph(error) => error.into(),
            RecalibrateError::Selection(error) => error.into(),
            RecalibrateError::Measure(error) => error.into(),
            other => Failure::Recalibrate(other),
        }
    }
}

impl From<SpecializeError> for Failure {
    fn from(error: SpecializeError) -> Self {
        match error {
            SpecializeError::Fold(error) => error.into(),
            SpecializeError::Save(error) => error.into(),
        }
    }
}

impl Failure {
    /// A file that cannot be written.
    pub fn written(path: &Path, source: io::Error) -> Failure {
        Failure::Written { path: path.display().to_string(), source }
    }

    /// The overflow of a scaled weight, wherever it was noticed.
    pub fn overflow(&self) -> Option<Overflow> {
        match self {
            Failure::Save(error) => error.overflow().cloned(),
            Failure::Verify(VerifyError::Overflow(overflow)) => Some(overflow.clone()),
            _ => None,
        }
    }

    /// What to show below the line that says what is wrong: the place in a text.
    pub fn snippet(&self) -> Option<String> {
        match self {
            Failure::Load(LoadError::Text { source, .. }) => Some(source.snippet()),
            _ => None,
        }
    }

    /// The same failure; a graph error with the file that it is about.
    pub fn about(self, path: &Path) -> Failure {
        match self {
            Failure::Fold(source @ (FoldError::Graph(_) | FoldError::Invalid { .. })) => {
                Failure::Graph { path: path.display().to_string(), source }
            }
            other => other,
        }
    }
}
