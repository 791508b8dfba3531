//! The one idea: in inference mode a BatchNormalization is a map per channel.

use std::sync::Arc;

/// `y = scale ⊙ x + shift`, one pair of numbers per channel, in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelAffine {
    /// Shared with the weight that is scaled by it.
    scale: Arc<[f64]>,
    shift: Vec<f64>,
}

impl ChannelAffine {
    /// A map of as many channels as `scale` and `shift` have.
    ///
    /// # Panics
    /// When they have not the same length.
    pub fn new(scale: Vec<f64>, shift: Vec<f64>) -> Self {
        assert_eq!(scale.len(), shift.len(), "one scale and one shift per channel");
        ChannelAffine { scale: scale.into(), shift }
    }

    /// The number of channels.
    pub fn channels(&self) -> usize {
        self.scale.len()
    }

    /// The factors, one per channel.
    pub fn scale(&self) -> &Arc<[f64]> {
        &self.scale
    }

    /// The summands, one per channel.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    /// This map, and `next` after it: s₂(s₁x + t₁) + t₂ = s₂s₁x + (s₂t₁ + t₂).
    ///
    /// # Panics
    /// When the maps have not the same number of channels.
    pub fn then(&self, next: &ChannelAffine) -> ChannelAffine {
        assert_eq!(self.channels(), next.channels(), "maps of the same channels");
        let scale = self.scale.iter().zip(next.scale.iter()).map(|(first, second)| second * first).collect();
        let shift = self.shift.iter().zip(next.scale.iter().zip(&next.shift));
        let shift = shift.map(|(first, (scale, shift))| scale.mul_add(*first, *shift)).collect();
        ChannelAffine { scale, shift }
    }

    /// The map applied to one number of a channel.
    pub fn apply(&self, channel: usize, x: f64) -> f64 {
        self.scale[channel].mul_add(x, self.shift[channel])
    }

    /// Whether all numbers are finite.
    pub fn is_finite(&self) -> bool {
        self.scale.iter().chain(&self.shift).all(|number| number.is_finite())
    }

    /// Whether the map shifts nothing: a bias is not needed for it.
    pub fn has_no_shift(&self) -> bool {
        self.shift.iter().all(|shift| *shift == 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map() -> impl Strategy<Value = ChannelAffine> {
        prop::collection::vec((-4.0..4.0f64, -4.0..4.0f64), 3).prop_map(|pairs| {
            let (scale, shift) = pairs.into_iter().unzip();
            ChannelAffine::new(scale, shift)
        })
    }

    proptest! {
        #[test]
        fn composition_is_one_after_the_other(first in map(), second in map(), x in -9.0..9.0f64) {
            let both = first.then(&second);
            for channel in 0..3 {
                let one_by_one = second.apply(channel, first.apply(channel, x));
                prop_assert!((both.apply(channel, x) - one_by_one).abs() <= 1e-13 * (1.0 + one_by_one.abs()) * 64.0);
            }
        }

        #[test]
        fn composition_is_associative(a in map(), b in map(), c in map()) {
            let (left, right) = (a.then(&b).then(&c), a.then(&b.then(&c)));
            for (left, right) in left.shift().iter().zip(right.shift()) {
                prop_assert!((left - right).abs() <= 1e-12);
            }
        }
    }
}
