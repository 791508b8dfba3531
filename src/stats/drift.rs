//! How much the statistics of a BatchNormalization changed, and what that does to its gain.

use super::gaussians::Gaussians;
use serde::Serialize;

/// A gain |γ|/√(σ²+ε) above this magnifies rounding and noise of the input to what can be seen.
pub const HIGH_GAIN: f64 = 1e3;
/// A variance of no more than this share of ε is that of a dead channel.
pub const DEAD_SHARE: f64 = 1e-3;

/// What became of the statistics of one BatchNormalization.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Drift {
    /// The symmetric Kullback–Leibler divergence between old and new, in nats: the mean over channels.
    pub mean: f64,
    /// The channel that drifted most; nothing if there are no channels.
    pub worst: Option<ChannelDrift>,
    /// The channel whose gain changed by the largest factor, up or down; nothing if γ is 0 in all.
    pub gain: Option<GainChange>,
    /// The largest new gain |γ|/√(σ²+ε) of all channels.
    pub max_gain: f64,
    /// Channels whose new gain is above [`HIGH_GAIN`].
    pub high_gain: Vec<usize>,
    /// Channels whose new variance is at most [`DEAD_SHARE`] of ε, or 0: what comes out of them is β and
    /// 3 % of γ at most, whatever comes in.
    pub dead: Vec<usize>,
}

/// The drift of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChannelDrift {
    /// Which one, from 0.
    pub channel: usize,
    /// The symmetric divergence, in nats.
    pub divergence: f64,
}

/// The gain |γ|/√(σ²+ε) of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GainChange {
    /// Which one, from 0.
    pub channel: usize,
    /// With the old variance.
    pub before: f64,
    /// With the new variance.
    pub after: f64,
}

impl GainChange {
    /// log₂ of the factor: 1 for twice the gain, −1 for half of it.
    pub fn octaves(&self) -> f64 {
        (self.after / self.before).log2()
    }
}

/// How far statistics are from others, for a BatchNormalization with these γ, `[C]`, and this ε.
///
/// What is compared is Gaussians of variance σ²+ε, which is what the operator takes its input for:
/// a channel that is constant before and after has not drifted, whatever its variances are.
pub fn drift(old: Gaussians, new: Gaussians, gamma: &[f64], epsilon: f64) -> Drift {
    let mut drift = Drift::default();
    let mut channels = 0usize;
    for (channel, ((old, new), gamma)) in old.pairs(new).zip(gamma).enumerate() {
        channels += 1;
        drift.add_divergence(channel, divergence((old.0, old.1 + epsilon), (new.0, new.1 + epsilon)));
        drift.add_gain(channel, [old.1, new.1].map(|variance| gain(*gamma, variance, epsilon)));
        if new.1 == 0.0 || new.1 <= DEAD_SHARE * epsilon {
            drift.dead.push(channel);
        }
    }
    drift.mean /= channels.max(1) as f64;
    drift
}

impl Drift {
    /// Adds to the sum that becomes the mean.
    fn add_divergence(&mut self, channel: usize, divergence: f64) {
        self.mean += divergence;
        if self.worst.is_none_or(|worst| divergence > worst.divergence) {
            self.worst = Some(ChannelDrift { channel, divergence });
        }
    }

    fn add_gain(&mut self, channel: usize, [before, after]: [f64; 2]) {
        let change = GainChange { channel, before, after };
        self.max_gain = self.max_gain.max(after);
        if after > HIGH_GAIN {
            self.high_gain.push(channel);
        }
        if after > 0.0 && self.gain.is_none_or(|largest| change.octaves().abs() > largest.octaves().abs()) {
            self.gain = Some(change);
        }
    }
}

fn gain(gamma: f64, variance: f64, epsilon: f64) -> f64 {
    gamma.abs() / (variance + epsilon).sqrt()
}

/// The symmetric Kullback–Leibler divergence KL(p‖q) + KL(q‖p) of two Gaussians (μ, σ²), in nats:
/// ½[(σ₁²+Δμ²)/σ₂² + (σ₂²+Δμ²)/σ₁²] − 1 (Jeffreys, "An invariant form for the prior probability in
/// estimation problems", 1946). Infinite if one of them is a point and the other is not the same, and
/// where the numbers are none or a variance is negative.
pub fn divergence(p: (f64, f64), q: (f64, f64)) -> f64 {
    if p == q {
        return 0.0;
    }
    if p.1 < 0.0 || q.1 < 0.0 {
        return f64::INFINITY;
    }
    let shift = (p.0 - q.0).powi(2);
    // (σ₁² − σ₂²)² / (2σ₁²σ₂²) is the same as ½(σ₁²/σ₂² + σ₂²/σ₁²) − 1, without its cancellation.
    let spread = (p.1 - q.1) / p.1 * ((p.1 - q.1) / q.1) / 2.0;
    let divergence = spread + shift * (1.0 / p.1 + 1.0 / q.1) / 2.0;
    if divergence.is_nan() { f64::INFINITY } else { divergence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// ∫ (p − q)·ln(p/q) by the trapezoidal rule, which is exact to rounding for such functions.
    fn integrated(p: (f64, f64), q: (f64, f64)) -> f64 {
        let log = |(mean, variance): (f64, f64), x: f64| {
            -(x - mean).powi(2) / (2.0 * variance) - (2.0 * std::f64::consts::PI * variance).ln() / 2.0
        };
        let width = 12.0 * p.1.max(q.1).sqrt();
        let (from, to) = (p.0.min(q.0) - width, p.0.max(q.0) + width);
        let step = p.1.min(q.1).sqrt() / 20.0;
        let places = (0..=((to - from) / step) as usize).map(|place| from + place as f64 * step);
        places.map(|x| (log(p, x).exp() - log(q, x).exp()) * (log(p, x) - log(q, x)) * step).sum()
    }

    proptest! {
        #[test]
        fn the_divergence_is_that_of_the_definition(
            p in (-3.0..3.0f64, 0.2..4.0f64), q in (-3.0..3.0f64, 0.2..4.0f64),
        ) {
            let (ours, integral) = (divergence(p, q), integrated(p, q));
            prop_assert!((ours - integral).abs() <= 1e-9 * (1.0 + integral), "{ours} is not {integral}");
            prop_assert!((ours - divergence(q, p)).abs() <= 1e-12 * ours && ours >= 0.0);
            let formula = ((p.1 + (p.0 - q.0).powi(2)) / q.1 + (q.1 + (p.0 - q.0).powi(2)) / p.1) / 2.0 - 1.0;
            prop_assert!((ours - formula).abs() <= 1e-12 * (1.0 + formula));
        }
    }

    #[test]
    fn small_divergences_keep_their_digits() {
        // δ²/2 for a variance that is off by δ: the formula with − 1 gives 0 or 1e-16 here.
        let off = divergence((0.0, 1.0), (0.0, 1.0 + 1e-9));
        assert!((off - 5e-19).abs() < 1e-6 * 5e-19, "{off}");
        assert_eq!(divergence((5.0, 0.0), (5.0, 0.0)), 0.0);
        assert_eq!(divergence((5.0, 0.0), (5.0, 1.0)), f64::INFINITY);
        assert_eq!(divergence((5.0, 0.0), (6.0, 0.0)), f64::INFINITY);
        assert_eq!(divergence((f64::NAN, 1.0), (6.0, 1.0)), f64::INFINITY);
        assert_eq!(divergence((6.0, -0.5), (6.0, 1.0)), f64::INFINITY);
    }

    #[test]
    fn mean_worst_gain_and_dead_channels() {
        let epsilon = 1e-5;
        let old = Gaussians::new(&[0.0, 0.0, 1.0], &[1.0 - 1e-5, 4.0, 1e-9]);
        let new = Gaussians::new(&[1.0, 0.0, 1.0], &[1.0 - 1e-5, 1.0, 0.0]);
        let drift = drift(old, new, &[2.0, 1.0, 4.0], epsilon);
        let worst = drift.worst.unwrap();
        assert_eq!(worst.channel, 1);
        assert!((worst.divergence - 1.125).abs() < 1e-4, "{worst:?}");
        assert!((drift.mean - (1.0 + 1.125) / 3.0).abs() < 1e-4, "{drift:?}");
        let gain = drift.gain.unwrap();
        assert!(gain.channel == 1 && (gain.octaves() - 1.0).abs() < 1e-4, "{gain:?}");
        assert!((drift.max_gain - 4.0 / epsilon.sqrt()).abs() < 1.0);
        assert_eq!((drift.high_gain, drift.dead), (vec![2], vec![2]));
    }

    #[test]
    fn channels_that_pass_nothing_on_have_no_gain() {
        let (old, new) = (Gaussians::new(&[0.0], &[1.0]), Gaussians::new(&[0.0], &[9.0]));
        let drift = drift(old, new, &[0.0], 1e-5);
        assert_eq!((drift.gain, drift.max_gain), (None, 0.0));
        assert_eq!(super::drift(Gaussians::new(&[], &[]), Gaussians::new(&[], &[]), &[], 1e-5), Drift::default());
    }
}
