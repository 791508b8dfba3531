//! The arithmetic of BatchNormalization, over `[outer, channels, inner]`.

use crate::stats::Number;
use half::f16;
use pulp::{Arch, Simd, WithSimd};
use std::ops::{Add, Mul};

/// What BatchNormalization normalises: x seen as `[outer, channels, inner]`, row-major.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The channels, each with parameters of its own.
    pub channels: usize,
    /// Consecutive elements of one channel.
    pub inner: usize,
}

/// y = s·x + t per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// s, one per channel.
    pub scale: Vec<f64>,
    /// t, one per channel.
    pub shift: Vec<f64>,
}

impl Affine {
    /// s = γ/√(σ²+ε), t = β − s·μ.
    pub fn new(gamma: &[f64], beta: &[f64], mean: &[f64], variance: &[f64], epsilon: f64) -> Self {
        let scale: Vec<f64> = gamma.iter().zip(variance).map(|(gamma, var)| gamma / (var + epsilon).sqrt()).collect();
        let shift = beta.iter().zip(mean).zip(&scale).map(|((beta, mean), scale)| beta - scale * mean).collect();
        Affine { scale, shift }
    }

    /// Applies the map in place: in f64 to f64, in f32 to f32 and f16.
    pub fn apply<T: Element>(&self, x: &mut [T], view: View) {
        let narrow = |values: &[f64]| values.iter().map(|value| T::narrow(*value)).collect::<Vec<_>>();
        let (scale, shift) = (narrow(&self.scale), narrow(&self.shift));
        Arch::new().dispatch(Application { scale: &scale, shift: &shift, x, view });
    }
}

/// What is to be applied, compiled for the widest vectors that the processor has. Nothing is fused: the
/// result is the same to the bit everywhere.
struct Application<'a, T: Element> {
    scale: &'a [T::Work],
    shift: &'a [T::Work],
    x: &'a mut [T],
    view: View,
}

impl<T: Element> WithSimd for Application<'_, T> {
    type Output = ();

    // Inlining is what lets the loops be compiled anew for each kind of processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let View { channels, inner } = self.view;
        if inner == 1 {
            for row in self.x.chunks_exact_mut(channels.max(1)) {
                for ((x, s), t) in row.iter_mut().zip(self.scale).zip(self.shift) {
                    *x = T::store(x.load() * *s + *t);
                }
            }
            return;
        }
        let maps = self.scale.iter().zip(self.shift).cycle();
        for (plane, (s, t)) in self.x.chunks_exact_mut(inner.max(1)).zip(maps) {
            for x in plane {
                *x = T::store(x.load() * *s + *t);
            }
        }
    }
}

/// Mean and population variance of each channel, in two passes in f64.
pub fn moments<T: Element>(x: &[T], view: View) -> (Vec<f64>, Vec<f64>) {
    let mean = channel_means(x, view, |x, _| x);
    let variance = channel_means(x, view, |x, channel| (x - mean[channel]).powi(2));
    (mean, variance)
}

/// The mean of `term(element, channel)` over each channel.
fn channel_means<T: Element>(x: &[T], view: View, term: impl Fn(f64, usize) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; view.channels];
    for (plane, values) in x.chunks_exact(view.inner.max(1)).enumerate() {
        let channel = plane % view.channels;
        sums[channel] += values.iter().map(|x| term(x.wide(), channel)).sum::<f64>();
    }
    let count = (x.len() / view.channels.max(1)) as f64;
    sums.iter().map(|sum| sum / count).collect()
}

/// A floating-point type and the type that its arithmetic is done in.
pub trait Element: Number {
    /// What is computed in.
    type Work: Copy + Mul<Output = Self::Work> + Add<Output = Self::Work>;
    /// A parameter, rounded to what is computed in.
    fn narrow(value: f64) -> Self::Work;
    /// The element as what is computed in, exactly.
    fn load(self) -> Self::Work;
    /// A result, rounded to the element.
    fn store(value: Self::Work) -> Self;
    /// The element as f64, exactly.
    fn wide(self) -> f64;
}

macro_rules! element {
    ($type:ty, $work:ty, |$value:ident| $store:expr) => {
        impl Element for $type {
            type Work = $work;

            #[inline]
            fn narrow(value: f64) -> $work {
                value as $work
            }

            #[inline]
            fn load(self) -> $work {
                self.into()
            }

            #[inline]
            fn store($value: $work) -> Self {
                $store
            }

            #[inline]
            fn wide(self) -> f64 {
                self.into()
            }
        }
    };
}
element!(f64, f64, |value| value);
element!(f32, f32, |value| value);
element!(f16, f32, |value| f16::from_f32(value));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_rows_agree_with_the_formula() {
        let affine = Affine::new(&[2.0, -1.0, 0.5], &[0.0, 1.0, 2.0], &[1.0, 0.0, -1.0], &[3.0, 0.0, 8.0], 1.0);
        assert_eq!(affine, Affine { scale: vec![1.0, -1.0, 0.5 / 3.0], shift: vec![-1.0, 1.0, 2.0 + 0.5 / 3.0] });
        for inner in [1, 4] {
            let x: Vec<f64> = (0..2 * 3 * inner).map(|i| i as f64).collect();
            let mut y = x.clone();
            affine.apply(&mut y, View { channels: 3, inner });
            for (index, (x, y)) in x.iter().zip(&y).enumerate() {
                let channel = index / inner % 3;
                assert_eq!(*y, x * affine.scale[channel] + affine.shift[channel]);
            }
        }
    }

    #[test]
    fn moments_are_those_of_the_population() {
        let x = [1.0f32, 3.0, 10.0, 10.0, 5.0, 7.0, 10.0, 14.0];
        let (mean, variance) = moments(&x, View { channels: 2, inner: 2 });
        assert_eq!((mean, variance), (vec![4.0, 11.0], vec![5.0, 3.0]));
    }
}
