//! Samples in float64, which tract alone can do: onnxruntime has few operators of that type.

use super::comparison::Ran;
use super::engines::side_by_side;
use crate::engine::{Array, EngineError, Session};
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;
use crate::parallel;

/// The outputs of the original and of the result.
pub type Outputs = [Vec<Array>; 2];

/// Runs both models in tract on some samples, with floats that are narrower than `floor` widened to it.
/// `done` is told of each run.
///
/// # Errors
/// When tract cannot.
pub fn run(
    models: [&ModelProto; 2],
    shapes: &[Vec<usize>],
    samples: &[Ran],
    floor: FloatType,
    threads: usize,
    mut done: impl FnMut() + Send,
) -> Result<Vec<Outputs>, EngineError> {
    let [original, result] = side_by_side(|side| Session::compile(models[side], shapes, Some(floor)));
    let sessions = [original?, result?];
    let work = |(): &mut (), index: usize| -> Result<_, EngineError> {
        sessions[index % 2].worker()?.run(&samples[index / 2].inputs)
    };
    let (mut pairs, mut original) = (Vec::new(), None);
    let take = |_, outputs: Vec<Array>| {
        match original.take() {
            None => original = Some(outputs),
            Some(original) => pairs.push([original, outputs]),
        }
        done();
    };
    parallel::in_order(&mut vec![(); threads], 2 * samples.len(), work, take)?;
    Ok(pairs)
}
