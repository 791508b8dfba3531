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

/// A model that runs as it is written, in one thread: how work is split decides what sums are rounded to.
/// Threads share it, so that its weights are in memory once.
#[derive(Clone, Debug)]
pub struct Network {
    session: Arc<Mutex<Session>>,
    inputs: Arc<[String]>,
}

impl Network {
    /// Prepares a model to be run.
    ///
    /// # Errors
    /// When a constant cannot be read or overflows, or onnxruntime refuses the model.
    pub fn new(environment: &Environment, model: &ModelProto) -> Result<Self, EngineError> {
        let encoded = encode(model)?;
        let session = call("prepare", || build(environment, &encoded))?;
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
fn build(environment: &Environment, model: &Encoded) -> ort::Result<Session> {
    let mut builder = Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::Disable)?
        .with_parallel_execution(false)?
        .with_deterministic_compute(true)?
        .with_intra_threads(1)?
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
        Ok(Err(error)) => one_line(&without_places(error.message())),
        Err(panic) => panic,
    };
    Err(EngineError::OnnxRuntime { stage, cause })
}

/// A message without the places in onnxruntime's source that it names: a file with a line, and the signature of
/// the function there.
fn without_places(message: &str) -> String {
    let (mut rest, mut text) = (message, String::new());
    while let Some(start) = rest.find("/onnxruntime") {
        let (before, place) = rest.split_at(start);
        text += before;
        rest = behind_place(place).unwrap_or_else(|| {
            text += &place[..1];
            &place[1..]
        });
    }
    text + rest
}

/// What is behind `FILE:LINE RESULT NAME(PARAMETERS) const [with TYPES] `, if it begins with that.
fn behind_place(text: &str) -> Option<&str> {
    let (file, rest) = text.split_once(' ')?;
    let (file, line) = file.rsplit_once(':')?;
    let is_source = [".h", ".cc", ".cpp"].iter().any(|ending| file.ends_with(ending));
    if !is_source || line.parse::<u32>().is_err() {
        return None;
    }
    let mut depth = 0;
    let end = rest.char_indices().find(|(_, c)| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => return false,
        };
        depth == 0
    });
    let rest = rest[end?.0 + 1..].trim_start().trim_start_matches("const ");
    let types = rest.strip_prefix("[with ").and_then(|types| types.split_once("] "));
    Some(types.map_or(rest, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_source_are_left_out() {
        for (message, expected) in [
            ("/onnxruntime_src/core/a.h:46 void o::f(const m<b<char>, int>&, bool (*)(int)) Opset 99", "Opset 99"),
            (
                "Failed: /onnxruntime_src/a.cc:7 x o::g() const n > 0 was false. /onnxruntime_src/a.cc:8 y h(int) Why",
                "Failed: n > 0 was false. Why",
            ),
            (
                "/onnxruntime_src/b.h:9 o::B<T>::B(const I&) [with T = float] !is_train_ was false",
                "!is_train_ was false",
            ),
            ("no /onnxruntime/model here: 3", "no /onnxruntime/model here: 3"),
            ("at /onnxruntime/a.cc:9 without end (", "at /onnxruntime/a.cc:9 without end ("),
        ] {
            assert_eq!(without_places(message), expected);
        }
    }
}
