//! Top-1 accuracy: how often the largest output is that of the label.

use crate::data::Dataset;
use crate::engine::Array;
use crate::onnx::schema::ModelProto;
use crate::stats::{MeasureError, Probe};
use serde::Serialize;

/// How many of so many samples were classified as their labels say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Top1 {
    /// So many were right,
    pub right: usize,
    /// of so many.
    pub samples: usize,
}

/// Why accuracy cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum AccuracyError {
    /// The model cannot be run on the data.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The model does not classify.
    #[error("the first output has the shape {shape:?}: it is no score per class for each sample, [samples, classes]")]
    NoClasses {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Not every sample has a label.
    #[error("there are {labels} labels, but sample {sample} is row {row} of the data")]
    NoLabel {
        /// How many labels there are.
        labels: usize,
        /// The sample.
        sample: usize,
        /// Where it is in the data.
        row: usize,
    },
}

impl Top1 {
    /// The share that is right.
    pub fn share(self) -> f64 {
        self.right as f64 / self.samples.max(1) as f64
    }
}

/// Runs a model over data. `labels` has the class of each row of the source.
///
/// # Errors
/// When the model does not run, its first output is no score per class, or a sample has no label.
pub fn top1(
    model: &ModelProto,
    data: &dyn Dataset,
    labels: &[i64],
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Top1, AccuracyError> {
    let missing = |sample: &usize| data.source_row(*sample) >= labels.len();
    if let Some(sample) = (0..data.samples()).find(missing) {
        return Err(AccuracyError::NoLabel { labels: labels.len(), sample, row: data.source_row(sample) });
    }
    let mut top1 = Top1::default();
    let mut wrong_shape = None;
    Probe::new(model, 0, data, threads)?.outputs(progress, |first, rows, outputs| {
        match outputs.first().map(|output| classes(output, rows)) {
            Some(Ok(classes)) => {
                for (sample, class) in (first..).zip(classes) {
                    top1.samples += 1;
                    top1.right += usize::from(labels[data.source_row(sample)] == class as i64);
                }
            }
            Some(Err(shape)) => wrong_shape = Some(shape),
            None => wrong_shape = Some(Vec::new()),
        }
    })?;
    wrong_shape.map_or(Ok(top1), |shape| Err(AccuracyError::NoClasses { shape }))
}

/// The class of each of the first rows of `[samples, classes]`; further axes must be 1 long.
fn classes(output: &Array, rows: usize) -> Result<Vec<usize>, Vec<usize>> {
    let shape = output.shape();
    let is_score = shape.len() >= 2 && shape[0] >= rows && shape[1] > 1 && shape[2..].iter().all(|length| *length == 1);
    if !is_score {
        return Err(shape.to_vec());
    }
    let values = output.values();
    Ok(values.chunks_exact(shape[1]).take(rows).map(largest).collect())
}

/// The place of the largest number, the first of them; NaN is never the largest.
fn largest(scores: &[f64]) -> usize {
    let better =
        |best: usize, place: usize| if scores[place] > scores[best] || scores[best].is_nan() { place } else { best };
    (1..scores.len()).fold(0, better)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::element::FloatType;

    #[test]
    fn the_class_is_the_place_of_the_first_largest_score() {
        let array =
            |shape: &[usize], values: &[f64]| Array::floats(FloatType::F64, shape.into(), values).expect("consistent");
        let scores = [1.0, 3.0, 3.0, f64::NAN, -1.0, f64::NEG_INFINITY];
        assert_eq!(classes(&array(&[2, 3], &scores), 2), Ok(vec![1, 1]));
        assert_eq!(classes(&array(&[2, 3, 1, 1], &scores), 1), Ok(vec![1]));
        assert_eq!(classes(&array(&[1, 3, 2], &scores), 1), Err(vec![1, 3, 2]));
        assert_eq!(classes(&array(&[6], &scores), 1), Err(vec![6]));
    }
}
