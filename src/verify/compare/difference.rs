//! How an output differs, over any number of samples.

use super::{Agreement, Distance, Ulps};
use crate::onnx::element::FloatType;

/// What counts as different, and what is measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// The tolerance relative to each element.
    pub rtol: f64,
    /// The absolute tolerance, if it was given; else it is `rtol` times the largest element of the sample.
    pub atol: Option<f64>,
    /// The type in whose units in the last place distances are counted.
    pub float: Option<FloatType>,
    /// The length of the last axis, if the rows of the array are scores of classes.
    pub classes: Option<usize>,
}

/// The difference of an array a from a reference b, over any number of samples.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// The largest difference.
    pub distance: Distance,
    /// Where |a − b| − rtol·|b| is largest, if a and b differ at all.
    pub worst: Option<WorstElement>,
    /// How many elements there are.
    pub elements: u64,
    /// In how many of them both are finite.
    pub finite: u64,
    /// How many are beyond the tolerance in their sample.
    pub mismatched: u64,
    /// How far elements are apart in units in the last place.
    pub ulps: Ulps,
    /// Whether classes are ranked alike.
    pub agreement: Agreement,
    sums: Sums,
}

/// Sums over the elements that are finite in both.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    ab: f64,
    aa: f64,
    bb: f64,
    /// (a − b)².
    dd: f64,
}

/// The element that is furthest beyond the relative tolerance.
#[derive(Clone, Debug)]
pub struct WorstElement {
    /// |a − b| − rtol·|b|.
    pub excess: f64,
    /// Which sample.
    pub sample: usize,
    /// Where in it.
    pub index: Vec<usize>,
    /// a.
    pub value: f64,
    /// b.
    pub reference: f64,
}

impl Difference {
    /// Compares one sample.
    pub fn of([a, b]: [&[f64]; 2], shape: &[usize], sample: usize, rules: &Rules) -> Self {
        let mut difference = Difference::default();
        let mut worst = None;
        for (index, (&value, &reference)) in a.iter().zip(b).enumerate() {
            let apart = difference.distance.add(value, reference);
            let excess = if apart.is_finite() { apart - rules.rtol * reference.abs() } else { apart };
            if apart > 0.0 && worst.is_none_or(|(largest, _)| excess > largest) {
                worst = Some((excess, index));
            }
            difference.sums.add(value, reference, &mut difference.finite);
            if let Some(float) = rules.float {
                difference.ulps.add(value, reference, float);
            }
        }
        difference.elements = a.len().min(b.len()) as u64;
        difference.worst = worst.map(|(excess, index)| WorstElement {
            excess,
            sample,
            index: coordinates(index, shape),
            value: a[index],
            reference: b[index],
        });
        let atol = rules.atol.unwrap_or(rules.rtol * difference.distance.max_reference);
        difference.mismatched = if difference.within(atol) { 0 } else { mismatched(a, b, atol, rules.rtol) };
        difference.agreement = rules.classes.map_or_else(Agreement::default, |classes| Agreement::of(a, b, classes));
        difference
    }

    /// Adds a later sample.
    pub fn merge(&mut self, later: &Difference) {
        self.distance.merge(later.distance);
        if let Some(worst) = &later.worst
            && self.worst.as_ref().is_none_or(|own| worst.excess > own.excess)
        {
            self.worst = Some(worst.clone());
        }
        self.sums.merge(later.sums);
        self.elements += later.elements;
        self.finite += later.finite;
        self.mismatched += later.mismatched;
        self.ulps.merge(&later.ulps);
        self.agreement.merge(later.agreement);
    }

    /// Whether |a − b| ≤ atol + rtol·|b| everywhere, with the rtol that was compared with.
    pub fn within(&self, atol: f64) -> bool {
        self.worst.as_ref().is_none_or(|worst| worst.excess <= atol)
    }

    /// The share of elements that are beyond the tolerance in their sample.
    pub fn mismatched_share(&self) -> f64 {
        if self.elements == 0 { 0.0 } else { self.mismatched as f64 / self.elements as f64 }
    }

    /// The cosine of the angle between a and b; `None` if one of them is zero.
    pub fn cosine(&self) -> Option<f64> {
        let Sums { ab, aa, bb, .. } = self.sums;
        (aa > 0.0 && bb > 0.0).then(|| ab / (aa.sqrt() * bb.sqrt()))
    }

    /// The signal-to-quantisation-noise ratio 10·log₁₀(Σ b² / Σ (a − b)²) in dB; `None` where there is no
    /// signal or no noise.
    pub fn sqnr(&self) -> Option<f64> {
        let Sums { bb, dd, .. } = self.sums;
        (bb > 0.0 && dd > 0.0).then(|| 10.0 * (bb / dd).log10())
    }
}

impl Sums {
    fn add(&mut self, a: f64, b: f64, finite: &mut u64) {
        if a.is_finite() && b.is_finite() {
            *finite += 1;
            self.merge(Sums { ab: a * b, aa: a * a, bb: b * b, dd: (a - b) * (a - b) });
        }
    }

    fn merge(&mut self, other: Sums) {
        self.ab += other.ab;
        self.aa += other.aa;
        self.bb += other.bb;
        self.dd += other.dd;
    }
}

fn mismatched(a: &[f64], b: &[f64], atol: f64, rtol: f64) -> u64 {
    let beyond = |(&value, &reference): (&f64, &f64)| {
        let apart = Distance::default().add(value, reference);
        let allowed = if reference.is_finite() { atol + rtol * reference.abs() } else { atol };
        apart > allowed
    };
    a.iter().zip(b).filter(|pair| beyond(*pair)).count() as u64
}

/// The place of an element that is counted in row-major order.
fn coordinates(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = Vec::with_capacity(shape.len());
    for length in shape.iter().rev() {
        place.push(index % length.max(&1));
        index /= length.max(&1);
    }
    place.reverse();
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::SQRT_2;

    fn with_rtol(rtol: f64) -> Rules {
        Rules { rtol, ..Rules::default() }
    }

    #[test]
    fn equal_where_both_are_the_same_kind_of_not_finite() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0];
        let same = Difference::of([&odd, &odd], &[4], 0, &Rules::default());
        assert!(same.within(0.0) && same.distance.max_abs == 0.0 && same.worst.is_none());
        for (place, value) in [(0, 1.0), (1, f64::NEG_INFINITY), (2, f64::NAN), (3, f64::NAN), (3, f64::INFINITY)] {
            let mut other = odd;
            other[place] = value;
            let difference = Difference::of([&other, &odd], &[2, 2], 0, &with_rtol(1e9));
            assert!(!difference.within(1e300));
            assert_eq!(difference.mismatched, 1);
            assert_eq!(difference.worst.map(|worst| worst.index), Some(vec![place / 2, place % 2]));
        }
    }

    #[test]
    fn the_rule_is_that_of_numpy() {
        let difference = Difference::of([&[1.0, 103.0], &[1.5, 100.0]], &[2], 0, &with_rtol(0.01));
        // 0.5 − 0.015 and 3 − 1.
        let worst = difference.worst.clone().map(|worst| (worst.index, worst.excess));
        assert_eq!(worst, Some((vec![1], 2.0)));
        assert!(difference.within(2.0) && !difference.within(1.9));
        assert_eq!(difference.distance.relative(), 0.03);
        // By default the absolute tolerance is 0.01 · 100: 0.5 is within, 3 is not.
        assert_eq!(difference.mismatched_share(), 0.5);
        let rules = Rules { rtol: 0.01, atol: Some(0.1), ..Rules::default() };
        assert_eq!(Difference::of([&[1.0, 103.0], &[1.5, 100.0]], &[2], 0, &rules).mismatched, 2);
    }

    #[test]
    fn samples_merge() {
        let rules = Rules { classes: Some(2), ..Rules::default() };
        let mut all = Difference::of([&[1.0, 0.0], &[1.0, 0.0]], &[1, 2], 0, &rules);
        assert_eq!(all.sqnr(), None);
        all.merge(&Difference::of([&[0.0, 1.0], &[1.0, 0.0]], &[1, 2], 1, &rules));
        assert_eq!(all.agreement.top1(), Some(0.5));
        assert_eq!(all.cosine(), Some(1.0 / (SQRT_2 * SQRT_2)));
        assert_eq!(all.worst.as_ref().map(|worst| worst.sample), Some(1));
        // Σ b² = 2, Σ (a − b)² = 2.
        assert_eq!(all.sqnr(), Some(0.0));
        assert_eq!((all.elements, all.mismatched), (4, 2));
    }
}
