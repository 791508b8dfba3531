//! How far statistics are from others, in the unit of what a BatchNormalization gives.

use crate::stats::RunningStatistics;

/// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) of all channels, with the σ of `after`: how far what is
/// normalised is off, before γ. A channel that does not vary has ε for a unit. Infinite where one is no
/// number, or a variance is negative.
pub fn largest_distance(before: &RunningStatistics, after: &RunningStatistics, epsilon: f64) -> f64 {
    let means = before.mean.iter().zip(&after.mean);
    let variances = before.variance.iter().zip(&after.variance);
    let channels = means.zip(variances).map(|((mean_before, mean), (variance_before, variance))| {
        let unit = (variance + epsilon).sqrt().max(f64::MIN_POSITIVE);
        larger((mean - mean_before).abs() / unit, (variance.sqrt() - variance_before.sqrt()).abs() / unit)
    });
    channels.fold(0.0, larger)
}

/// `f64::max` would take the other one of NaN and a number.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_worst_of_mean_and_deviation_over_all_channels() {
        let of =
            |mean: [f64; 2], variance: [f64; 2]| RunningStatistics { mean: mean.into(), variance: variance.into() };
        let after = of([1.0, 2.0], [4.0, 15.0]);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} {b}");
        near(largest_distance(&after, &after, 1.0), 0.0);
        near(largest_distance(&of([1.0, 4.0], [4.0, 15.0]), &after, 1.0), 0.5);
        near(largest_distance(&of([1.0, 2.0], [16.0, 15.0]), &after, 0.0), 1.0);
        let constant = of([1.0, 1.0], [0.0, 0.0]);
        near(largest_distance(&of([1.0, 1.1], [0.0, 0.0]), &constant, 1e-2), 1.0);
    }
    #[test]
    fn what_is_no_number_is_infinitely_far() {
        let of = |mean: f64, variance: f64| RunningStatistics { mean: vec![mean, 0.0], variance: vec![variance, 1.0] };
        for wrong in [of(f64::NAN, 1.0), of(1.0, f64::NAN), of(f64::INFINITY, 1.0), of(0.0, -1.0)] {
            assert_eq!(largest_distance(&wrong, &of(0.0, 1.0), 1e-5), f64::INFINITY);
            assert_eq!(largest_distance(&of(0.0, 1.0), &wrong, 1e-5), f64::INFINITY);
        }
    }
}
