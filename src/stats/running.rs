//! What a BatchNormalization normalises by.

use super::{Gaussians, Moments};

/// Mean and variance of each channel, `[C]` both: what ONNX calls `input_mean` and `input_var`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunningStatistics {
    /// μ.
    pub mean: Vec<f64>,
    /// σ².
    pub variance: Vec<f64>,
}

/// What the variance of n numbers is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variance {
    /// n: that of these very numbers.
    #[default]
    Population,
    /// n − 1: the unbiased estimate for what they are a sample of. PyTorch's running variance.
    Unbiased,
}

impl RunningStatistics {
    /// Them, to compute with.
    pub fn gaussians(&self) -> Gaussians<'_> {
        Gaussians::new(&self.mean, &self.variance)
    }

    /// The channels, (μ, σ²) each.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        self.mean.iter().copied().zip(self.variance.iter().copied())
    }

    /// Those of measured moments.
    pub fn of(moments: &Moments, variance: Variance) -> RunningStatistics {
        let channels = moments.channels.iter();
        let corrected = channels.map(|moment| {
            let divisor = match variance {
                Variance::Population => moment.count as f64,
                Variance::Unbiased => moment.count.saturating_sub(1) as f64,
            };
            (moment.m2 / divisor).max(0.0)
        });
        RunningStatistics { mean: moments.means(), variance: corrected.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unbiased_variance_is_that_of_the_population_times_n_over_n_minus_1() {
        let mut moments = Moments::new(1);
        moments.add(0, &[1.0, 2.0, 6.0]);
        let of = |variance| RunningStatistics::of(&moments, variance);
        assert_eq!(of(Variance::Population), RunningStatistics { mean: vec![3.0], variance: vec![14.0 / 3.0] });
        assert_eq!(of(Variance::Unbiased), RunningStatistics { mean: vec![3.0], variance: vec![7.0] });
    }
}
