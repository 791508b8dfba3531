//! How far statistics are from those that were in place while they were measured. Where all of them are
//! the same, the network is consistent with itself: each BatchNormalization normalises by what it sees.

use super::RunningStatistics;
use super::gaussians::Gaussians;

/// The least that a channel is taken to vary, relative to its mean: below it, σ is rounding.
const LEAST_DEVIATION: f64 = 1e-6;

/// The largest |Δμ|/σ or |Δσ|/σ of all channels, σ as it is afterwards; 0 if there are none, infinite if
/// one of the numbers is none. A channel that does not vary is off by what it is off relative to its mean.
pub fn residual(before: Gaussians, after: Gaussians) -> f64 {
    let largest = |largest: f64, off: f64| if off.is_nan() { f64::INFINITY } else { largest.max(off) };
    before.pairs(after).map(|(before, after)| of_channel(before, after)).fold(0.0, largest)
}

/// The larger of |Δμ|/σ and |Δσ|/σ between two pairs (μ, σ²).
fn of_channel((mean_before, variance_before): (f64, f64), (mean, variance): (f64, f64)) -> f64 {
    let unit = variance.sqrt().max(LEAST_DEVIATION * mean.abs()).max(f64::MIN_POSITIVE);
    let off = [mean_before - mean, variance_before.sqrt() - variance.sqrt()].map(|off| off.abs() / unit);
    if off[0].is_nan() || off[1].is_nan() { f64::NAN } else { off[0].max(off[1]) }
}

/// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) of all channels, with the σ of `after`: how far what is
/// normalised is off, before γ. A channel that does not vary has ε for a unit.
pub fn largest_distance(before: &RunningStatistics, after: &RunningStatistics, epsilon: f64) -> f64 {
    let means = before.mean.iter().zip(&after.mean);
    let variances = before.variance.iter().zip(&after.variance);
    let channels = means.zip(variances).map(|((mean_before, mean), (variance_before, variance))| {
        let unit = (variance + epsilon).sqrt().max(f64::MIN_POSITIVE);
        ((mean - mean_before).abs() / unit).max((variance.sqrt() - variance_before.sqrt()).abs() / unit)
    });
    channels.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: (f64, f64), after: (f64, f64)) -> f64 {
        residual(Gaussians::new(&[0.0, before.0], &[1.0, before.1]), Gaussians::new(&[0.0, after.0], &[1.0, after.1]))
    }

    #[test]
    fn it_is_the_largest_shift_in_standard_deviations() {
        assert_eq!(of((1.0, 4.0), (2.0, 4.0)), 0.5);
        assert_eq!(of((2.0, 1.0), (2.0, 4.0)), 0.5);
        assert_eq!(of((2.0, 4.0), (2.0, 4.0)), 0.0);
        assert_eq!(residual(Gaussians::new(&[], &[]), Gaussians::new(&[], &[])), 0.0);
    }

    #[test]
    fn a_channel_that_does_not_vary_is_measured_by_its_mean() {
        assert!((of((2.0 + 2e-6, 0.0), (2.0, 0.0)) - 1.0).abs() < 1e-9);
        assert_eq!(of((0.0, 0.0), (0.0, 0.0)), 0.0);
        assert!(of((1.0, 0.0), (0.0, 0.0)) > 1e300);
    }

    #[test]
    fn what_is_no_number_is_not_close_to_anything() {
        assert_eq!(of((f64::NAN, 1.0), (0.0, 1.0)), f64::INFINITY);
        assert_eq!(of((0.0, -1.0), (0.0, 1.0)), f64::INFINITY);
    }
}
