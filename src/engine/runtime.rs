//! The programs that run models, behind one face.

use super::onnxruntime::{Network, OnnxRuntime};
use super::{Array, EngineError, Session, Worker};
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;

/// A program that runs models.
#[derive(Clone, Debug)]
pub enum Runtime {
    /// tract, which is part of this program.
    Tract,
    /// onnxruntime, from a shared library.
    OnnxRuntime(OnnxRuntime),
}

/// A model that is ready to run. Shared by threads, each of which runs it through its own [`Runner`].
#[derive(Clone, Debug)]
pub enum Compiled {
    /// In tract, for certain shapes.
    Tract(Session),
    /// In onnxruntime, for all shapes.
    OnnxRuntime(Network),
}

/// One thread's state of a compiled model.
pub enum Runner {
    /// In tract.
    Tract(Box<Worker>),
    /// In onnxruntime.
    OnnxRuntime(Network),
}

impl Runtime {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Runtime::Tract => "tract",
            Runtime::OnnxRuntime(_) => "onnxruntime",
        }
    }

    /// Compiles a model for [`required_inputs`](super::required_inputs) of these shapes. tract runs float16 and
    /// bfloat16 in float32.
    ///
    /// # Errors
    /// When it cannot run the model, or a weight overflows.
    pub fn compile(&self, model: &ModelProto, shapes: &[Vec<usize>]) -> Result<Compiled, EngineError> {
        match self {
            Runtime::Tract => Session::compile(model, shapes, Some(FloatType::F32)).map(Compiled::Tract),
            Runtime::OnnxRuntime(runtime) => runtime.network(model).map(Compiled::OnnxRuntime),
        }
    }
}

impl Compiled {
    /// Whether it takes inputs of other shapes than those that it was compiled for.
    pub fn takes_any_shape(&self) -> bool {
        matches!(self, Compiled::OnnxRuntime(_))
    }

    /// A state to run it with.
    ///
    /// # Errors
    /// When the engine fails to set it up.
    pub fn runner(&self) -> Result<Runner, EngineError> {
        match self {
            Compiled::Tract(session) => Ok(Runner::Tract(Box::new(session.worker()?))),
            Compiled::OnnxRuntime(network) => Ok(Runner::OnnxRuntime(network.clone())),
        }
    }
}

impl Runner {
    /// Runs the model on its required inputs, in their order; returns its outputs.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>, EngineError> {
        match self {
            Runner::Tract(worker) => worker.run(inputs),
            Runner::OnnxRuntime(network) => network.run(inputs),
        }
    }
}
