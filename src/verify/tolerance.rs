//! How far results may be apart.

use super::{Limit, VerifyOptions};
use crate::onnx::element::FloatType;

/// The tolerances of one comparison.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Relative to each element.
    pub rtol: f64,
    /// Absolute, if it was given.
    pub atol: Option<f64>,
    /// The relative tolerance that the caller asked for, if any.
    asked: Option<f64>,
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

/// A network that amplifies rounding to more than this computes nothing that could be compared: whatever it
/// is allowed is no more.
const MOST_AMPLIFIED: f64 = 0.25;

impl Tolerance {
    /// The tolerance of an output of this name that is floating-point, of models with such weights;
    /// other outputs (`None`) must be equal unless the options say otherwise.
    pub fn new(weights: Option<FloatType>, output: &str, options: &VerifyOptions) -> Self {
        let (rtol, atol) = match weights {
            Some(weights) => (default_rtol(weights), None),
            None => (0.0, Some(0.0)),
        };
        // What is meant for all outputs is meant for floats: classes and indices are equal or not.
        let limit = |limit: &Limit| if weights.is_some() { limit.of(output) } else { limit.named(output) };
        let asked = limit(&options.rtol);
        Tolerance {
            rtol: asked.unwrap_or(rtol),
            atol: limit(&options.atol).or(atol.filter(|_| asked.is_none())),
            asked,
            unit: weights.map_or(0.0, FloatType::unit_roundoff),
        }
    }

    /// The absolute tolerance: as given, else the relative one of the largest element, since
    /// an element near zero is the difference of larger ones and has their error. `native` is
    /// the relative error of the original's own arithmetic, if known: a network that amplifies
    /// rounding is allowed eight times what it does to itself, unless the caller asked for something.
    pub fn atol(&self, max_reference: f64, native: Option<f64>) -> f64 {
        let amplified = native.map_or(0.0, |native| self.amplified(8.0 * native));
        let relative = self.rtol.max(amplified);
        self.atol.unwrap_or(relative * max_reference)
    }

    /// How far the result may be from the original when both are computed in f64, relative to
    /// the largest element; `native` is the error of the original in its own arithmetic.
    ///
    /// The weights that were changed are rounded once each, which moves the output by some
    /// small multiple of u: folds of networks of 20 to 53 layers by 1.3·u to 15·u. 64·u is
    /// 3.8e-6 in f32: an ε that was forgotten (1e-5 beside a variance of 1, so 5e-6) is seen.
    /// A network that amplifies errors does so with those of its own arithmetic, too. Moving
    /// every weight of a network by 2·u, twice what rounding can do, moved no output by more
    /// than 64·u and 2.1 times that error; four times are allowed, scaled from the type it ran
    /// in to that of the weights.
    pub fn algebra_limit(&self, native: f64) -> f64 {
        let ran_in = FloatType::F32.unit_roundoff();
        let amplified = self.amplified(4.0 * native * (self.unit / ran_in).max(1.0));
        (64.0 * self.unit).max(amplified).max(self.asked.unwrap_or(0.0))
    }

    /// What a network that amplifies rounding is allowed.
    fn amplified(&self, error: f64) -> f64 {
        if self.asked.is_some() || !error.is_finite() { 0.0 } else { error.min(MOST_AMPLIFIED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Limit;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;
    use std::collections::BTreeMap;

    fn tolerance(weights: Option<FloatType>, rtol: Option<f64>, atol: Option<f64>) -> Tolerance {
        let limit = |all| Limit { all, ..Limit::default() };
        Tolerance::new(weights, "y", &VerifyOptions { rtol: limit(rtol), atol: limit(atol), ..Default::default() })
    }

    #[test]
    fn defaults_grow_with_the_largest_element_and_with_the_original_s_own_error() {
        let default = tolerance(Some(FloatType::F32), None, None);
        assert_eq!(default.atol(50.0, None), 1e-4 * 50.0);
        assert_eq!(default.atol(50.0, Some(1e-6)), 1e-4 * 50.0);
        assert_eq!(default.atol(50.0, Some(1e-3)), 8e-3 * 50.0);
        assert_eq!(default.atol(50.0, Some(f64::INFINITY)), 1e-4 * 50.0);
        assert_eq!(default.algebra_limit(0.0), 64.0 * FloatType::F32.unit_roundoff());
        assert_eq!(default.algebra_limit(1e-5), 4e-5);
        assert_eq!(tolerance(Some(FloatType::F16), None, None).algebra_limit(1e-6), 4e-6 * 8192.0);
        assert_eq!(default.atol(50.0, Some(1.0)), 0.25 * 50.0);
        assert_eq!(default.algebra_limit(1.0), 0.25);
    }

    #[test]
    fn what_was_asked_for_counts() {
        let asked = tolerance(Some(FloatType::F32), Some(0.1), Some(0.5));
        assert_eq!((asked.rtol, asked.atol(50.0, Some(1.0))), (0.1, 0.5));
        assert_eq!(asked.algebra_limit(0.0), 0.1);
        let strict = tolerance(Some(FloatType::F32), Some(1e-6), None);
        assert_eq!(
            (strict.atol(50.0, Some(1e-3)), strict.algebra_limit(1e-3)),
            (1e-6 * 50.0, 64.0 * FloatType::F32.unit_roundoff())
        );
    }

    #[test]
    fn an_output_may_have_its_own() {
        let rtol = Limit { all: Some(0.1), of: BTreeMap::from([("y".into(), 0.3)]) };
        let options = VerifyOptions { rtol, ..Default::default() };
        let rtol = |output| Tolerance::new(Some(FloatType::F32), output, &options).rtol;
        assert_eq!((rtol("y"), rtol("z")), (0.3, 0.1));
    }

    #[test]
    fn what_is_not_floating_point_must_be_equal() {
        let integers = tolerance(None, None, None);
        assert_eq!((integers.rtol, integers.atol(50.0, None)), (0.0, 0.0));
        let for_all = tolerance(None, Some(0.1), Some(3.0));
        assert_eq!((for_all.rtol, for_all.atol(50.0, None)), (0.0, 0.0));
        let rtol = Limit { all: None, of: BTreeMap::from([("y".into(), 0.3)]) };
        let named = Tolerance::new(None, "y", &VerifyOptions { rtol, ..Default::default() });
        assert_eq!((named.rtol, named.atol(50.0, None)), (0.3, 0.3 * 50.0));
    }

    /// What rounding does to sums of so many products, layer upon layer: the largest error relative to the
    /// largest element, in units of u.
    fn rounding(terms: usize, layers: usize) -> f64 {
        let mut random = Pcg64::seed_from_u64(0);
        let rows = if layers == 1 { 1000 } else { terms };
        // Keeps the size of what a Relu lets pass.
        let scale = (6.0 / terms as f32).sqrt();
        let mut draw = |count| (0..count).map(|_| scale * random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let mut rounded = draw(terms);
        let mut exact: Vec<f64> = rounded.iter().map(|x| f64::from(*x)).collect();
        for _ in 0..layers {
            let weights = draw(rows * terms);
            let products = |row: &[f32]| row.iter().zip(&rounded).fold(0.0, |sum, (w, x)| sum + w * x).max(0.0);
            let in_f64 = |row: &[f32]| row.iter().zip(&exact).fold(0.0, |sum, (w, x)| sum + f64::from(*w) * x).max(0.0);
            (rounded, exact) = (
                weights.chunks_exact(terms).map(products).collect(),
                weights.chunks_exact(terms).map(in_f64).collect(),
            );
        }
        let errors = rounded.iter().zip(&exact).map(|(rounded, exact)| (f64::from(*rounded) - exact).abs());
        let largest = exact.iter().copied().fold(0.0, f64::max);
        errors.fold(0.0, f64::max) / largest / FloatType::F32.unit_roundoff()
    }

    /// The derivation of [`default_rtol`]; docs/verification.md has the figures.
    #[test]
    fn rounding_grows_with_the_root_of_terms_and_layers() {
        for (terms, layers) in [(10, 1), (100, 1), (1000, 1), (5000, 1), (256, 10), (256, 50), (256, 200)] {
            let (measured, derived) = (rounding(terms, layers), ((terms * layers) as f64).sqrt());
            println!("K = {terms}, L = {layers}: {measured:.1} u, derived {derived:.1} u");
            assert!((0.1..=1.0).contains(&(measured / derived)), "{terms} {layers}: {measured} {derived}");
        }
    }
}
