//! Mean and variance, channel by channel, in one pass and from any number of parts.
//!
//! Parts are merged by the formula of Chan, Golub and LeVeque, "Updating Formulae and a Pairwise
//! Algorithm for Computing Sample Variances", 1979: independent of how the numbers are split and in
//! which order they come, up to rounding. Never E\[x²\] − E\[x\]², which loses all digits where the
//! mean is large.

use super::kernel::{self, Number};
use serde::Serialize;

/// Count, mean and sum of squared deviations of the numbers of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Moment {
    /// n: how many numbers.
    pub count: u64,
    /// Their mean; 0 if there are none.
    pub mean: f64,
    /// M₂ = Σ (x − mean)².
    pub m2: f64,
}

/// The moments of each channel, `[C]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Moments {
    /// One per channel.
    pub channels: Vec<Moment>,
}

impl Moment {
    /// Of a run of numbers, in two passes over each block of them.
    pub fn of<T: Number>(numbers: &[T]) -> Moment {
        kernel::of(numbers)
    }

    /// Of the numbers of both.
    #[must_use]
    pub fn merge(self, other: Moment) -> Moment {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let (own, theirs) = (self.count as f64, other.count as f64);
        let (total, delta) = (own + theirs, other.mean - self.mean);
        Moment {
            count: self.count.saturating_add(other.count),
            mean: self.mean + delta * (theirs / total),
            m2: self.m2 + other.m2 + delta * delta * (own * theirs / total),
        }
    }

    /// The variance of the population, M₂ / n; `None` if there are no numbers.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.m2 / self.count as f64).max(0.0))
    }
}

impl Moments {
    /// Of no numbers.
    pub fn new(channels: usize) -> Moments {
        Moments { channels: vec![Moment::default(); channels] }
    }

    /// Of the first `rows` of numbers seen as `[outer, channels, inner]`, row-major.
    pub fn of_planes<T: Number>(numbers: &[T], channels: usize, inner: usize, rows: usize) -> Moments {
        let mut moments = Moments::new(channels);
        moments.add_planes(numbers, inner, rows);
        moments
    }

    /// Adds the first `rows` of numbers seen as `[outer, channels, inner]`, row-major; fewer where there
    /// are fewer whole ones.
    pub fn add_planes<T: Number>(&mut self, numbers: &[T], inner: usize, rows: usize) {
        let row = self.channels.len().saturating_mul(inner);
        let counted = row.saturating_mul(rows).min(numbers.len());
        kernel::add(&mut self.channels, &numbers[..counted], inner);
    }

    /// Adds numbers of one channel; one that is not there is not counted.
    pub fn add<T: Number>(&mut self, channel: usize, numbers: &[T]) {
        if let Some(moment) = self.channels.get_mut(channel) {
            *moment = moment.merge(Moment::of(numbers));
        }
    }

    /// Adds the numbers of another one, of as many channels.
    pub fn merge(&mut self, other: &Moments) {
        self.channels.iter_mut().zip(&other.channels).for_each(|(own, other)| *own = own.merge(*other));
    }

    /// Whether every channel has seen a number, and all that was seen is finite.
    pub fn are_finite(&self) -> bool {
        self.channels.iter().all(|moment| moment.count > 0 && moment.mean.is_finite() && moment.m2.is_finite())
    }

    /// μ, `[C]`.
    pub fn means(&self) -> Vec<f64> {
        self.channels.iter().map(|moment| moment.mean).collect()
    }

    /// σ² of the population, `[C]`; 1 for a channel that has seen nothing.
    pub fn variances(&self) -> Vec<f64> {
        self.channels.iter().map(|moment| moment.variance().unwrap_or(1.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Straight from the definition.
    fn defined(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|x| (x - mean).powi(2)).sum())
    }

    fn is_close(moment: Moment, values: &[f64]) -> bool {
        let (mean, m2) = defined(values);
        let size = values.iter().fold(0.0f64, |size, x| size.max(x.abs()));
        let spread = 1e-12 * (m2 + size * size * values.len() as f64 * 1e-3);
        moment.count == values.len() as u64
            && (moment.mean - mean).abs() <= 1e-14 * size
            && (moment.m2 - m2).abs() <= spread
    }

    proptest! {
        #[test]
        fn any_split_gives_the_moments_of_the_whole(
            values in prop::collection::vec(-1e3..1e3f64, 1..200),
            cuts in prop::collection::vec(0usize..200, 0..5),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(values.len())).collect();
            cuts.extend([0, values.len()]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|cut| Moment::of(&values[cut[0]..cut[1]]));
            prop_assert!(is_close(parts.fold(Moment::default(), Moment::merge), &values));
        }

        #[test]
        fn the_order_of_parts_does_not_matter(
            a in prop::collection::vec(-9.0..9.0f64, 0..50), b in prop::collection::vec(90.0..99.0f64, 1..50),
        ) {
            let both = [a.clone(), b.clone()].concat();
            let (a, b) = (Moment::of(&a), Moment::of(&b));
            prop_assert!(is_close(a.merge(b), &both) && is_close(b.merge(a), &both));
        }
    }

    #[test]
    fn a_large_mean_costs_no_digits() {
        // E[x²] − E[x]² is off by 100 here. The mean of a block is stored to within ulp(1e9) = 1.2e-7, and
        // the variance is off by no more than that times the deviation, 0.5.
        let values: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 2)).collect();
        let blocks = values.chunks(7).map(Moment::of).fold(Moment::default(), Moment::merge);
        assert!((blocks.variance().expect("numbers") - 0.25).abs() < 0.5 * 1.2e-7, "{blocks:?}");
    }

    #[test]
    fn channels_are_counted_apart() {
        let mut moments = Moments::new(2);
        assert!(!moments.are_finite());
        moments.add(0, &[1.0, 3.0]);
        moments.add(1, &[5.0]);
        moments.add(2, &[f64::NAN]);
        let mut other = Moments::new(2);
        other.add(1, &[7.0]);
        moments.merge(&other);
        assert_eq!((moments.means(), moments.variances()), (vec![2.0, 6.0], vec![1.0, 1.0]));
        assert!(moments.are_finite());
        moments.add(0, &[f64::INFINITY]);
        assert!(!moments.are_finite());
    }
}
