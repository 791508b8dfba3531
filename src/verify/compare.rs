//! How two arrays differ.

/// The difference of an array a from a reference b, over any number of samples.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// max |a − b|; infinite where one is not finite and the other is something else.
    pub max_abs: f64,
    /// max |b| of the finite elements.
    pub max_reference: f64,
    /// Where |a − b| − rtol·|b| is largest, if a and b differ at all.
    pub worst: Option<WorstElement>,
    /// In how many elements both are finite.
    pub finite: u64,
    products: [f64; 3],
    rows: u64,
    same_top: u64,
}

/// The element that is furthest beyond the relative tolerance.
#[derive(Clone, Copy, Debug)]
pub struct WorstElement {
    /// |a − b| − rtol·|b|.
    pub excess: f64,
    /// Which sample.
    pub sample: usize,
    /// Which element of it, counted in row-major order.
    pub index: usize,
    /// a.
    pub value: f64,
    /// b.
    pub reference: f64,
}

impl Difference {
    /// Compares one sample. `classes` is the length of the last axis if the rows of the array
    /// are scores of classes.
    pub fn of(a: &[f64], b: &[f64], rtol: f64, sample: usize, classes: Option<usize>) -> Self {
        let mut difference = Difference::default();
        for (index, (&value, &reference)) in a.iter().zip(b).enumerate() {
            let distance = distance(value, reference);
            let excess = if distance.is_finite() { distance - rtol * reference.abs() } else { distance };
            difference.max_abs = difference.max_abs.max(distance);
            if distance > 0.0 && difference.worst.is_none_or(|worst| excess > worst.excess) {
                difference.worst = Some(WorstElement { excess, sample, index, value, reference });
            }
            if reference.is_finite() {
                difference.max_reference = difference.max_reference.max(reference.abs());
            }
            if reference.is_finite() && value.is_finite() {
                difference.finite += 1;
                let [ab, aa, bb] = &mut difference.products;
                *ab += value * reference;
                *aa += value * value;
                *bb += reference * reference;
            }
        }
        for (a, b) in classes.into_iter().flat_map(|classes| a.chunks_exact(classes).zip(b.chunks_exact(classes))) {
            difference.rows += 1;
            difference.same_top += u64::from(top(a) == top(b));
        }
        difference
    }

    /// Adds a later sample.
    pub fn merge(&mut self, later: &Difference) {
        self.max_abs = self.max_abs.max(later.max_abs);
        self.max_reference = self.max_reference.max(later.max_reference);
        if let Some(worst) = later.worst
            && self.worst.is_none_or(|own| worst.excess > own.excess)
        {
            self.worst = Some(worst);
        }
        self.products.iter_mut().zip(later.products).for_each(|(own, other)| *own += other);
        self.finite += later.finite;
        self.rows += later.rows;
        self.same_top += later.same_top;
    }

    /// max |a − b| / max |b|.
    pub fn relative(&self) -> f64 {
        if self.max_abs == 0.0 { 0.0 } else { self.max_abs / self.max_reference }
    }

    /// Whether |a − b| ≤ atol + rtol·|b| everywhere, with the rtol that was compared with.
    pub fn within(&self, atol: f64) -> bool {
        self.worst.is_none_or(|worst| worst.excess <= atol)
    }

    /// The cosine of the angle between a and b; `None` if one of them is zero.
    pub fn cosine(&self) -> Option<f64> {
        let [ab, aa, bb] = self.products;
        (aa > 0.0 && bb > 0.0).then(|| ab / (aa.sqrt() * bb.sqrt()))
    }

    /// The share of rows with the same largest element.
    pub fn top1_agreement(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.same_top as f64 / self.rows as f64)
    }
}

/// |a − b|, where NaN equals NaN and an infinity equals itself.
fn distance(a: f64, b: f64) -> f64 {
    if a == b || a.is_nan() && b.is_nan() {
        0.0
    } else if a.is_finite() && b.is_finite() {
        (a - b).abs()
    } else {
        f64::INFINITY
    }
}

fn top(row: &[f64]) -> Option<usize> {
    (0..row.len()).reduce(|best, next| if row[next] > row[best] { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::SQRT_2;

    #[test]
    fn equal_where_both_are_the_same_kind_of_not_finite() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0];
        let same = Difference::of(&odd, &odd, 0.0, 0, None);
        assert!(same.within(0.0) && same.max_abs == 0.0 && same.worst.is_none());
        for (place, value) in [(0, 1.0), (1, f64::NEG_INFINITY), (2, f64::NAN), (3, f64::NAN), (3, f64::INFINITY)] {
            let mut other = odd;
            other[place] = value;
            let difference = Difference::of(&other, &odd, 1e9, 0, None);
            assert!(!difference.within(1e300));
            assert_eq!(difference.worst.map(|worst| worst.index), Some(place));
        }
    }

    #[test]
    fn the_rule_is_that_of_numpy() {
        let difference = Difference::of(&[1.0, 103.0], &[1.5, 100.0], 0.01, 0, None);
        // 0.5 − 0.015 and 3 − 1.
        assert_eq!(difference.worst.map(|worst| (worst.index, worst.excess)), Some((1, 2.0)));
        assert!(difference.within(2.0) && !difference.within(1.9));
        assert_eq!(difference.relative(), 0.03);
    }

    #[test]
    fn samples_merge() {
        let mut all = Difference::of(&[1.0, 0.0], &[1.0, 0.0], 0.0, 0, Some(2));
        all.merge(&Difference::of(&[0.0, 1.0], &[1.0, 0.0], 0.0, 1, Some(2)));
        assert_eq!(all.top1_agreement(), Some(0.5));
        assert_eq!(all.cosine(), Some(1.0 / (SQRT_2 * SQRT_2)));
        assert_eq!(all.worst.map(|worst| worst.sample), Some(1));
    }
}
