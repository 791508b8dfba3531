//! How many representable numbers lie between two.

use crate::onnx::element::FloatType;
use half::{bf16, f16};

/// Counts of elements by their distance in units in the last place: equal, 1, 2 to 3, 4 to 7, …
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ulps {
    counts: Vec<u64>,
    largest: u64,
}

impl Ulps {
    /// Adds an element, if both are numbers. Both are rounded to the type first.
    pub fn add(&mut self, a: f64, b: f64, float: FloatType) {
        let (Some(a), Some(b)) = (place(a, float), place(b, float)) else { return };
        let distance = a.abs_diff(b);
        let bucket = (u64::BITS - distance.leading_zeros()) as usize;
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.largest = self.largest.max(distance);
    }

    /// Adds other elements.
    pub fn merge(&mut self, other: &Ulps) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(own, other)| *own += other);
        self.largest = self.largest.max(other.largest);
    }

    /// How many are equal, how many 1 apart, 2 to 3, 4 to 7 and so on.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The largest distance.
    pub fn largest(&self) -> u64 {
        self.largest
    }
}

/// Where a number is in the order of all numbers of the type; both zeros are at 0.
fn place(value: f64, float: FloatType) -> Option<i64> {
    if value.is_nan() {
        return None;
    }
    let rounded = float.round(value);
    let magnitude = match float {
        FloatType::F16 => i64::from(f16::from_f64(rounded.abs()).to_bits()),
        FloatType::Bf16 => i64::from(bf16::from_f64(rounded.abs()).to_bits()),
        FloatType::F32 => i64::from((rounded.abs() as f32).to_bits()),
        FloatType::F64 => rounded.abs().to_bits() as i64,
    };
    Some(if value.is_sign_negative() { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_apart_in_every_type() {
        for (float, unit) in [
            (FloatType::F16, 2f64.powi(-10)),
            (FloatType::Bf16, 2f64.powi(-7)),
            (FloatType::F32, 2f64.powi(-23)),
            (FloatType::F64, 2f64.powi(-52)),
        ] {
            let mut ulps = Ulps::default();
            for steps in [0.0, 1.0, 2.0, 3.0, 5.0] {
                ulps.add(1.0 + steps * unit, 1.0, float);
            }
            // Below 1, numbers are twice as dense.
            ulps.add(1.0 - unit, 1.0, float);
            assert_eq!((ulps.counts(), ulps.largest()), (&[1, 1, 3, 1][..], 5), "{float:?}");
        }
    }

    #[test]
    fn zeros_are_equal_and_signs_are_far_apart() {
        let mut ulps = Ulps::default();
        ulps.add(0.0, -0.0, FloatType::F32);
        assert_eq!((ulps.counts(), ulps.largest()), (&[1][..], 0));
        let smallest = f64::from(f32::from_bits(1));
        ulps.add(smallest, -smallest, FloatType::F32);
        assert_eq!(ulps.largest(), 2);
        ulps.add(f64::NAN, 1.0, FloatType::F32);
        assert_eq!(ulps.counts().iter().sum::<u64>(), 2);
    }

    #[test]
    fn what_differs_less_than_the_type_is_equal() {
        let mut ulps = Ulps::default();
        ulps.add(1.0 + 1e-5, 1.0, FloatType::F16);
        ulps.merge(&ulps.clone());
        assert_eq!(ulps.counts(), [2]);
    }
}
