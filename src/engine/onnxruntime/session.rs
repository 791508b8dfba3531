//! A model in onnxruntime, ready to run.

use super::model::{Encoded, encode};
use super::tensor::{from_ort, to_ort};
use crate::engine::error::{EngineError, one_line};
use crate::engine::{Array, guarded, required_inputs};
use crate::onnx::access::text;
use crate::onnx::schema::ModelProto;
use crate::parallel::lock;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::{Session, builder::GraphOptimizationLevel};
use std::sync::{Arc, Mutex};

/// A model that runs as it is written. All threads share one, so that its weights are in memory once; it
/// spreads each operator over the threads that it was given.
#[derive(Clone, Debug)]
pub struct Network {
    session: Arc<Mutex<Session>>,
    inputs: Arc<[String]>,
}

impl Network {
    /// Prepares a model to be run by so many threads.
    ///
    /// # Errors
    /// When a constant cannot be read or overflows, or onnxruntime refuses the model.
    pub fn new(environment: &Environment, model: &ModelProto, threads: usize) -> Result<Self, EngineError> {
        let encoded = encode(model)?;
        let session = call("prepare", || build(environment, &encoded, threads))?;
        let inputs = required_inputs(model).map(|input| text(&input.name).to_string()).collect();
        Ok(Network { session: Arc::new(Mutex::new(session)), inputs })
    }

    /// Runs the model on its required inputs, in their order; returns its outputs.
    ///
    /// # Errors
    /// When onnxruntime fails, or an output is of a type that cannot be compared.
    pub fn run(&self, inputs: &[Array]) -> Result<Vec<Array>, EngineError> {
        let mut session = lock(&self.session);
        call("run", || {
            let named = self.inputs.iter().zip(inputs).map(|(name, input)| Ok((name.as_str(), to_ort(input)?)));
            let outputs = session.run(named.collect::<ort::Result<Vec<_>>>()?)?;
            outputs.iter().map(|(name, value)| from_ort(name, &value)).collect()
        })
    }
}

/// Without its optimiser, which folds what shall be compared.
fn build(environment: &Environment, model: &Encoded, threads: usize) -> ort::Result<Session> {
    let mut builder = Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::Disable)?
        .with_parallel_execution(false)?
        .with_deterministic_compute(true)?
        .with_intra_threads(threads.max(1))?
        .with_intra_op_spinning(false)?
        .with_log_level(LogLevel::Fatal)?;
    match model {
        Encoded::Memory(bytes) => builder.commit_from_memory(bytes),
        Encoded::File { path, .. } => builder.commit_from_file(path),
    }
}

/// Calls onnxruntime; its errors, and panics of `ort`, become ours.
fn call<T>(stage: &'static str, work: impl FnOnce() -> ort::Result<T>) -> Result<T, EngineError> {
    let cause = match guarded(work) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => one_line(error.message()),
        Err(panic) => panic,
    };
    Err(EngineError::OnnxRuntime { stage, cause })
}
