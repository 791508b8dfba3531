//! What the elements of a value are.

use super::location::Statistics;
use crate::engine::Array;

impl Statistics {
    /// The statistics of an array, in f64.
    pub(super) fn of(array: &Array) -> Self {
        let values = array.values();
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let count = finite().count() as f64;
        let mean = (count > 0.0).then(|| finite().map(|value| value / count).sum::<f64>());
        let variance = mean.map(|mean| finite().map(|value| (value - mean).powi(2) / count).sum::<f64>());
        Statistics {
            element: array.element().name(),
            shape: array.shape().to_vec(),
            min: finite().reduce(f64::min),
            max: finite().reduce(f64::max),
            mean,
            std: variance.map(f64::sqrt),
            nan: values.iter().filter(|value| value.is_nan()).count(),
            infinite: values.iter().filter(|value| value.is_infinite()).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::element::FloatType;

    fn of(values: &[f64]) -> Statistics {
        Statistics::of(&Array::floats(FloatType::F32, vec![values.len()], values).unwrap())
    }

    #[test]
    fn what_is_not_finite_is_counted_and_not_averaged() {
        let statistics = of(&[1.0, f64::NAN, 3.0, f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!((statistics.min, statistics.max, statistics.mean), (Some(1.0), Some(3.0), Some(2.0)));
        assert_eq!((statistics.std, statistics.nan, statistics.infinite), (Some(1.0), 1, 2));
    }

    #[test]
    fn nothing_has_no_mean() {
        for values in [&[][..], &[f64::NAN]] {
            let statistics = of(values);
            assert_eq!((statistics.min, statistics.mean, statistics.std), (None, None, None));
        }
    }
}
