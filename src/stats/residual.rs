//! How far statistics are from those that were in place while they were measured. Where all of them are
//! the same, the network is consistent with itself: each BatchNormalization normalises by what it sees.

use super::gaussians::Gaussians;

/// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) of all channels, σ as it is afterwards: how far what is
/// normalised is off, before γ. 0 if there are no channels, infinite if one of the numbers is none. A
/// channel that does not vary has ε for a unit.
pub fn residual(before: Gaussians, after: Gaussians, epsilon: f64) -> f64 {
    let largest = |largest: f64, off: f64| if off.is_nan() { f64::INFINITY } else { largest.max(off) };
    before.pairs(after).map(|(before, after)| of_channel(before, after, epsilon)).fold(0.0, largest)
}

/// The larger of |Δμ| and |Δσ| between two pairs (μ, σ²), in units of √(σ²+ε).
fn of_channel((mean_before, variance_before): (f64, f64), (mean, variance): (f64, f64), epsilon: f64) -> f64 {
    let unit = (variance + epsilon).sqrt().max(f64::MIN_POSITIVE);
    let off = [mean_before - mean, variance_before.sqrt() - variance.sqrt()].map(|off| off.abs() / unit);
    if off[0].is_nan() || off[1].is_nan() { f64::NAN } else { off[0].max(off[1]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: (f64, f64), after: (f64, f64), epsilon: f64) -> f64 {
        let first = Gaussians::new(&[0.0], &[1.0]);
        assert_eq!(residual(first, first, epsilon), 0.0);
        let (before, after) = ([[0.0, before.0], [1.0, before.1]], [[0.0, after.0], [1.0, after.1]]);
        residual(Gaussians::new(&before[0], &before[1]), Gaussians::new(&after[0], &after[1]), epsilon)
    }

    #[test]
    fn it_is_the_largest_shift_in_deviations() {
        assert_eq!(of((1.0, 4.0), (2.0, 4.0), 0.0), 0.5);
        assert_eq!(of((2.0, 1.0), (2.0, 4.0), 0.0), 0.5);
        assert_eq!(of((2.0, 15.0), (4.0, 15.0), 1.0), 0.5);
        assert_eq!(of((2.0, 4.0), (2.0, 4.0), 0.0), 0.0);
        assert_eq!(residual(Gaussians::new(&[], &[]), Gaussians::new(&[], &[]), 0.0), 0.0);
    }

    #[test]
    fn a_channel_that_does_not_vary_is_measured_by_epsilon() {
        assert!((of((1.1, 0.0), (1.0, 0.0), 1e-2) - 1.0).abs() < 1e-9);
        assert_eq!(of((0.0, 0.0), (0.0, 0.0), 0.0), 0.0);
        assert!(of((1.0, 0.0), (0.0, 0.0), 0.0) > 1e300);
    }

    #[test]
    fn what_is_no_number_is_not_close_to_anything() {
        assert_eq!(of((f64::NAN, 1.0), (0.0, 1.0), 1e-5), f64::INFINITY);
        assert_eq!(of((0.0, -1.0), (0.0, 1.0), 1e-5), f64::INFINITY);
    }
}
