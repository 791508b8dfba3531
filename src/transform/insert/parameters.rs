//! The numbers of a new BatchNormalization.
//!
//! **Identity.** γ = 1, μ = 0, β = −0, and σ² so that σ² + ε is exactly 1 once it is rounded. Then
//! s = γ/√(σ² + ε) = 1 and t = β − s·μ = −0, and x·s + t is x, bit for bit: −0 because −0 + 0 would
//! be 0. This holds in every runtime that computes s from a sum rounded
//!
//! - to the type of the parameters, which is that of the layer, or
//! - to f32, where that type is f16 or bf16: if the sum is not 1 there, it is so close to it that
//!   x·s rounds back to x in the type of the layer, or
//! - to f64, for a layer of f32, f16 or bf16: as before.
//!
//! A runtime that keeps more digits than the type of the layer has, from the layer through the
//! BatchNormalization (f64 for f32, f32 for f16), is off by half of what σ² + ε is off 1: 2⁻²⁶ in f32.

use super::InsertError;
use super::options::{InitialValues, InsertOptions};
use crate::onnx::element::FloatType;
use crate::stats::moments::Moments;

/// The parameters of a BatchNormalization, `[C]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// γ.
    pub scale: Vec<f64>,
    /// β.
    pub bias: Vec<f64>,
    /// μ.
    pub mean: Vec<f64>,
    /// σ².
    pub variance: Vec<f64>,
}

/// The variance to which ε is added to give 1, in this type; ε is in `0..1`.
pub fn identity_variance(epsilon: f32, element: FloatType) -> f64 {
    let (exact, rounded) = (f64::from(epsilon), element.round(f64::from(epsilon)));
    let nearest = element.round(1.0 - exact);
    let unit = element.unit_roundoff();
    // Rounding ε to a short type can carry the sum past the middle to the next number.
    let neighbours = [nearest, nearest + unit, nearest - unit].map(|variance| element.round(variance));
    let is_one = |variance: &f64| *variance >= 0.0 && element.round(variance + rounded) == 1.0;
    let distance = |variance: &f64| (variance + exact - 1.0).abs();
    neighbours.into_iter().filter(is_one).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(nearest)
}

impl Parameters {
    /// Those of the identity.
    pub fn identity(channels: usize, epsilon: f32, element: FloatType) -> Parameters {
        Parameters {
            scale: vec![1.0; channels],
            bias: vec![-0.0; channels],
            mean: vec![0.0; channels],
            variance: vec![identity_variance(epsilon, element); channels],
        }
    }

    /// Those that standardise what has these moments.
    fn standard(moments: &Moments, epsilon: f32, element: FloatType) -> Parameters {
        let variance = |variance: f64| {
            let rounded = element.round(variance);
            // A channel that does not vary has nothing to be divided by.
            if rounded + f64::from(epsilon) > 0.0 { rounded } else { identity_variance(epsilon, element) }
        };
        Parameters {
            scale: vec![1.0; moments.channels.len()],
            bias: vec![0.0; moments.channels.len()],
            mean: moments.means().into_iter().map(|mean| element.round(mean)).collect(),
            variance: moments.variances().into_iter().map(variance).collect(),
        }
    }

    /// The same statistics, and scale and bias that undo them: of the rounded numbers, so that β is μ
    /// to the last bit.
    fn undone(self, epsilon: f32) -> Parameters {
        let scale = self.variance.iter().map(|variance| (variance + f64::from(epsilon)).sqrt()).collect();
        Parameters { scale, bias: self.mean.clone(), ..self }
    }

    /// Those that the options ask for, of the BatchNormalization of this name.
    pub(super) fn new(
        name: &str,
        channels: usize,
        element: FloatType,
        options: &InsertOptions,
    ) -> Result<Parameters, InsertError> {
        let epsilon = options.epsilon;
        let measured = match &options.values {
            InitialValues::Identity => None,
            InitialValues::Calibrate(statistics) | InitialValues::Standardize(statistics) => statistics.get(name),
        };
        let Some(moments) = measured else { return Ok(Parameters::identity(channels, epsilon, element)) };
        let found = moments.channels.len();
        if found != channels {
            return Err(InsertError::Channels { name: name.into(), found, expected: channels });
        }
        let standard = Parameters::standard(moments, epsilon, element);
        let parameters =
            if matches!(options.values, InitialValues::Calibrate(_)) { standard.undone(epsilon) } else { standard };
        parameters.check(name, element)
    }

    /// Checks that all numbers are finite in their type.
    fn check(self, name: &str, element: FloatType) -> Result<Parameters, InsertError> {
        let all = [&self.scale, &self.bias, &self.mean, &self.variance].into_iter().flatten();
        let wrong = all.copied().find(|value| !element.round(*value).is_finite());
        match wrong {
            None => Ok(self),
            Some(value) => {
                let element = element.data_type().name();
                Err(InsertError::Overflow { name: name.into(), value, element })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPES: [FloatType; 4] = [FloatType::F16, FloatType::Bf16, FloatType::F32, FloatType::F64];

    /// x·s + t where s is computed from a sum in the type of the parameters, or in f32 or f64, and the
    /// result is rounded to the type of x.
    fn outputs(x: f64, parameters: &Parameters, epsilon: f32, element: FloatType) -> [f64; 3] {
        let widened = if element == FloatType::F64 { FloatType::F64 } else { FloatType::F32 };
        [element, widened, FloatType::F64].map(|works_in| {
            let round = |value: f64| works_in.round(value);
            let sum = round(parameters.variance[0] + round(f64::from(epsilon)));
            let scale = round(parameters.scale[0] / round(sum.sqrt()));
            let shift = round(parameters.bias[0] - round(scale * parameters.mean[0]));
            element.round(round(round(x * scale) + shift))
        })
    }

    fn assert_no_op(x: f64, epsilon: f32) {
        for element in TYPES {
            let (x, parameters) = (element.round(x), Parameters::identity(1, epsilon, element));
            assert_eq!(parameters.variance[0], element.round(parameters.variance[0]), "it can be stored");
            for y in outputs(x, &parameters, epsilon, element) {
                assert_eq!(y.to_bits(), x.to_bits(), "{x} became {y} with epsilon {epsilon} in {element:?}");
            }
        }
    }

    #[test]
    fn usual_epsilons_change_no_bit_of_any_short_float() {
        for epsilon in [0.0, 1e-12, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.25, 0.5, 0.7, 0.99, f32::MIN_POSITIVE] {
            for element in [FloatType::F16, FloatType::Bf16] {
                let parameters = Parameters::identity(1, epsilon, element);
                for bits in 0..=u16::MAX {
                    let x = element.decode(&bits.to_le_bytes())[0];
                    if x.is_finite() {
                        let same = outputs(x, &parameters, epsilon, element).iter().all(|y| y.to_bits() == x.to_bits());
                        assert!(same, "{x} with epsilon {epsilon} in {element:?}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_epsilon_changes_no_bit(x in -1e4..1e4f64, epsilon in 0.0..0.999_999f32, power in 0..30) {
            assert_no_op(x, epsilon * 0.5f32.powi(power));
        }

        #[test]
        fn calibration_undoes_what_standardising_does(mean in -9.0..9.0f64, variance in 1e-6..9.0f64, x in -9.0..9.0f64) {
            let moment = crate::stats::moments::Moment { count: 1000, mean, m2: variance * 1000.0 };
            let moments = Moments { channels: vec![moment] };
            let parameters = Parameters::standard(&moments, 1e-5, FloatType::F64).undone(1e-5);
            let y = outputs(x, &parameters, 1e-5, FloatType::F64)[2];
            prop_assert!((y - x).abs() <= 1e-13 * (1.0 + mean.abs()), "{} became {}", x, y);
        }
    }

    #[test]
    fn signed_zeros_and_the_extremes_stay() {
        for x in [0.0, -0.0, f64::MIN_POSITIVE, -1e-40, 6e-8, 65504.0, -3e38] {
            assert_no_op(x, 1e-5);
        }
    }

    #[test]
    fn a_channel_that_does_not_vary_is_not_divided_by_zero() {
        let moments = Moments { channels: vec![crate::stats::moments::Moment { count: 5, mean: 3.0, m2: 0.0 }] };
        let parameters = Parameters::standard(&moments, 0.0, FloatType::F32);
        assert_eq!((parameters.mean[0], parameters.variance[0]), (3.0, 1.0));
        assert_eq!(parameters.undone(0.0).scale, [1.0]);
    }
}
