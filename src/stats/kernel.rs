//! Moments of typed numbers, at the speed of memory.
//!
//! A plane is taken in blocks that stay in the first cache, widened to f64 there. The first look at a
//! block finds its mean, by way of differences from its first number; the second one sums d = x − mean
//! and d², so that M₂ = Σd² − (Σd)²/n makes up for the rounding of that mean. Numbers that are all the
//! same have a variance of exactly 0.
//!
//! All sums have the same lanes in the same order whatever vectors the processor has, and nothing is
//! fused: the result is the same to the bit everywhere.

use super::moments::Moment;
use half::f16;
use half::slice::HalfFloatSliceExt;
use pulp::{Arch, Simd, WithSimd};

/// How many numbers are looked at twice: 16 KiB.
const BLOCK: usize = 2048;
/// How many sums run side by side: enough to hide the latency of an addition.
const LANES: usize = 16;

/// A type of numbers that moments are taken of.
pub trait Number: Copy + Sync {
    /// Numbers as f64, exactly; as many as there are of both.
    fn widen(numbers: &[Self], wide: &mut [f64]);
}

impl Number for f64 {
    #[inline(always)]
    fn widen(numbers: &[f64], wide: &mut [f64]) {
        wide.iter_mut().zip(numbers).for_each(|(wide, x)| *wide = *x);
    }
}

impl Number for f32 {
    #[inline(always)]
    fn widen(numbers: &[f32], wide: &mut [f64]) {
        wide.iter_mut().zip(numbers).for_each(|(wide, x)| *wide = (*x).into());
    }
}

impl Number for f16 {
    fn widen(numbers: &[f16], wide: &mut [f64]) {
        let count = numbers.len().min(wide.len());
        numbers[..count].convert_to_f64_slice(&mut wide[..count]);
    }
}

/// Adds numbers seen as `[rows, channels, inner]`, row-major, to the moments of the channels, `[C]`.
/// What is left over at the end, less than a row, is not counted.
pub(super) fn add<T: Number>(channels: &mut [Moment], numbers: &[T], inner: usize) {
    Arch::new().dispatch(Addition { channels, numbers, inner });
}

/// The moment of one run of numbers.
pub(super) fn of<T: Number>(numbers: &[T]) -> Moment {
    let mut moment = [Moment::default()];
    add(&mut moment, numbers, numbers.len());
    moment[0]
}

/// What is to be added, compiled for the widest vectors that the processor has.
struct Addition<'a, T> {
    channels: &'a mut [Moment],
    numbers: &'a [T],
    inner: usize,
}

impl<T: Number> WithSimd for Addition<'_, T> {
    type Output = ();

    // Inlining is what lets the loops be compiled anew for each kind of processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let row = self.channels.len() * self.inner;
        if row == 0 {
            return;
        }
        let whole = &self.numbers[..self.numbers.len() / row * row];
        match size_of::<S::f64s>() / size_of::<f64>() {
            _ if self.inner == 1 => add_rows(self.channels, whole),
            8 => add_planes::<T, S, { LANES / 8 }>(simd, self.channels, whole, self.inner),
            4 => add_planes::<T, S, { LANES / 4 }>(simd, self.channels, whole, self.inner),
            2 => add_planes::<T, S, { LANES / 2 }>(simd, self.channels, whole, self.inner),
            _ => add_planes::<T, S, LANES>(simd, self.channels, whole, self.inner),
        }
    }
}

/// Planes of several numbers. `V` vectors make up the lanes.
#[inline(always)]
fn add_planes<T: Number, S: Simd, const V: usize>(simd: S, channels: &mut [Moment], numbers: &[T], inner: usize) {
    let mut wide = [0.0; BLOCK + LANES];
    for row in numbers.chunks_exact(channels.len() * inner) {
        for (channel, plane) in channels.iter_mut().zip(row.chunks_exact(inner)) {
            for block in plane.chunks(BLOCK) {
                T::widen(block, &mut wide[..block.len()]);
                *channel = channel.merge(of_block::<S, V>(simd, &mut wide, block.len()));
            }
        }
    }
}

/// Rows of one number per channel, by the recurrence of Welford (1962). They are counted apart first, so
/// that n is the same for all channels.
#[inline(always)]
fn add_rows<T: Number>(channels: &mut [Moment], numbers: &[T]) {
    let [mut wide, mut means, mut m2] = [(); 3].map(|()| vec![0.0; channels.len()]);
    let mut rows = 0u64;
    for row in numbers.chunks_exact(channels.len()) {
        T::widen(row, &mut wide);
        rows += 1;
        let share = 1.0 / rows as f64;
        for ((x, mean), m2) in wide.iter().zip(&mut means).zip(&mut m2) {
            let before = x - *mean;
            *mean += before * share;
            *m2 += before * (x - *mean);
        }
    }
    for ((channel, mean), m2) in channels.iter_mut().zip(means).zip(m2) {
        *channel = channel.merge(Moment { count: rows, mean, m2 });
    }
}

/// The moment of the first `len` numbers of a block, at least one, in two passes. What is behind them is
/// overwritten: numbers that differ from the pivot by nothing make up the last lanes.
#[inline(always)]
fn of_block<S: Simd, const V: usize>(simd: S, block: &mut [f64; BLOCK + LANES], len: usize) -> Moment {
    let (count, first, padded) = (len as f64, block[0], len.next_multiple_of(LANES));
    block[len..len + LANES].fill(first);
    let near = first + total(&sums::<S, V>(simd, &block[..padded], first)) / count;
    block[len..len + LANES].fill(near);
    let (sum, squares) = sums_and_squares::<S, V>(simd, &block[..padded], near);
    let (sum, squares) = (total(&sum), total(&squares));
    // The second term can exceed the first by rounding only. A NaN stays.
    let m2 = squares - sum * sum / count;
    Moment { count: len as u64, mean: near + sum / count, m2: if m2 < 0.0 { 0.0 } else { m2 } }
}

/// Σ (x − pivot), lane by lane.
#[inline(always)]
fn sums<S: Simd, const V: usize>(simd: S, block: &[f64], pivot: f64) -> [f64; LANES] {
    let mut sums = [simd.splat_f64s(0.0); V];
    let pivots = simd.splat_f64s(pivot);
    for chunk in block.as_chunks::<LANES>().0 {
        for (sum, x) in sums.iter_mut().zip(S::as_simd_f64s(chunk).0) {
            *sum = simd.add_f64s(*sum, simd.sub_f64s(*x, pivots));
        }
    }
    lanes::<S, V>(sums)
}

/// Σ (x − pivot) and Σ (x − pivot)², lane by lane.
#[inline(always)]
fn sums_and_squares<S: Simd, const V: usize>(simd: S, block: &[f64], pivot: f64) -> ([f64; LANES], [f64; LANES]) {
    let (mut sums, mut squares) = ([simd.splat_f64s(0.0); V], [simd.splat_f64s(0.0); V]);
    let pivots = simd.splat_f64s(pivot);
    for chunk in block.as_chunks::<LANES>().0 {
        for ((x, sum), square) in S::as_simd_f64s(chunk).0.iter().zip(&mut sums).zip(&mut squares) {
            let d = simd.sub_f64s(*x, pivots);
            *sum = simd.add_f64s(*sum, d);
            *square = simd.add_f64s(*square, simd.mul_f64s(d, d));
        }
    }
    (lanes::<S, V>(sums), lanes::<S, V>(squares))
}

#[inline(always)]
fn lanes<S: Simd, const V: usize>(vectors: [S::f64s; V]) -> [f64; LANES] {
    let mut lanes = [0.0; LANES];
    S::as_mut_simd_f64s(&mut lanes).0.copy_from_slice(&vectors);
    lanes
}

/// The sum of all lanes, by halves.
#[inline(always)]
fn total(lanes: &[f64; LANES]) -> f64 {
    let mut lanes = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::super::Moments;
    use super::*;
    use proptest::prelude::*;

    /// From the definition, element by element.
    fn plain(numbers: &[f64], channels: usize, inner: usize, rows: usize) -> Vec<(u64, f64, f64)> {
        let of = |channel| {
            let is_own = |place: &usize| place / inner % channels == channel && place / inner / channels < rows;
            let own: Vec<f64> = (0..numbers.len()).filter(is_own).map(|place| numbers[place]).collect();
            let mean = own.iter().sum::<f64>() / own.len().max(1) as f64;
            (own.len() as u64, mean, own.iter().map(|x| (x - mean).powi(2)).sum())
        };
        (0..channels).map(of).collect()
    }

    fn are_close(moments: &Moments, plain: &[(u64, f64, f64)]) -> bool {
        moments.channels.iter().zip(plain).all(|(moment, (count, mean, m2))| {
            // All numbers are below 1000.
            let (mean_off, m2_off) = ((moment.mean - mean).abs(), (moment.m2 - m2).abs());
            moment.count == *count && mean_off <= 1e-12 * 1e3 && m2_off <= 1e-12 * (m2 + *count as f64)
        })
    }

    /// A view `[outer, channels, inner]` with its numbers, and how many rows count.
    fn views() -> impl Strategy<Value = ([usize; 3], usize, Vec<f64>)> {
        let shape = (1usize..4, 1usize..5, prop_oneof![Just(1usize), 2usize..40, 2040usize..2070]);
        shape.prop_flat_map(|(outer, channels, inner)| {
            let count = outer * channels * inner;
            let numbers = prop::collection::vec(-1e3..1e3f64, count..=count);
            (Just([outer, channels, inner]), 0..=outer + 1, numbers)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn planes_agree_with_the_definition(view in views()) {
            let ([_, channels, inner], rows, numbers) = view;
            let of = |wide: &[f64]| plain(wide, channels, inner, rows);
            prop_assert!(are_close(&Moments::of_planes(&numbers, channels, inner, rows), &of(&numbers)));
            let single: Vec<f32> = numbers.iter().map(|x| *x as f32).collect();
            let wide: Vec<f64> = single.iter().map(|x| f64::from(*x)).collect();
            prop_assert!(are_close(&Moments::of_planes(&single, channels, inner, rows), &of(&wide)));
            let half: Vec<f16> = numbers.iter().map(|x| f16::from_f64(*x)).collect();
            let wide: Vec<f64> = half.iter().map(|x| f64::from(*x)).collect();
            prop_assert!(are_close(&Moments::of_planes(&half, channels, inner, rows), &of(&wide)));
        }

        #[test]
        fn numbers_that_are_all_the_same_have_no_variance(x in any::<f32>(), inner in 1usize..5000) {
            prop_assume!(x.is_finite());
            let moments = Moments::of_planes(&vec![x; 6 * inner], 2, inner, 3);
            prop_assert_eq!(moments.variances(), [0.0, 0.0]);
            prop_assert_eq!(moments.means(), [f64::from(x); 2]);
        }
    }

    #[test]
    fn the_squares_of_large_numbers_cancel_and_ours_do_not() {
        // f32 around 1e4 with a standard deviation of 1e-3: in f64, E[x²] − E[x]² is negative.
        let numbers: Vec<f32> = (0..3000).map(|i| 10_000.0 + if i % 1000 == 0 { 0.001 } else { 0.0 }).collect();
        let numbers: Vec<f64> = numbers.into_iter().map(|x| f64::from(x) * 1e4).collect();
        let count = numbers.len() as f64;
        let naive = numbers.iter().map(|x| x * x).sum::<f64>() / count - (numbers.iter().sum::<f64>() / count).powi(2);
        assert!(naive < 0.0, "{naive}");
        let step = f64::from(10_000.001f32) * 1e4 - 1e8;
        let exact = step * step * (0.001 * 0.999);
        let variance = Moment::of(&numbers).variance().unwrap();
        assert!((variance - exact).abs() <= 1e-9 * exact, "{variance} is not {exact}");
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 5, 39] {
                let mut numbers = [1.0f32; 40];
                numbers[place] = bad;
                assert!(!Moments::of_planes(&numbers, 1, 40, 1).are_finite());
                assert!(!Moments::of_planes(&numbers, 1, 1, 40).are_finite());
            }
        }
    }

    #[test]
    fn the_largest_numbers_have_moments() {
        let moment = Moment::of(&[f32::MAX, -f32::MAX]);
        assert_eq!((moment.mean, moment.variance()), (0.0, Some(f64::from(f32::MAX).powi(2))));
    }

    #[test]
    fn nothing_has_no_moments() {
        for (channels, inner) in [(0, 3), (3, 0), (0, 0), (2, 5)] {
            let moments = Moments::of_planes(&[1.0f32; 9], channels, inner, 1);
            assert_eq!(moments, Moments::new(channels));
        }
        assert_eq!(Moment::of::<f64>(&[]), Moment::default());
    }
}
