//! What commands tell: values that serialise to JSON, and how people read them.

mod explanations;
pub mod human;
pub mod json;
mod stats;
mod table;

use crate::data::Manifest;
use crate::diff::{ModelDiff, Summary};
use crate::engine::{UnsupportedOperator, unsupported_operators};
use crate::onnx::element::DataType;
use crate::onnx::schema::ModelProto;
use crate::onnx::{Saved, element_count};
use crate::recalibrate::{RecalibrateReport, Top1};
use crate::transform::fold::{FoldReport, NormReport};
use crate::transform::insert::InsertReport;
use crate::transform::strip_bias::{self, StripReport, Term};
use crate::verify::Verification;
use serde::Serialize;
use std::path::Path;

pub use stats::{MergeSummary, SeenData, ShownNorm, StatisticsOf, StatisticsSummary};

/// A text with its control characters escaped: names come from models, and models from anywhere.
pub fn printable(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Which model was transformed, and where the result is.
#[derive(Serialize)]
pub struct FileSummary {
    /// The model.
    pub model: String,
    /// The file that was written, if any.
    pub written: Option<String>,
    /// Its data files, and what became of the old ones.
    #[serde(flatten)]
    pub data: Option<DataSummary>,
    /// Whether a file was to be written.
    #[serde(skip)]
    pub wanted: bool,
    /// Whether the file is the model itself.
    #[serde(skip)]
    pub in_place: bool,
    /// What differs between the model and the result, if that is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<ModelDiff>,
}

/// That a result cannot be compared with the model, so that it is not written.
#[derive(Serialize)]
pub struct UnverifiedSummary {
    /// The model.
    pub model: String,
    /// Nothing.
    pub written: Option<String>,
    /// Why not.
    pub unverified: String,
    /// The operators that tract lacks, if that is why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<MissingOperator>,
}

/// An operator that tract lacks.
#[derive(Serialize)]
pub struct MissingOperator {
    /// The operator, with its domain when that is not the standard one.
    pub operator: String,
    /// A node that is one.
    pub node: String,
}

impl From<&UnsupportedOperator> for MissingOperator {
    fn from(missing: &UnsupportedOperator) -> Self {
        MissingOperator { operator: missing.operator.clone(), node: missing.node.to_string() }
    }
}

/// What `fold` did.
#[derive(Serialize)]
pub struct FoldSummary<'a> {
    /// The model, and the file that was written.
    #[serde(flatten)]
    pub file: FileSummary,
    /// BatchNormalizations that were put into inference mode before.
    pub frozen: &'a [String],
    /// Copies of functions that were made for the constants of their calls.
    pub specialized: &'a [String],
    /// What was folded and what was kept.
    #[serde(flatten)]
    pub report: &'a FoldReport,
    /// What the comparison (with the frozen model) found; absent when nothing was folded or it was not wanted.
    pub verification: Option<&'a Verification>,
}

/// What `insert` did.
#[derive(Serialize)]
pub struct InsertSummary<'a> {
    /// The model, and the file that was written.
    #[serde(flatten)]
    pub file: FileSummary,
    /// Where BatchNormalizations were inserted, and where not.
    #[serde(flatten)]
    pub report: &'a InsertReport,
    /// What they compute at first: `identity`, `calibrate` or `standardize`.
    pub init: &'static str,
    /// Whether they normalise by the statistics of the batch.
    pub training: bool,
    /// How many of them took the bias of their layer into their mean.
    pub stripped_biases: usize,
    /// What was measured for that.
    pub measured: Option<&'a MeasureSummary>,
    /// Whether the model is to compute the same as before.
    pub preserves: bool,
    /// What the comparison found; where the model is not to compute the same, how far it is off.
    pub verification: Option<&'a Verification>,
}

/// What statistics were measured of.
#[derive(Serialize)]
pub struct MeasureSummary {
    /// How many samples.
    pub samples: usize,
    /// How often they were run.
    pub passes: usize,
    /// How far the statistics that the last pass measured are from those that were in place while it
    /// ran: the largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) of all channels.
    pub residual: f64,
    /// What was done to the samples of each input to which anything was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preprocessing: Vec<String>,
}

/// The data files of a model that was written.
#[derive(Serialize)]
pub struct DataSummary {
    /// Those that were written.
    pub data_written: Vec<String>,
    /// Those that were there already, with the same bytes.
    pub data_shared: Vec<String>,
    /// Those that the model read before, and this one does not.
    pub data_replaced: Vec<String>,
    /// Whether weights were moved to a data file because one file could not hold them all.
    pub data_moved: bool,
}

impl From<&Saved> for DataSummary {
    fn from(saved: &Saved) -> Self {
        let text = |path: &Path| path.display().to_string();
        let data = |shared| {
            let files = saved.data.iter().filter(move |file| file.shared == shared);
            files.map(|file| text(&file.path)).collect()
        };
        DataSummary {
            data_written: data(false),
            data_shared: data(true),
            data_replaced: saved.replaced.iter().map(|path| text(path)).collect(),
            data_moved: saved.moved,
        }
    }
}

/// What `strip-bias` did.
#[derive(Serialize)]
pub struct StripSummary<'a> {
    /// The model, and the file that was written.
    #[serde(flatten)]
    pub file: FileSummary,
    /// What was stripped and what was kept.
    #[serde(flatten)]
    pub report: &'a StripReport,
    /// What the comparison found; absent when nothing was stripped or it was not wanted.
    pub verification: Option<&'a Verification>,
}

/// What `recalibrate` did.
#[derive(Serialize)]
pub struct RecalibrateSummary<'a> {
    /// The model, and the file that was written.
    #[serde(flatten)]
    pub file: FileSummary,
    /// BatchNormalizations that were put into inference mode before.
    pub frozen: &'a [String],
    /// What was measured, what was left and why.
    #[serde(flatten)]
    pub report: &'a RecalibrateReport,
    /// What it was measured on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a Manifest>,
    /// How well the model classifies, if there are labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top1: Option<AccuracyChange>,
}

/// How well a model classifies before and after.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AccuracyChange {
    /// The model.
    pub before: Top1,
    /// The result.
    pub after: Top1,
    /// Whether it was measured on the data that the statistics come from.
    pub on_calibration_data: bool,
}

/// What `verify` found.
#[derive(Serialize)]
pub struct VerifySummary<'a> {
    /// The first model.
    pub original: String,
    /// The second model.
    pub result: String,
    /// What the comparison found.
    #[serde(flatten)]
    pub verification: &'a Verification,
}

/// What `diff` found.
#[derive(Serialize)]
pub struct DiffSummary<'a> {
    /// The first model.
    pub a: String,
    /// The second model.
    pub b: String,
    /// Whether they differ.
    pub differs: bool,
    /// How.
    #[serde(flatten)]
    pub diff: DiffExtent<'a>,
}

/// How much of a difference is told.
#[derive(Serialize)]
#[serde(untagged)]
pub enum DiffExtent<'a> {
    /// All of it.
    All(&'a ModelDiff),
    /// The figures.
    Summary {
        /// Before and after.
        summary: &'a Summary,
    },
}

/// What `inspect` found.
#[derive(Serialize)]
pub struct InspectSummary<'a> {
    /// The model.
    pub model: String,
    /// The IR version.
    pub ir_version: Option<i64>,
    /// The version of the standard operator set.
    pub opset: i64,
    /// How many nodes there are, subgraphs and functions included.
    pub nodes: usize,
    /// How many elements the initializers of the main graph have.
    pub parameters: u64,
    /// The element type that most of them have.
    pub element: Option<&'static str>,
    /// The operators that tract lacks, so that it cannot verify what is done to the model.
    pub unsupported: Vec<MissingOperator>,
    /// How many BatchNormalizations fold.
    pub foldable: usize,
    /// One entry per BatchNormalization, in graph order.
    pub norms: Vec<InspectedNorm<'a>>,
}

/// What `inspect` says of one BatchNormalization.
#[derive(Serialize)]
pub struct InspectedNorm<'a> {
    /// Whether it folds.
    #[serde(flatten)]
    pub fold: &'a NormReport,
    /// The nodes that add a bias before it that its mean could take in.
    pub redundant_bias: Vec<Term>,
}

impl<'a> InspectSummary<'a> {
    /// Looks at a model of which it is known what folds, and what could be stripped.
    pub fn new(path: &Path, model: &ModelProto, report: &'a FoldReport, strip: StripReport) -> Self {
        let biases = strip.norms.into_iter().map(|norm| match norm.outcome {
            strip_bias::Outcome::Stripped { from, .. } => from,
            _ => Vec::new(),
        });
        let norms = report.norms.iter().filter(|norm| norm.is_norm());
        let norms = norms.zip(biases).map(|(fold, redundant_bias)| InspectedNorm { fold, redundant_bias });
        let graph = model.graph.as_ref();
        let tensors = graph.map_or(&[][..], |graph| &graph.initializer);
        let count = |dims: &[i64]| element_count(dims).unwrap_or(0) as u64;
        let largest = tensors.iter().max_by_key(|tensor| count(&tensor.dims));
        InspectSummary {
            model: path.display().to_string(),
            ir_version: model.ir_version,
            opset: crate::onnx::access::standard_opset(&model.opset_import),
            nodes: report.nodes_before,
            parameters: tensors.iter().map(|tensor| count(&tensor.dims)).fold(0, u64::saturating_add),
            element: largest.and_then(|tensor| tensor.element()).map(DataType::name),
            unsupported: unsupported_operators(model).iter().map(MissingOperator::from).collect(),
            foldable: report.folded,
            norms: norms.collect(),
        }
    }
}
