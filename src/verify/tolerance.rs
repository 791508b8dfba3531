//! How far results may be apart.

use super::VerifyOptions;
use crate::onnx::element::FloatType;

/// The tolerances of one comparison.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Relative to each element.
    pub rtol: f64,
    /// Absolute, if it was given.
    pub atol: Option<f64>,
    /// How little the f64 verdict may be content with: what the caller asked for, if anything.
    asked: f64,
    /// The unit roundoff of the weights.
    unit: f64,
}

/// The default relative tolerance of a type.
///
/// A dot product of K terms, each rounded, is off by about √K·u of its size, and L layers in
/// a row by √L times as much; for the largest networks in use, K = 5000 and L = 200, that is
/// 1000·u, or 6e-5 in f32: 1e-4. f16 and bf16 are run in f32, so that all that differs is the
/// rounding of changed weights, at most u each and not growing with K: 2e-2 = 40·u and
/// 1e-1 = 26·u. In f64 everything is far below 1e-9.
pub fn default_rtol(weights: FloatType) -> f64 {
    match weights {
        FloatType::F32 => 1e-4,
        FloatType::F16 => 2e-2,
        FloatType::Bf16 => 1e-1,
        FloatType::F64 => 1e-9,
    }
}

impl Tolerance {
    /// The tolerance of a floating-point output of models with such weights; other outputs
    /// (`None`) must be equal unless the options say otherwise.
    pub fn new(weights: Option<FloatType>, options: &VerifyOptions) -> Self {
        let (rtol, atol) = match weights {
            Some(weights) => (default_rtol(weights), None),
            None => (0.0, Some(0.0)),
        };
        Tolerance {
            rtol: options.rtol.unwrap_or(rtol),
            atol: options.atol.or(atol),
            asked: options.rtol.unwrap_or(0.0),
            unit: weights.map_or(0.0, FloatType::unit_roundoff),
        }
    }

    /// The absolute tolerance: as given, else the relative one of the largest element, since
    /// an element near zero is the difference of larger ones and has their error.
    pub fn atol(&self, max_reference: f64) -> f64 {
        self.atol.unwrap_or(self.rtol * max_reference)
    }

    /// How far the result may be from the original when both are computed in f64, relative to
    /// the largest element; `native` is the error of the original in its own arithmetic.
    ///
    /// The weights that were changed are rounded once each, which moves the output by some
    /// small multiple of u (measured on networks of 20 to 53 layers: 1.3·u to 15·u). 64·u is
    /// 3.8e-6 in f32: an ε that was forgotten (1e-5 beside a variance of 1, so 5e-6) is seen.
    /// A network that amplifies errors does so with those of its own arithmetic too, so eight
    /// times those are allowed, scaled from the type it ran in to that of the weights.
    pub fn algebra_limit(&self, native: f64) -> f64 {
        let ran_in = FloatType::F32.unit_roundoff();
        let amplified = 2.0 * native * (self.unit / ran_in).max(1.0);
        let limit = (64.0 * self.unit).max(if amplified.is_finite() { amplified } else { 0.0 });
        limit.max(self.asked)
    }
}
