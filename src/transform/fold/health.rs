//! What is remarkable about a BatchNormalization.

use crate::batch_norm::BatchNorm;
use serde::Serialize;

/// What is remarkable about the parameters of a BatchNormalization.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Health {
    /// The largest |γ| / sqrt(σ² + ε) of all channels.
    pub max_gain: f64,
    /// Channels with γ = 0: whatever comes in, β comes out.
    pub zero_scale: usize,
    /// Channels with a NaN or infinite parameter, or a negative variance.
    pub invalid: usize,
    /// All means are 0 and all variances 1: the statistics were never trained.
    pub untrained: bool,
}

impl Health {
    /// Looks at the parameters.
    pub fn of(norm: &BatchNorm) -> Health {
        let channels = 0..norm.channels();
        let gain = |channel: usize| (norm.scale[channel] / (norm.variance[channel] + norm.epsilon).sqrt()).abs();
        let invalid = |channel: &usize| {
            let all = [norm.scale[*channel], norm.bias[*channel], norm.mean[*channel], norm.variance[*channel]];
            all.iter().any(|number| !number.is_finite()) || norm.variance[*channel] < 0.0
        };
        Health {
            max_gain: channels.clone().map(gain).filter(|gain| gain.is_finite()).fold(0.0, f64::max),
            zero_scale: norm.scale.iter().filter(|scale| **scale == 0.0).count(),
            invalid: channels.filter(invalid).count(),
            untrained: norm.mean.iter().all(|mean| *mean == 0.0) && norm.variance.iter().all(|var| *var == 1.0),
        }
    }
}
