//! Insertion: a BatchNormalization between an affine layer and its activation.
//!
//! ```text
//! before   v = Conv(x, W, b)    h = Relu(v)
//! after    v' = Conv(x, W, b)   v = BatchNormalization(v', γ, β, μ, σ²)   h = Relu(v)
//! ```
//!
//! This is where Ioffe and Szegedy, "Batch Normalization", ICML 2015, section 3.2, place it:
//! h = φ(BN(Wx + b)). The new node takes over the name of the value, so that outputs and readers
//! keep their names, and a fold of the result gives the original back, bit for bit while the
//! BatchNormalization is the identity ([`parameters`]).
//!
//! A plan is made on the graph as it is, then carried out. Each affine layer gets one decision.

mod apply;
mod form;
mod layer;
mod normalized;
mod options;
pub mod parameters;
mod plan;
mod pointwise;
mod region;
mod report;

use super::selection::SelectionError;
use crate::graph::{Graph, GraphError};
use crate::onnx::schema::ModelProto;

pub use options::{InitialValues, InsertOptions, LayerKind, Site, Statistics};
pub use report::{InsertOutcome, InsertReport, LayerReport};

/// A model with BatchNormalizations, and what was done.
#[derive(Clone, Debug)]
pub struct Inserted {
    /// The model.
    pub model: ModelProto,
    /// Where one was inserted, and where not and why.
    pub report: InsertReport,
}

/// Why nothing can be inserted at all.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InsertError {
    /// The model is not a valid graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A layer is not what its operator allows: no runtime can run it.
    #[error(
        "layer `{node}`: {detail}; check the model with onnx.checker.check_model(model, full_check=True) and \
         export it again, or leave the node out with --exclude"
    )]
    Invalid {
        /// The layer.
        node: String,
        /// What is wrong.
        detail: String,
    },
    /// The selection is not usable.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A pattern matches no layer.
    #[error("`{pattern}` matches no Conv, ConvTranspose, Gemm or MatMul; `bn-tool insert MODEL -v` lists their names")]
    NoLayer {
        /// The pattern.
        pattern: String,
    },
    /// A pattern matches no input.
    #[error("`{pattern}` matches no input of the model")]
    NoInput {
        /// The pattern.
        pattern: String,
    },
    /// ε is no number that a BatchNormalization can be the identity with.
    #[error("epsilon must be at least 0 and less than 1, not {0}")]
    Epsilon(f32),
    /// The momentum is no number between 0 and 1.
    #[error("momentum must be between 0 and 1, not {0}")]
    Momentum(f32),
    /// A parameter does not fit the type of the layer.
    #[error("a parameter of `{name}` would be {value:e}, which does not fit {element}")]
    Overflow {
        /// The BatchNormalization.
        name: String,
        /// The number.
        value: f64,
        /// The type.
        element: &'static str,
    },
    /// Statistics were measured of another number of channels.
    #[error("the statistics of `{name}` have {found} channels, the layer has {expected}")]
    Channels {
        /// The BatchNormalization.
        name: String,
        /// Those of the statistics.
        found: usize,
        /// Those of the layer.
        expected: usize,
    },
}

/// Inserts a BatchNormalization at each place that the options ask for.
///
/// # Errors
/// When the model is not a valid one, a pattern of the selection matches nothing, or a number in the
/// options is none that a BatchNormalization can have.
///
/// ```
/// use bn_tool::{onnx, transform::{fold, insert}};
/// use std::path::Path;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = onnx::load(Path::new("fixtures/digits/digits.onnx"))?;
/// let plain = fold::fold(&model, &fold::FoldOptions::default())?.model;
/// let inserted = insert::insert(&plain, &insert::InsertOptions::default())?;
/// assert_eq!(inserted.report.inserted, 4);
/// // What is the identity folds away again, and nothing is left of it.
/// let back = fold::fold(&inserted.model, &fold::FoldOptions::default())?;
/// assert_eq!(back.model, plain);
/// # Ok(())
/// # }
/// ```
pub fn insert(model: &ModelProto, options: &InsertOptions) -> Result<Inserted, InsertError> {
    options.check()?;
    let mut graph = Graph::new(model.clone())?;
    let nodes_before = graph.nodes().count();
    let plan::Plan { decisions } = plan::Plan::new(&graph, options)?;
    let report = apply::apply(&mut graph, decisions, options)?;
    let nodes_after = graph.nodes().count();
    Ok(Inserted { model: graph.into_model(), report: InsertReport::new(report, nodes_before, nodes_after) })
}
