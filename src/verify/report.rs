//! The verdict, and how to say it.

use super::compare::Ulps;
use super::locate::Location;
use crate::engine::Array;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a verification found.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// Whether all outputs are the same, by tolerance and (where possible) in f64.
    pub same: bool,
    /// How many samples were run.
    pub samples: usize,
    /// What random samples were made from; absent where they are data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The inputs and the shapes that were used first.
    pub inputs: Vec<InputReport>,
    /// The lengths that were used for symbolic dimensions first.
    pub dims: BTreeMap<String, usize>,
    /// Other lengths of symbolic dimensions that were tried too: those of the last samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_dims: Option<OtherSizes>,
    /// How many of the samples were run in f64 as well.
    pub f64_samples: usize,
    /// Why nothing was run in f64, if so.
    pub f64_unavailable: Option<String>,
    /// One report per output.
    pub outputs: Vec<OutputReport>,
    /// How long it took.
    pub seconds: Seconds,
    /// The engines that were asked, where that is not tract alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<EngineReport>,
    /// The sample that differs most, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<FailingCase>,
    /// The first value that differs in it, if it was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Box<Location>>,
}

/// Where the time went, in seconds on the clock.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Seconds {
    /// Compiling both models, for all sizes, without f64.
    pub compile: f64,
    /// Running both models, and comparing.
    pub run: f64,
    /// Compiling and running both in f64.
    pub f64: f64,
}

/// An engine that was asked to run the models.
#[derive(Clone, Debug, Serialize)]
pub struct EngineReport {
    /// Its name.
    pub name: &'static str,
    /// Its version, if it is not part of this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it was loaded from, if it is not part of this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<String>,
    /// Why it cannot run the original, if so: the verdict is then that of the other one.
    pub unavailable: Option<String>,
}

/// Samples with other lengths of symbolic dimensions.
#[derive(Clone, Debug, Serialize)]
pub struct OtherSizes {
    /// How many.
    pub samples: usize,
    /// The lengths of named dimensions.
    pub dims: BTreeMap<String, usize>,
    /// The shape of each input.
    pub shapes: Vec<Vec<usize>>,
}

/// A sample for which an output differs.
#[derive(Clone, Debug, Serialize)]
pub struct FailingCase {
    /// Its number.
    pub sample: usize,
    /// Its inputs, by name.
    #[serde(skip)]
    pub inputs: Vec<(String, Array)>,
    /// The file that they were saved to, if they were.
    pub file: Option<String>,
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

/// What a second engine says of an output.
#[derive(Clone, Debug, Serialize)]
pub struct OtherEngine {
    /// The name of the engine.
    pub engine: &'static str,
    /// How the output differs when it runs the models.
    #[serde(flatten)]
    pub report: OutputReport,
    /// How far it is from the first engine.
    pub apart: Apart,
}

/// The largest difference between what two engines make of the same model, relative to the largest element.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Apart {
    /// Of the original.
    pub original: f64,
    /// Of the result.
    pub result: f64,
}

/// How one output differs. Relative figures are max |Δ| / max |original|.
#[derive(Clone, Debug, Serialize)]
pub struct OutputReport {
    /// Its name.
    pub name: String,
    /// Whether it is the same, in all engines.
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
    /// How many elements are finite in both models.
    pub finite: u64,
    /// The share of elements that are beyond the tolerance, in their own sample.
    pub mismatched: f64,
    /// How far elements are apart, counted in units in the last place; absent for other types than floats.
    pub ulps: Option<UlpReport>,
    /// The cosine of the angle between original and result.
    pub cosine: Option<f64>,
    /// The ratio of the original to the difference, as powers: 10·log₁₀(Σ original² / Σ Δ²). Absent where
    /// there is no difference.
    pub sqnr_db: Option<f64>,
    /// For outputs that look like scores of classes: how often the best class is the same.
    pub top1_agreement: Option<f64>,
    /// For those of more than five classes: how often the five best are the same five.
    pub top5_agreement: Option<f64>,
    /// The element that is furthest beyond the relative tolerance, if any differs.
    pub worst: Option<Worst>,
    /// The verdict in f64, for floating-point outputs.
    pub f64: Option<F64Report>,
    /// What the second engine says, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_engine: Option<Box<OtherEngine>>,
}

/// Distances in units in the last place of the type of the output.
#[derive(Clone, Debug, Serialize)]
pub struct UlpReport {
    /// The largest.
    pub largest: u64,
    /// How many elements are equal, 1 apart, 2 to 3, 4 to 7 and so on.
    pub histogram: Vec<u64>,
}

impl UlpReport {
    pub(super) fn of(ulps: &Ulps) -> Option<UlpReport> {
        let histogram = ulps.counts().to_vec();
        (!histogram.is_empty()).then(|| UlpReport { largest: ulps.largest(), histogram })
    }
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

/// Errors relative to the largest element; "exact" is the original run in f64. All of it is done by tract.
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

/// Errors within this factor are called alike.
const AS_CLOSE: f64 = 2.0;

impl Verification {
    /// The verdict in one sentence.
    pub fn sentence(&self) -> String {
        let different = self.outputs.iter().filter(|output| !output.same);
        match different.max_by(|a, b| a.differing().max_rel.total_cmp(&b.differing().max_rel)) {
            Some(output) => output.sentence(),
            None => self.agreement(),
        }
    }

    fn agreement(&self) -> String {
        let largest = |figure: fn(&OutputReport) -> f64| self.outputs.iter().map(figure).fold(0.0, f64::max);
        let relative = largest(|output| {
            output.max_rel.max(output.other_engine.as_ref().map_or(0.0, |other| other.report.max_rel))
        });
        let start = if relative == 0.0 { "exactly the same".into() } else { format!("same within {relative:.1e}") };
        let start = start + &self.by_engines();
        if let Some(reason) = &self.f64_unavailable {
            return format!("{start} (no f64 verdict: {reason})");
        }
        let result = largest(|output| output.f64.as_ref().map_or(0.0, |f64| f64.result_error));
        let original = largest(|output| output.f64.as_ref().map_or(0.0, |f64| f64.original_error));
        match (result, original) {
            _ if relative == 0.0 => start,
            (0.0, 0.0) => format!("{start} (both are exact)"),
            _ if result <= AS_CLOSE * original => {
                format!("{start}: as close to exact as the original ({result:.1e} and {original:.1e})")
            }
            _ => format!(
                "{start}: {result:.1e} from exact, the original {original:.1e}, as rounding the weights explains"
            ),
        }
    }

    /// In which engines, where that is not tract alone.
    fn by_engines(&self) -> String {
        let able: Vec<_> = self.engines.iter().filter(|engine| engine.unavailable.is_none()).collect();
        match &able[..] {
            [] => String::new(),
            [only] => format!(" in {}{}", only.name, if self.engines.len() > 1 { " alone" } else { "" }),
            [first, second, ..] => {
                let apart = self.outputs.iter().filter_map(|output| Some(output.other_engine.as_ref()?.apart.original));
                format!(" in {} and {}, {:.1e} apart", first.name, second.name, apart.fold(0.0, f64::max))
            }
        }
    }
}

impl OutputReport {
    /// What differs: this, or what the second engine says of it.
    pub(super) fn differing(&self) -> &OutputReport {
        let own = self.within_tolerance && self.f64.as_ref().is_none_or(|f64| f64.same);
        self.other_engine.as_ref().map(|other| &other.report).filter(|other| own && !other.same).unwrap_or(self)
    }

    /// The engine in which it differs, if that is the second.
    pub(super) fn differing_engine(&self) -> Option<&OtherEngine> {
        self.other_engine.as_deref().filter(|other| std::ptr::eq(&other.report, self.differing()))
    }

    fn sentence(&self) -> String {
        let differing = self.differing();
        let engine = self.differing_engine().map_or(String::new(), |other| format!("in {} ", other.engine));
        let mut sentence =
            format!("{engine}output `{}` differs by {:.1e} of its largest element", self.name, differing.max_rel);
        if let Some(Worst { sample, index, original, result }) = &differing.worst {
            sentence += &format!(": at {index:?} of sample {sample} it is {result} where the original has {original}");
        }
        match &differing.f64 {
            Some(f64) if differing.within_tolerance => {
                sentence
                    + &format!(" (in f64 by {:.1e}, but rounding explains only {:.1e})", f64.algebra_error, f64.limit)
            }
            _ => sentence,
        }
    }
}
