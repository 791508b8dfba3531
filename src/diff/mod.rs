//! What differs between two models: what a reviewer of a change wants to see, and what a snapshot
//! test can hold.
//!
//! ```
//! use bn_tool::{diff, onnx, transform::fold};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = onnx::load(Path::new("fixtures/digits/digits.onnx"))?;
//! let folded = fold::fold(&model, &Default::default())?.model;
//!
//! let changes = diff::diff(&model, &folded, &Default::default())?;
//! let norms = &changes.summary.operators[0];
//! assert_eq!((norms.operator.as_str(), norms.count.before, norms.count.after), ("BatchNormalization", 4, 0));
//! assert!(diff::human(&changes, &Default::default()).contains("- BatchNormalization /b1/BatchNormalization "));
//!
//! assert!(diff::diff(&model, &model, &Default::default())?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! First it is found out which node is which (`matching`), then what differs between the two
//! (`comparison`). The result does not depend on anything but the two models. Whatever differs, it is not empty:
//! what has no line of its own (how the protobuf is written, unknown fields) is counted in
//! [`ModelDiff::hidden`].

mod comparison;
mod correspondence;
mod human;
mod index;
mod markdown;
mod matching;
mod order;
mod report;
mod summary;
mod tensor;

pub(crate) use correspondence::matched_nodes;
pub use human::{HumanOptions, human};
pub use markdown::{markdown, markdown_summary};
pub use report::{
    Attribute, AttributeChange, Change, Difference, FieldChange, Figure, GraphDiff, Hidden, ModelDiff, NodeChange,
    NodeEntry, NodeText, OperatorCount, Slot, Status, Summary, TensorChange, ValueChange,
};

use crate::onnx::TensorError;
use crate::onnx::schema::ModelProto;
use comparison::Comparison;
use index::Index;
use matching::Matching;

/// How to compare two models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiffOptions {
    /// So many nodes that do not differ are listed before and behind each that does.
    pub context: usize,
}

impl DiffOptions {
    /// How many nodes that do not differ are shown around each that does.
    #[must_use]
    pub fn context(mut self, context: usize) -> Self {
        self.context = context;
        self
    }
}

/// Why two models cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The elements of a tensor cannot be read.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

/// Compares two models. Of weights that are not in the same place of the same file, all are read,
/// piece by piece.
///
/// # Errors
/// When a tensor contradicts itself or cannot be read.
///
/// ```
/// use bn_tool::diff::{DiffOptions, diff};
/// use bn_tool::onnx::load;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = load("fixtures/digits/digits.onnx".as_ref())?;
/// assert!(diff(&model, &model, &DiffOptions::default())?.is_empty());
/// # Ok(())
/// # }
/// ```
pub fn diff(a: &ModelProto, b: &ModelProto, options: &DiffOptions) -> Result<ModelDiff, DiffError> {
    let (of_a, of_b) = (Index::new(a), Index::new(b));
    let found = Matching::new(&of_a, &of_b)?;
    let mut comparison = Comparison::new(&of_a, &of_b, &found, options.context);
    let fields = comparison.model(a, b);
    let graphs = comparison.graphs()?;
    let mut result =
        ModelDiff { summary: summary::summary(&of_a, &of_b), fields, graphs, hidden: comparison.hidden.found() };
    if result.is_empty() && !comparison::same_encoding(a, b)? {
        result.hidden = Some(Hidden { count: 1, first: "the model".into() });
    }
    Ok(result)
}
