//! The verdict, and how to say it.

use serde::Serialize;
use std::collections::BTreeMap;

/// What a verification found.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// Whether all outputs are the same, by tolerance and (where possible) in f64.
    pub same: bool,
    /// How many inputs were run.
    pub samples: usize,
    /// What they were made from.
    pub seed: u64,
    /// The inputs and the shapes that were used.
    pub inputs: Vec<InputReport>,
    /// The lengths that were used for symbolic dimensions.
    pub dims: BTreeMap<String, usize>,
    /// How many of the samples were run in f64 as well.
    pub f64_samples: usize,
    /// Why nothing was run in f64, if so.
    pub f64_unavailable: Option<String>,
    /// One report per output.
    pub outputs: Vec<OutputReport>,
}

/// An input as it was used.
#[derive(Clone, Debug, Serialize)]
pub struct InputReport {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub element: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// How one output differs. Relative figures are max |Δ| / max |original|.
#[derive(Clone, Debug, Serialize)]
pub struct OutputReport {
    /// Its name.
    pub name: String,
    /// Whether it is the same.
    pub same: bool,
    /// Whether |result − original| ≤ atol + rtol·|original| for all elements.
    pub within_tolerance: bool,
    /// The absolute tolerance.
    pub atol: f64,
    /// The relative tolerance.
    pub rtol: f64,
    /// The largest absolute difference.
    pub max_abs: f64,
    /// The largest absolute difference, relative to the largest element.
    pub max_rel: f64,
    /// The cosine of the angle between original and result.
    pub cosine: Option<f64>,
    /// For outputs that look like scores of classes: how often the best class is the same.
    pub top1_agreement: Option<f64>,
    /// The element that is furthest beyond the relative tolerance, if any differs.
    pub worst: Option<Worst>,
    /// The verdict in f64, for floating-point outputs.
    pub f64: Option<F64Report>,
}

/// One element of an output.
#[derive(Clone, Debug, Serialize)]
pub struct Worst {
    /// The sample.
    pub sample: usize,
    /// Its place in the output.
    pub index: Vec<usize>,
    /// Its value in the original.
    pub original: f64,
    /// Its value in the result.
    pub result: f64,
}

/// Errors relative to the largest element; "exact" is the original run in f64.
#[derive(Clone, Debug, Serialize)]
pub struct F64Report {
    /// Whether the algebra is right: `algebra_error` ≤ `limit`.
    pub same: bool,
    /// The result as it runs, from exact.
    pub result_error: f64,
    /// The original as it runs, from exact.
    pub original_error: f64,
    /// The result run in f64, from exact: what rounding the arithmetic does not explain.
    pub algebra_error: f64,
    /// What rounding the weights explains.
    pub limit: f64,
}

impl Verification {
    /// The verdict in one sentence.
    pub fn sentence(&self) -> String {
        let different = self.outputs.iter().filter(|output| !output.same);
        match different.max_by(|a, b| a.max_rel.total_cmp(&b.max_rel)) {
            Some(output) => output.sentence(),
            None => self.agreement(),
        }
    }

    fn agreement(&self) -> String {
        let largest = |figure: fn(&OutputReport) -> f64| self.outputs.iter().map(figure).fold(0.0, f64::max);
        let relative = largest(|output| output.max_rel);
        let start = if relative == 0.0 { "exactly the same".into() } else { format!("same within {relative:.1e}") };
        if let Some(reason) = &self.f64_unavailable {
            return format!("{start} (no f64 verdict: {reason})");
        }
        let result = largest(|output| output.f64.as_ref().map_or(0.0, |f64| f64.result_error));
        let original = largest(|output| output.f64.as_ref().map_or(0.0, |f64| f64.original_error));
        format!("{start} (f64: {result:.1e} from exact, the original {original:.1e})")
    }
}

impl OutputReport {
    fn sentence(&self) -> String {
        let mut sentence = format!("output `{}` differs by {:.1e} of its largest element", self.name, self.max_rel);
        if let Some(Worst { sample, index, original, result }) = &self.worst {
            sentence += &format!(": at {index:?} of sample {sample} it is {result} where the original has {original}");
        }
        match &self.f64 {
            Some(f64) if self.within_tolerance => {
                sentence
                    + &format!(" (in f64 by {:.1e}, but rounding explains only {:.1e})", f64.algebra_error, f64.limit)
            }
            _ => sentence,
        }
    }
}
