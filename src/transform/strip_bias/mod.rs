//! Stripping: the bias before a BatchNormalization moves into its mean, μ ← μ − b.
//!
//! ```text
//! before   v = Conv(x, W, b)    y = BatchNormalization(v, γ, β, μ, σ²)
//! after    v = Conv(x, W)       y = BatchNormalization(v, γ, β, μ − b, σ²)
//! ```
//!
//! In inference mode this is exact but for one rounding of the mean. In training mode the bias is
//! redundant, because the mean of the batch contains it too (Ioffe and Szegedy, "Batch Normalization",
//! section 3.2): only the running mean moves.

mod apply;
mod find;
mod plan;
mod report;

use super::selection::{Selection, SelectionError};
use crate::graph::{Graph, GraphError};
use crate::onnx::schema::ModelProto;
use plan::Plan;

pub use report::{NormReport, Outcome, StripReport, Term};

/// What to strip.
#[derive(Clone, Debug, Default)]
pub struct StripOptions {
    selection: Selection,
}

impl StripOptions {
    /// The biases before these BatchNormalizations.
    #[must_use]
    pub fn new(selection: Selection) -> Self {
        StripOptions { selection }
    }
}

/// A model with fewer biases, and what was done.
#[derive(Clone, Debug)]
pub struct Stripped {
    /// The model.
    pub model: ModelProto,
    /// What was stripped, and what was kept and why.
    pub report: StripReport,
}

/// Why nothing can be stripped from a model at all.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StripError {
    /// The model is not a valid graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The selection is not usable.
    #[error(transparent)]
    Selection(#[from] SelectionError),
}

/// Moves each constant bias before a BatchNormalization into its mean.
///
/// # Errors
/// When the model is not a valid one, or a pattern of the selection matches no BatchNormalization.
///
/// ```
/// use bn_tool::{onnx, transform::strip_bias};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = onnx::load("fixtures/digits/digits.onnx".as_ref())?;
/// let stripped = strip_bias::strip_bias(&model, &Default::default())?;
/// assert_eq!(stripped.report.kept, 0);
/// # Ok(())
/// # }
/// ```
pub fn strip_bias(model: &ModelProto, options: &StripOptions) -> Result<Stripped, StripError> {
    strip_bias_owned(model.clone(), options)
}

/// As [`strip_bias`], for a model that is not needed any more: it is not copied.
///
/// # Errors
/// Those of [`strip_bias`].
pub fn strip_bias_owned(model: ModelProto, options: &StripOptions) -> Result<Stripped, StripError> {
    let stripped = strip_where(model, |name| options.selection.contains(name))?;
    options.selection.check_all_match(stripped.report.norms.iter().map(|norm| &norm.name))?;
    Ok(stripped)
}

/// As [`strip_bias_owned`], for BatchNormalizations of certain names.
///
/// # Errors
/// When the model is not a valid one.
pub fn strip_where(model: ModelProto, is_selected: impl Fn(&str) -> bool) -> Result<Stripped, GraphError> {
    let mut graph = Graph::new(model)?;
    let nodes_before = graph.nodes().count();
    let plan = Plan::new(&graph, is_selected);
    let mut report = StripReport::new(&graph, &plan, nodes_before);
    apply::apply(&mut graph, plan);
    report.nodes_after = graph.nodes().count();
    Ok(Stripped { model: graph.into_model(), report })
}
