//! The whole of a verification: what is run, in which order, and what comes of it.

use super::comparison::Comparison;
use super::engines::{Engine, Selection, select};
use super::inputs::{Finder, Round, Shapes};
use super::locate::locate_in;
use super::report::{FailingCase, InputReport, OtherSizes, Verification};
use super::signature::Signature;
use super::{EngineChoice, Observer, VerifyError, VerifyOptions};
use crate::engine::{Array, Runtime};
use crate::onnx::element::DataType;
use crate::onnx::schema::ModelProto;
use std::io;

/// Compares a result with its original. `progress` is told how much is done, and of how much.
///
/// The models run in this process. A hostile one can exhaust its memory or overflow its stack,
/// which ends the process; the command line therefore verifies in a child process.
///
/// # Errors
/// When the models take or give different things, or one of them cannot be run.
///
/// ```
/// use bn_tool::onnx::load;
/// use bn_tool::verify::{VerifyOptions, verify};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = load("fixtures/digits/digits.onnx".as_ref())?;
/// let verification = verify(&model, &model, &VerifyOptions::default().samples(1), &|_, _| {})?;
/// assert!(verification.same);
/// # Ok(())
/// # }
/// ```
pub fn verify(
    original: &ModelProto,
    result: &ModelProto,
    options: &VerifyOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Verification, VerifyError> {
    verify_with(original, result, options, &mut Progress(progress))
}

struct Progress<'a>(&'a (dyn Fn(usize, usize) + Sync));

impl Observer for Progress<'_> {
    fn progress(&mut self, done: usize, total: usize) {
        self.0(done, total);
    }

    fn sample(&mut self, _: &super::Sample) -> io::Result<()> {
        Ok(())
    }
}

/// As [`verify`](fn@verify), while somebody looks on.
///
/// # Errors
/// Those of [`verify`](fn@verify), and when the observer fails.
pub fn verify_with(
    original: &ModelProto,
    result: &ModelProto,
    options: &VerifyOptions,
    observer: &mut dyn Observer,
) -> Result<Verification, VerifyError> {
    let signature = Signature::of(original);
    Signature::of(result).expect_like(&signature)?;
    options.check(&signature)?;
    let finder = Finder::new(original, &signature, options);
    let Selection { engines, reports, round: first } = select([original, result], &finder, options)?;
    let mut comparison = Comparison::new([original, result], &engines, &signature, options, &first, observer);
    let kept = comparison.run(&first)?;
    let other = finder.other(&engines, &first.shapes, first.samples)?;
    if let Some(other) = &other {
        comparison.run(other)?;
    }
    // What runs in f64 takes twice the memory: nothing else is to be there.
    engines.iter().for_each(Engine::forget);
    let no_f64 = comparison.run_in_f64(&first, &kept).err();
    drop(kept);
    let rounds = Rounds { signature: &signature, first, other };
    let mut verification = rounds.report(&comparison, no_f64, options)?;
    drop(comparison);
    if options.engine != EngineChoice::Tract {
        verification.engines = reports;
    }
    if let Some(failing) = verification.failing.as_ref().filter(|_| options.locate) {
        let inputs: Vec<Array> = failing.inputs.iter().map(|(_, array)| array.clone()).collect();
        let runtime = verification.differs_in(&engines);
        verification.location = locate_in(runtime, [original, result], &inputs, options, &|_, _| {})?.map(Box::new);
    }
    Ok(verification)
}

impl Verification {
    /// The engine in which outputs differ: what differs in f64 alone does so in tract.
    fn differs_in<'e>(&self, engines: &'e [Engine]) -> &'e Runtime {
        let different = || self.outputs.iter().filter(|output| !output.same);
        let in_first = different().any(|output| !output.within_tolerance);
        let in_second = different().any(|output| output.differing_engine().is_some());
        match engines {
            [first, ..] if in_first => &first.runtime,
            [_, second] if in_second => &second.runtime,
            _ => &Runtime::Tract,
        }
    }
}

/// All that was run.
struct Rounds<'a> {
    signature: &'a Signature,
    first: Round,
    other: Option<Round>,
}

impl Rounds<'_> {
    fn report(
        &self,
        comparison: &Comparison,
        no_f64: Option<String>,
        options: &VerifyOptions,
    ) -> Result<Verification, VerifyError> {
        let outputs = comparison.outputs(no_f64.is_none())?;
        let different = outputs.iter().filter(|output| !output.same);
        let worst = different.max_by(|a, b| a.differing().max_rel.total_cmp(&b.differing().max_rel));
        let failing = worst.map(|output| output.differing().worst.as_ref().map_or(0, |worst| worst.sample));
        Ok(Verification {
            same: failing.is_none(),
            samples: self.first.samples + self.other.as_ref().map_or(0, |other| other.samples),
            seed: options.data.is_none().then_some(options.seed),
            inputs: self.inputs(&self.first.shapes),
            dims: self.first.shapes.dims.clone(),
            other_dims: self.other.as_ref().map(|other| OtherSizes {
                samples: other.samples,
                dims: other.shapes.dims.clone(),
                shapes: other.shapes.shapes.clone(),
            }),
            f64_samples: if no_f64.is_none() { comparison.f64_samples(&self.first) } else { 0 },
            f64_unavailable: no_f64,
            outputs,
            seconds: comparison.seconds(),
            engines: Vec::new(),
            failing: failing.map(|sample| self.case(sample)).transpose()?,
            location: None,
        })
    }

    fn inputs(&self, shapes: &Shapes) -> Vec<InputReport> {
        let ports = self.signature.inputs.iter().zip(&shapes.shapes);
        let report = ports.map(|(port, shape)| InputReport {
            name: port.name.to_string(),
            element: port.element.map_or("?", DataType::name),
            shape: shape.clone(),
        });
        report.collect()
    }

    /// The inputs of a sample once more.
    fn case(&self, sample: usize) -> Result<FailingCase, VerifyError> {
        let inputs = match &self.other {
            Some(other) if sample >= other.first => other.inputs(sample - other.first),
            _ => self.first.inputs(sample - self.first.first),
        };
        let names = self.signature.inputs.iter().map(|port| port.name.to_string());
        Ok(FailingCase { sample, inputs: names.zip(inputs?).collect(), file: None })
    }
}
