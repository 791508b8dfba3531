//! Mean and variance of each channel, as pairs to compute with.

/// The mean and the variance of each channel: what a BatchNormalization takes its input for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussians<'a> {
    /// μ, `[C]`.
    pub mean: &'a [f64],
    /// σ², `[C]`.
    pub variance: &'a [f64],
}

impl<'a> Gaussians<'a> {
    /// Of these means and variances, as many of both.
    pub fn new(mean: &'a [f64], variance: &'a [f64]) -> Gaussians<'a> {
        Gaussians { mean, variance }
    }

    /// The channels of this and another one, (μ, σ²) each.
    pub(super) fn pairs(self, other: Gaussians<'a>) -> impl Iterator<Item = ((f64, f64), (f64, f64))> + 'a {
        self.channels().zip(other.channels())
    }

    fn channels(self) -> impl Iterator<Item = (f64, f64)> + 'a {
        self.mean.iter().copied().zip(self.variance.iter().copied())
    }
}
