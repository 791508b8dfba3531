//! Comparing the outputs of a sample, and the verdict over all samples.

use super::VerifyError;
use super::compare::Difference;
use super::report::{F64Report, OutputReport, Worst};
use super::signature::Port;
use super::tolerance::Tolerance;
use crate::engine::Array;

/// An output and how it is judged.
pub struct Judge {
    /// The output.
    pub port: Port,
    /// How far it may be off.
    pub tolerance: Tolerance,
}

/// How an output of one sample, or of all, differs.
#[derive(Clone, Debug, Default)]
pub struct OutputDifference {
    shape: Vec<usize>,
    native: Difference,
    /// From the original in f64: the original, the result, and the result in f64.
    exact: Option<[Difference; 3]>,
}

impl OutputDifference {
    /// Whether no element says anything: there is none, or all are NaN or infinite in both.
    pub fn says_nothing(&self) -> bool {
        self.native.finite == 0 && self.native.max_abs == 0.0
    }

    /// Adds a later sample.
    pub fn merge(&mut self, later: &OutputDifference) {
        self.native.merge(&later.native);
        if let (Some(own), Some(later)) = (&mut self.exact, &later.exact) {
            own.iter_mut().zip(later).for_each(|(own, later)| own.merge(later));
        }
    }
}

impl Judge {
    /// Compares an output of one sample; `exact` are original and result in f64.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn compare(
        &self,
        sample: usize,
        [original, result]: [&Array; 2],
        exact: Option<[&Array; 2]>,
    ) -> Result<OutputDifference, VerifyError> {
        if original.shape() != result.shape() {
            return Err(VerifyError::Signature {
                what: format!("output `{}`", self.port.name),
                original: format!("shape {:?}", original.shape()),
                result: format!("shape {:?}", result.shape()),
            });
        }
        let is_float = original.element().float().is_some();
        let (a, b) = (original.values(), result.values());
        let classes = match original.shape() {
            [_, classes] if is_float && *classes >= 2 => Some(*classes),
            _ => None,
        };
        let native = Difference::of(&b, &a, self.tolerance.rtol, sample, classes);
        let exact = exact.filter(|_| is_float).map(|[exact, algebra]| {
            let exact = exact.values();
            [&a, &b, &algebra.values()].map(|other| Difference::of(other, &exact, 0.0, sample, None))
        });
        Ok(OutputDifference { shape: original.shape().to_vec(), native, exact })
    }

    /// The verdict; `f64` tells whether all samples that should run in f64 did.
    pub fn report(&self, difference: &OutputDifference, f64: bool) -> OutputReport {
        let native = &difference.native;
        let f64 = difference.exact.as_ref().filter(|_| f64).map(|exact| self.f64_report(exact));
        let atol = self.tolerance.atol(native.max_reference, f64.as_ref().map(|f64| f64.original_error));
        let within_tolerance = native.within(atol);
        OutputReport {
            name: self.port.name.to_string(),
            same: within_tolerance && f64.as_ref().is_none_or(|f64| f64.same),
            within_tolerance,
            atol,
            rtol: self.tolerance.rtol,
            max_abs: native.max_abs,
            max_rel: native.relative(),
            cosine: native.cosine(),
            top1_agreement: native.top1_agreement(),
            worst: native.worst.map(|worst| Worst {
                sample: worst.sample,
                index: coordinates(worst.index, &difference.shape),
                original: worst.reference,
                result: worst.value,
            }),
            f64,
        }
    }

    fn f64_report(&self, [original, result, algebra]: &[Difference; 3]) -> F64Report {
        let limit = self.tolerance.algebra_limit(original.relative());
        F64Report {
            same: algebra.relative() <= limit,
            result_error: result.relative(),
            original_error: original.relative(),
            algebra_error: algebra.relative(),
            limit,
        }
    }
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
