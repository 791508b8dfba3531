//! The largest difference, and what it is relative to.

use crate::engine::Array;

/// max |a − b| and max |b|.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distance {
    /// max |a − b|; infinite where one is not finite and the other is something else.
    pub max_abs: f64,
    /// max |b| of the finite elements.
    pub max_reference: f64,
}

impl Distance {
    /// Of an array from a reference.
    pub fn of(a: &[f64], b: &[f64]) -> Self {
        let mut distance = Distance::default();
        a.iter().zip(b).for_each(|(&value, &reference)| _ = distance.add(value, reference));
        distance
    }

    /// Of an array from a reference, infinite if its shape is another.
    pub fn of_arrays(a: &Array, b: &Array) -> Self {
        if a.shape() == b.shape() {
            return Self::of(&a.values(), &b.values());
        }
        Distance { max_abs: f64::INFINITY, ..Distance::default() }
    }

    /// Adds an element; returns its |a − b|.
    pub fn add(&mut self, value: f64, reference: f64) -> f64 {
        let apart = apart(value, reference);
        self.max_abs = self.max_abs.max(apart);
        if reference.is_finite() {
            self.max_reference = self.max_reference.max(reference.abs());
        }
        apart
    }

    /// Adds other elements.
    pub fn merge(&mut self, other: Distance) {
        self.max_abs = self.max_abs.max(other.max_abs);
        self.max_reference = self.max_reference.max(other.max_reference);
    }

    /// max |a − b| / max |b|.
    pub fn relative(&self) -> f64 {
        if self.max_abs == 0.0 { 0.0 } else { self.max_abs / self.max_reference }
    }
}

/// |a − b|, where NaN equals NaN and an infinity equals itself.
fn apart(a: f64, b: f64) -> f64 {
    if a == b || a.is_nan() && b.is_nan() {
        0.0
    } else if a.is_finite() && b.is_finite() {
        (a - b).abs()
    } else {
        f64::INFINITY
    }
}
