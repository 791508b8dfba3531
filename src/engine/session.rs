//! A model, compiled for concrete input shapes.

use super::array::Array;
use super::convert::convert;
use super::error::EngineError;
use super::guard::guarded;
use super::{batch_norm, check, gemm, pointwise};
use crate::onnx::access::text;
use crate::onnx::element::FloatType;
use crate::onnx::schema::{ModelProto, ValueInfoProto};
use bstr::BStr;
use std::collections::HashSet;
use std::sync::Arc;
use tract_onnx::Onnx;
use tract_onnx::pb;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::model::IntoRunnable;
use tract_onnx::tract_hir::internal::{InferenceModelExt, ensure};

/// `optimize` takes time quadratic in the length of a chain of nodes; above this many, running
/// unoptimised is faster than waiting for it.
const MOST_NODES_TO_OPTIMISE: usize = 3000;

/// A compiled model. Shared by worker threads, each of which runs it through its own
/// [`Worker`].
#[derive(Clone, Debug)]
pub struct Session {
    plan: Arc<TypedRunnableModel>,
    floor: Option<FloatType>,
}

/// One thread's state of a session.
pub struct Worker {
    state: TypedSimpleState,
    floor: Option<FloatType>,
}

/// The inputs that a caller must give: those that have no initializer of the same name.
pub fn required_inputs(model: &ModelProto) -> impl Iterator<Item = &ValueInfoProto> {
    let graph = model.graph.as_ref();
    let dense = graph.into_iter().flat_map(|graph| graph.initializer.iter().map(|tensor| text(&tensor.name)));
    let sparse = graph.into_iter().flat_map(|graph| graph.sparse_initializer.iter().map(|tensor| tensor.name()));
    let constants: HashSet<&BStr> = dense.chain(sparse).collect();
    let inputs = graph.into_iter().flat_map(|graph| &graph.input);
    inputs.filter(move |input| !constants.contains(text(&input.name)))
}

impl Session {
    /// Compiles a model for [`required_inputs`] of these shapes. Floats narrower than `floor`
    /// are widened to it, in the weights and in all arithmetic.
    ///
    /// # Errors
    /// When an operator is not supported, a weight overflows, the graph is malformed, or the
    /// engine refuses it or panics.
    pub fn compile(
        model: &ModelProto,
        shapes: &[Vec<usize>],
        floor: Option<FloatType>,
    ) -> Result<Session, EngineError> {
        let onnx = onnx();
        check::check(model, &|operator| onnx.op_register.0.contains_key(operator))?;
        let converted = convert(model, shapes, floor)?;
        let plan = engine("prepare", || prepare(&onnx, converted))?;
        Ok(Session { plan, floor })
    }

    /// A state to run the session with.
    ///
    /// # Errors
    /// When the engine fails to set it up.
    pub fn worker(&self) -> Result<Worker, EngineError> {
        let state = engine("prepare", || self.plan.spawn())?;
        Ok(Worker { state, floor: self.floor })
    }
}

impl Worker {
    /// Runs the model on its required inputs, in their order; returns its outputs.
    ///
    /// # Errors
    /// When the engine fails or panics.
    pub fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>, EngineError> {
        engine("run", || {
            let tensors = inputs.iter().map(|input| {
                let floor =
                    self.floor.filter(|floor| input.element().float().is_some_and(|own| own.size() < floor.size()));
                Ok(floor.map_or_else(|| input.to_tract(), |floor| input.cast(floor).to_tract())?.into_tvalue())
            });
            let tensors = tensors.collect::<TractResult<TVec<TValue>>>()?;
            self.state.run(tensors)?.iter().map(|output| Array::from_tract(output)).collect()
        })
    }
}

/// tract with our own operators in place of those that it runs wrong, or not in f64.
fn onnx() -> Onnx {
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    onnx.op_register.insert("BatchNormalization", batch_norm::build);
    onnx.op_register.insert("Gemm", gemm::build);
    for operator in pointwise::OPERATORS {
        onnx.op_register.insert(operator, pointwise::build);
    }
    onnx
}

/// Without tract's `declutter`, which folds what shall be compared and miscompiles `k − Conv`.
fn prepare(onnx: &Onnx, converted: pb::ModelProto) -> TractResult<Arc<TypedRunnableModel>> {
    let parsed = onnx.parse(&converted, None)?;
    drop(converted);
    ensure!(parsed.unresolved_inputs.is_empty(), "values that nothing makes: {:?}", parsed.unresolved_inputs);
    let mut typed = parsed.model.into_typed()?;
    if typed.nodes().len() <= MOST_NODES_TO_OPTIMISE {
        typed.optimize()?;
    }
    typed.into_runnable()
}

/// Calls the engine; its errors and panics become ours.
fn engine<T>(stage: &'static str, call: impl FnOnce() -> TractResult<T>) -> Result<T, EngineError> {
    match guarded(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(EngineError::Engine { stage, cause: one_line(&format!("{error:#}")) }),
        Err(cause) => Err(EngineError::Crash { stage, cause }),
    }
}

/// A message as one line of at most 300 characters.
pub(super) fn one_line(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
