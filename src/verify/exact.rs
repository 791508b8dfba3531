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
///
/// One model after the other, since wide weights take twice their memory, unless threads would be idle. `done` is
/// told of each run.
///
/// # Errors
/// When tract cannot.
pub fn run(
    models: [&ModelProto; 2],
    shapes: &[Vec<usize>],
    samples: &[Ran],
    floor: FloatType,
    threads: usize,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Outputs>, EngineError> {
    let of_model = |side: usize| run_one(models[side], shapes, samples, floor, threads, done);
    let outputs = if samples.len() < threads { side_by_side(of_model) } else { [0, 1].map(of_model) };
    let [original, result] = outputs;
    Ok(original?.into_iter().zip(result?).map(Outputs::from).collect())
}

/// The outputs of one model.
fn run_one(
    model: &ModelProto,
    shapes: &[Vec<usize>],
    samples: &[Ran],
    floor: FloatType,
    threads: usize,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Vec<Array>>, EngineError> {
    let session = Session::compile(model, shapes, Some(floor))?;
    let work =
        |(): &mut (), sample: usize| -> Result<_, EngineError> { session.worker()?.run(&samples[sample].inputs) };
    let mut outputs = Vec::new();
    let take = |_, exact| {
        outputs.push(exact);
        done();
    };
    parallel::in_order(&mut vec![(); threads], samples.len(), work, take)?;
    Ok(outputs)
}
