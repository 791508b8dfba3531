//! Getting the original ready to run, on inputs that it takes.

use super::bounds::bounds;
use super::random::{Random, Values};
use super::shapes::{Shapes, candidates, others};
use super::{Round, Source};
use crate::data::{self, DataOptions};
use crate::engine::{Compiled, EngineError};
use crate::onnx::access::standard_opset;
use crate::onnx::element::DataType;
use crate::onnx::schema::ModelProto;
use crate::verify::engines::Engine;
use crate::verify::options::RANDOM_SAMPLES;
use crate::verify::signature::{Port, Signature};
use crate::verify::{VerifyError, VerifyOptions};
use std::ops::Range;

/// Samples that are normalised by their own statistics need company.
const TRAINING_BATCH: usize = 4;

/// Where nothing is known of integer inputs they go up to this, tried in this order. They may be indices, or
/// flags.
const LARGEST_INTEGERS: [i64; 2] = [1, 0];

/// Finds what to run the original on.
pub struct Finder<'a> {
    original: &'a ModelProto,
    ports: &'a [Port],
    options: &'a VerifyOptions,
    /// What inputs may be filled with, in the order in which it is tried.
    fillings: Vec<Vec<Values>>,
}

impl<'a> Finder<'a> {
    /// Looks at what the graph does with its inputs.
    pub fn new(original: &'a ModelProto, signature: &'a Signature, options: &'a VerifyOptions) -> Self {
        let fillings = if options.data.is_some() { Vec::new() } else { fillings(original, &signature.inputs, options) };
        Finder { original, ports: &signature.inputs, options, fillings }
    }

    /// The first samples: the data, or the first shapes and values with which the original runs.
    ///
    /// # Errors
    /// When this engine runs it with none of them; the error is that of the first attempt.
    pub fn first(&self, engine: &Engine) -> Result<Round, VerifyError> {
        if let Some(options) = &self.options.data {
            return self.data(options);
        }
        let batch = if trains(self.original) { TRAINING_BATCH } else { 1 };
        let attempts = candidates(self.ports, batch, self.options)?;
        let samples = self.options.samples.unwrap_or(RANDOM_SAMPLES).max(1);
        match (&attempts[..], &self.fillings[..]) {
            ([shapes], [values]) => Ok(self.round(shapes.clone(), values, 0..samples)),
            _ => self.random(attempts, 0..samples, std::slice::from_ref(engine)),
        }
    }

    /// One more sample, with other lengths of symbolic dimensions, if there are any with which all engines
    /// run the original.
    ///
    /// # Errors
    /// When no values can be made for an input.
    pub fn other(&self, engines: &[Engine], first: &Shapes, number: usize) -> Result<Option<Round>, VerifyError> {
        if self.options.data.is_some() {
            return Ok(None);
        }
        let attempts = others(self.ports, first, self.options);
        match self.random(attempts, number..number + 1, engines) {
            Ok(round) => Ok(Some(round)),
            Err(VerifyError::Original(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn data(&self, options: &DataOptions) -> Result<Round, VerifyError> {
        let mut options = options.clone();
        options.samples = options.samples.or(self.options.samples);
        let data = data::open(self.original, &options)?;
        let shapes = Shapes::of_data(self.ports, data.shapes());
        Ok(Round { shapes, first: 0, samples: data.runs(), source: Source::Data(data) })
    }

    /// The first shapes and values with which all engines run the original.
    fn random(&self, attempts: Vec<Shapes>, samples: Range<usize>, engines: &[Engine]) -> Result<Round, VerifyError> {
        let mut first = None;
        for shapes in attempts {
            let compiled = engines.iter().map(|engine| engine.original(&shapes.shapes)).collect();
            let originals: Vec<Compiled> = match compiled {
                Ok(originals) => originals,
                Err(error) if error.is_final() => return Err(VerifyError::original(error)),
                Err(error) => {
                    first.get_or_insert(error);
                    continue;
                }
            };
            for values in &self.fillings {
                let round = self.round(shapes.clone(), values, samples.clone());
                let inputs = round.inputs(0)?;
                match originals.iter().try_for_each(|original| original.runner()?.run(&inputs).map(drop)) {
                    Ok(()) => return Ok(round),
                    Err(error) => _ = first.get_or_insert(error),
                }
            }
        }
        let none = EngineError::Graph { what: "no shapes to try".into() };
        Err(VerifyError::original(first.unwrap_or(none)))
    }

    fn round(&self, shapes: Shapes, values: &[Values], samples: Range<usize>) -> Round {
        let random = Random::new(self.ports.to_vec(), values.to_vec(), self.options.seed);
        Round { source: Source::Random(random), shapes, first: samples.start, samples: samples.len() }
    }
}

/// What inputs may be filled with: as told, else as the graph bounds it, else small numbers.
fn fillings(original: &ModelProto, ports: &[Port], options: &VerifyOptions) -> Vec<Vec<Values>> {
    let told = |port: &Port| options.ranges.get(&*port.name.to_string()).copied();
    let guessed = |port: &Port| is_integer(port) && told(port).is_none();
    let bounds = if ports.iter().any(guessed) { bounds(original) } else { Default::default() };
    let fill = |port: &Port, largest: i64, bounded: bool| match (told(port), port.element) {
        (Some(range), Some(element)) if element.float().is_some() => Values::Uniform(range),
        (Some([low, high]), _) => Values::Integers([low.ceil() as i64, high.floor() as i64]),
        (None, Some(DataType::Bool)) => Values::Integers([0, 1]),
        (None, _) if guessed(port) => {
            let known = bounds.get(&port.name).filter(|_| bounded).cloned();
            known.unwrap_or(Values::Integers([0, largest]))
        }
        (None, _) => Values::Normal,
    };
    let all = |largest, bounded| ports.iter().map(|port| fill(port, largest, bounded)).collect::<Vec<_>>();
    let mut fillings: Vec<Vec<Values>> = Vec::new();
    for bounded in [true, false] {
        for largest in LARGEST_INTEGERS {
            let filling = all(largest, bounded);
            if !fillings.contains(&filling) {
                fillings.push(filling);
            }
        }
    }
    fillings
}

fn is_integer(port: &Port) -> bool {
    port.element.is_some_and(|element| element.float().is_none() && element != DataType::Bool)
}

/// Whether a BatchNormalization normalises by the statistics of the batch.
fn trains(model: &ModelProto) -> bool {
    let opset = standard_opset(&model.opset_import);
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    nodes.filter(|node| node.standard_op() == "BatchNormalization").any(|node| match opset {
        ..7 => node.int("is_test", 0) == 0,
        7..14 => node.output.iter().skip(1).any(|output| !output.is_empty()),
        _ => node.int("training_mode", 0) != 0,
    })
}
