//! Comparing the outputs of a sample, and the verdict over all samples.

use super::VerifyError;
use super::compare::{Difference, Distance, Rules};
use super::report::{F64Report, OutputReport, UlpReport, Worst};
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
    native: Difference,
    /// Whether integers differ that are the same number in f64.
    unequal: bool,
    /// From the original in f64: the original, the result, and the result in f64.
    exact: Option<[Distance; 3]>,
}

impl OutputDifference {
    /// Whether no element says anything: there is none, or all are NaN or infinite in both.
    pub fn says_nothing(&self) -> bool {
        self.native.finite == 0 && self.native.distance.max_abs == 0.0
    }

    /// Adds a later sample.
    pub fn merge(&mut self, later: &OutputDifference) {
        self.native.merge(&later.native);
        self.unequal |= later.unequal;
        if let Some(later) = later.exact {
            self.add_exact(later);
        }
    }

    /// Adds what running in f64 showed.
    pub fn add_exact(&mut self, later: [Distance; 3]) {
        let own = self.exact.get_or_insert_default();
        own.iter_mut().zip(later).for_each(|(own, later)| own.merge(later));
    }
}

impl Judge {
    /// Compares an output of one sample.
    ///
    /// # Errors
    /// When the shapes or types differ.
    pub fn compare(&self, sample: usize, [original, result]: [&Array; 2]) -> Result<OutputDifference, VerifyError> {
        if original.shape() != result.shape() {
            return Err(VerifyError::Signature {
                what: format!("output `{}`", self.port.name),
                original: format!("shape {:?}", original.shape()),
                result: format!("shape {:?}", result.shape()),
            });
        }
        if original.element() != result.element() {
            return Err(VerifyError::Signature {
                what: format!("output `{}`", self.port.name),
                original: original.element().name().into(),
                result: result.element().name().into(),
            });
        }
        let float = original.element().float();
        // Models of narrow floats run in wider ones: what counts is the type that they give.
        let declared = self.port.element.and_then(|element| element.float());
        let classes = match original.shape() {
            [_, classes] if float.is_some() && *classes >= 2 => Some(*classes),
            _ => None,
        };
        let Tolerance { rtol, atol, .. } = self.tolerance;
        let rules = Rules { rtol, atol, float: float.map(|float| declared.unwrap_or(float)), classes };
        let native = Difference::of([&result.values(), &original.values()], original.shape(), sample, &rules);
        let exactly = float.is_none() && rtol == 0.0 && atol == Some(0.0);
        Ok(OutputDifference { native, unequal: exactly && original.bytes() != result.bytes(), exact: None })
    }

    /// How far the original, the result, and the result in f64 are from the original in f64, infinitely where
    /// shapes differ; `None` where the output is not floating-point.
    pub fn exact(&self, [original, result]: [&Array; 2], [exact, algebra]: [&Array; 2]) -> Option<[Distance; 3]> {
        original.element().float()?;
        Some([original, result, algebra].map(|other| Distance::of_arrays(other, exact)))
    }

    /// The verdict; `f64` tells whether all samples that should run in f64 did.
    pub fn report(&self, difference: &OutputDifference, f64: bool) -> OutputReport {
        let native = &difference.native;
        let f64 = difference.exact.as_ref().filter(|_| f64).map(|exact| self.f64_report(exact));
        let atol = self.tolerance.atol(native.distance.max_reference, f64.as_ref().map(|f64| f64.original_error));
        let within_tolerance = native.within(atol) && !difference.unequal;
        OutputReport {
            name: self.port.name.to_string(),
            same: within_tolerance && f64.as_ref().is_none_or(|f64| f64.same),
            within_tolerance,
            atol,
            rtol: self.tolerance.rtol,
            max_abs: native.distance.max_abs,
            max_rel: native.distance.relative(),
            finite: native.finite,
            mismatched: native.mismatched_share(),
            ulps: UlpReport::of(&native.ulps),
            cosine: native.cosine(),
            sqnr_db: native.sqnr(),
            top1_agreement: native.agreement.top1(),
            top5_agreement: native.agreement.top5(),
            worst: native.worst.as_ref().map(|worst| Worst {
                sample: worst.sample,
                index: worst.index.clone(),
                original: worst.reference,
                result: worst.value,
            }),
            f64,
            other_engine: None,
        }
    }

    /// The verdict of a second engine, by tolerance. That in f64 is about the models and not about engines, and
    /// is said once; what it shows of the original's arithmetic counts here, too.
    pub fn second_report(&self, first: &OutputDifference, second: &OutputDifference, f64: bool) -> OutputReport {
        let report = self.report(&OutputDifference { exact: first.exact, ..second.clone() }, f64);
        OutputReport { same: report.within_tolerance, f64: None, ..report }
    }

    fn f64_report(&self, [original, result, algebra]: &[Distance; 3]) -> F64Report {
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
