//! Scaling elements in place, by one factor per channel.

use super::FloatType;
use super::float::Float;
use half::{bf16, f16};
use pulp::{Arch, Simd, WithSimd};
use std::marker::PhantomData;
use std::sync::Arc;

/// Factors for the elements of a tensor that is seen as `[outer, rows, channels, inner]`,
/// row-major: `factors[o · channels + c]` applies to all rows and inner elements.
///
/// A Conv weight `[C_out, C_in/group, k…]` scaled by output channel is
/// `[1, 1, C_out, C_in/group · k…]`; a ConvTranspose weight `[C_in, C_out/group, k…]` is
/// `[group, C_in/group, C_out/group, k…]`; a MatMul weight `[K, N]` is `[1, K, N, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// `[outer, rows, channels, inner]`.
    pub view: [usize; 4],
    /// `outer · channels` factors.
    pub factors: Arc<[f64]>,
}

impl FloatType {
    /// Scales little-endian elements in place; the first one has the index `first` in its
    /// tensor. All factors are applied before the one rounding. Returns whether all results are finite.
    pub fn scale(self, bytes: &mut [u8], first: u64, scalings: &[Scaling]) -> bool {
        let [scaling] = scalings else { return self.scale_by_several(bytes, first, scalings) };
        match self {
            FloatType::F16 => scale::<f16, 2>(bytes, first, scaling),
            FloatType::Bf16 => scale::<bf16, 2>(bytes, first, scaling),
            FloatType::F32 => scale::<f32, 4>(bytes, first, scaling),
            FloatType::F64 => scale::<f64, 8>(bytes, first, scaling),
        }
    }

    /// Few weights are scaled both by output and by input channel: this need not be fast.
    fn scale_by_several(self, bytes: &mut [u8], first: u64, scalings: &[Scaling]) -> bool {
        let mut values = self.decode(bytes);
        for (place, value) in (first as usize..).zip(&mut values) {
            *value = scalings.iter().fold(*value, |value, scaling| value * scaling.factor(place));
        }
        bytes.copy_from_slice(&self.encode(&values));
        self.decode(bytes).iter().all(|value| value.is_finite())
    }
}

impl Scaling {
    /// The factor of an element.
    pub fn factor(&self, place: usize) -> f64 {
        let [_, rows, channels, inner] = self.view;
        let row = place / inner;
        self.factors[row / (channels * rows) * channels + row % channels]
    }
}

fn scale<F: Float<N>, const N: usize>(bytes: &mut [u8], first: u64, scaling: &Scaling) -> bool {
    Arch::new().dispatch(ScalePiece::<F, N> { bytes, first, scaling, float: PhantomData })
}

/// A piece of a tensor to scale, compiled for the widest vectors that the processor has.
struct ScalePiece<'a, F, const N: usize> {
    bytes: &'a mut [u8],
    first: u64,
    scaling: &'a Scaling,
    float: PhantomData<F>,
}

impl<F: Float<N>, const N: usize> WithSimd for ScalePiece<'_, F, N> {
    type Output = bool;

    // Inlining is what lets the loop be compiled anew for each kind of processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let [_, rows, channels, inner] = self.scaling.view;
        let (mut rest, _) = self.bytes.as_chunks_mut::<N>();
        let mut position = self.first as usize;
        let mut largest = F::Magnitude::default();
        while !rest.is_empty() {
            let row = position / inner;
            let factors = &self.scaling.factors[row / (channels * rows) * channels..][row % channels..channels];
            let run = if inner == 1 { factors.len() } else { inner - position % inner };
            let (now, later) = rest.split_at_mut(run.min(rest.len()));
            position += now.len();
            if inner == 1 {
                for (element, factor) in now.iter_mut().zip(factors) {
                    largest = largest.max(scale_one::<F, N>(element, *factor));
                }
            } else {
                largest = largest.max(scale_run::<F, N>(now, factors[0]));
            }
            rest = later;
        }
        largest < F::INFINITY
    }
}

#[inline(always)]
fn scale_run<F: Float<N>, const N: usize>(run: &mut [[u8; N]], factor: f64) -> F::Magnitude {
    let mut largest = F::Magnitude::default();
    for element in run {
        largest = largest.max(scale_one::<F, N>(element, factor));
    }
    largest
}

/// Scales one element and returns the magnitude of the result.
#[inline(always)]
fn scale_one<F: Float<N>, const N: usize>(element: &mut [u8; N], factor: f64) -> F::Magnitude {
    let scaled = F::nearest(F::from_le(*element).widen() * factor);
    *element = scaled.to_le();
    scaled.magnitude()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_follows_the_view_from_any_start() {
        let scaling = Scaling { view: [2, 2, 3, 2], factors: [2., 3., 4., 5., 6., 7.].into() };
        let ones = FloatType::F32.encode(&[1.0; 24]);
        let whole: Vec<f64> = (0..24).map(|i| scaling.factors[i / 12 * 3 + i / 2 % 3]).collect();
        for start in 0..24 {
            let mut part = ones[start * 4..].to_vec();
            assert!(FloatType::F32.scale(&mut part, start as u64, std::slice::from_ref(&scaling)));
            assert_eq!(FloatType::F32.decode(&part), whole[start..]);
        }
    }

    #[test]
    fn several_factors_are_applied_before_the_one_rounding() {
        let scaling = |view, factors: [f64; 2]| Scaling { view, factors: factors.into() };
        let third = 1.0 / 3.0;
        let scalings = [scaling([1, 1, 2, 2], [3.0, 1.0]), scaling([1, 2, 2, 1], [third, 7.0])];
        let mut bytes = FloatType::F16.encode(&[1.0, 2.0, 3.0, 4.0]);
        assert!(FloatType::F16.scale(&mut bytes, 0, &scalings));
        assert_eq!(FloatType::F16.decode(&bytes), [1.0, 42.0, FloatType::F16.round(third * 3.0), 28.0]);
    }

    #[test]
    fn scale_tells_whether_all_is_finite() {
        let scaling = Scaling { view: [1, 1, 1, 2], factors: [2.0].into() };
        for element in [FloatType::F16, FloatType::Bf16, FloatType::F32, FloatType::F64] {
            let largest = if element == FloatType::F16 { 65504.0 } else { element.round(3e38) };
            for (value, finite) in [(1.0, true), (-largest, false), (f64::INFINITY, false), (f64::NAN, false)] {
                let mut bytes = element.encode(&[1.0, value]);
                let wide = element == FloatType::F64 && value.is_finite();
                assert_eq!(
                    element.scale(&mut bytes, 0, std::slice::from_ref(&scaling)),
                    finite || wide,
                    "{element:?} {value}"
                );
            }
        }
    }
}
