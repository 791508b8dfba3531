//! What is found.

use super::touched::Touched;
use crate::diff::ModelDiff;
use serde::Serialize;

/// A value that differs between two models, while all that it is computed from is the same, as far
/// as it has a partner in the other model.
#[derive(Clone, Debug, Serialize)]
pub struct Location {
    /// The value in the original.
    pub original: Place,
    /// The value in the result.
    pub result: Place,
    /// Whether it is an output of the models.
    pub is_output: bool,
    /// How the two differ; nothing if they cannot be compared element by element, because their
    /// shapes or types differ.
    pub difference: Option<ValueDifference>,
    /// The nearest values before it that have a partner: all of them are the same.
    pub agreeing: Vec<Agreement>,
    /// The nodes between these and the value that are not the same in both models.
    pub touched: Vec<Touched>,
    /// All that differs between these and the value.
    pub changes: ModelDiff,
    /// How many values could be compared, outputs included.
    pub candidates: usize,
    /// How many of them were.
    pub compared: usize,
}

/// A value of one of the models.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// Its name.
    pub value: String,
    /// The node that makes it; none makes an input or an initializer.
    pub node: Option<NodeName>,
    /// What its elements are.
    pub statistics: Statistics,
}

/// A node, as a user knows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeName {
    /// Its name, or its first output if it has none.
    pub name: String,
    /// Its operator, with its domain if that is not the standard one.
    pub operator: String,
}

/// What the elements of a value are. Mean and the like are of those that are finite.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// The element type that it was computed in.
    pub element: &'static str,
    /// The shape.
    pub shape: Vec<usize>,
    /// The smallest element.
    pub min: Option<f64>,
    /// The largest element.
    pub max: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation.
    pub std: Option<f64>,
    /// How many elements are NaN.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
}

/// How a value of the result differs from that of the original.
#[derive(Clone, Debug, Serialize)]
pub struct ValueDifference {
    /// The largest absolute difference.
    pub max_abs: f64,
    /// The same, relative to the largest element.
    pub max_rel: f64,
    /// The share of elements that are beyond the tolerance. It is 0 where only f64 shows the
    /// difference.
    pub mismatched: f64,
    /// The absolute tolerance.
    pub atol: f64,
    /// The relative tolerance.
    pub rtol: f64,
    /// The element that is furthest beyond the relative tolerance.
    pub worst: Option<WorstElement>,
    /// The verdict in f64, if there is one.
    pub f64: Option<Algebra>,
}

/// One element of both values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorstElement {
    /// Its place.
    pub index: Vec<usize>,
    /// What it is in the original.
    pub original: f64,
    /// What it is in the result.
    pub result: f64,
}

/// The difference of both models run in f64, relative to the largest element.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Algebra {
    /// The difference.
    pub error: f64,
    /// What rounding the weights explains.
    pub limit: f64,
}

/// A value that is the same in both models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Its name in the original.
    pub original: String,
    /// Its name in the result.
    pub result: String,
    /// The largest difference, relative to the largest element.
    pub max_rel: f64,
    /// The same in f64, if it was computed.
    pub f64: Option<f64>,
}
