//! Getting the original ready to run, on inputs that it takes.

use super::inputs::{has_integers, random};
use super::shapes::{Shapes, candidates};
use super::signature::Signature;
use super::{VerifyError, VerifyOptions};
use crate::engine::{Array, EngineError, Session};
use crate::onnx::access::standard_opset;
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;

/// Samples that are normalised by their own statistics need company.
const TRAINING_BATCH: usize = 4;

/// What integer inputs go up to, tried in this order. They may be indices, or flags.
const LARGEST_INTEGERS: [u8; 2] = [1, 0];

/// The original, ready to run.
pub struct Setup {
    /// What it takes and gives.
    pub signature: Signature,
    /// The shapes of the inputs that it takes.
    pub shapes: Shapes,
    /// The original, compiled for them, in f32 or wider.
    pub original: Session,
    largest_integer: u8,
    seed: u64,
}

impl Setup {
    /// Tries shapes, and values of integer inputs, until the original runs. The error is that
    /// of the first attempt.
    ///
    /// # Errors
    /// When it runs with none of them.
    pub fn find(original: &ModelProto, signature: Signature, options: &VerifyOptions) -> Result<Self, VerifyError> {
        let batch = if trains(original) { TRAINING_BATCH } else { 1 };
        let attempts = candidates(&signature.inputs, batch, options)?;
        let integers = if has_integers(&signature.inputs) { &LARGEST_INTEGERS[..] } else { &[0] };
        let only_one = attempts.len() == 1 && integers.len() == 1;
        let mut first = None;
        for shapes in attempts {
            let session = match Session::compile(original, &shapes.shapes, Some(FloatType::F32)) {
                Ok(session) => session,
                Err(error) if error.is_final() => return Err(VerifyError::original(error)),
                Err(error) => {
                    first.get_or_insert(error);
                    continue;
                }
            };
            let (signature, seed) = (signature.clone(), options.seed);
            let mut setup = Setup { signature, shapes, original: session, largest_integer: 0, seed };
            if only_one || setup.settle_integers(integers, &mut first)? {
                return Ok(setup);
            }
        }
        let none = EngineError::Graph { what: "no shapes to try".into() };
        Err(VerifyError::original(first.unwrap_or(none)))
    }

    /// Finds integers that the original takes.
    fn settle_integers(&mut self, attempts: &[u8], first: &mut Option<EngineError>) -> Result<bool, VerifyError> {
        for &largest_integer in attempts {
            self.largest_integer = largest_integer;
            let inputs = self.inputs(0)?;
            match self.original.worker().and_then(|mut worker| worker.run(&inputs)) {
                Ok(_) => return Ok(true),
                Err(error) => _ = first.get_or_insert(error),
            }
        }
        Ok(false)
    }

    /// The inputs of one sample.
    ///
    /// # Errors
    /// When no values can be made for an input.
    pub fn inputs(&self, sample: usize) -> Result<Vec<Array>, VerifyError> {
        random(&self.signature.inputs, &self.shapes.shapes, self.seed, sample, self.largest_integer)
    }
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
