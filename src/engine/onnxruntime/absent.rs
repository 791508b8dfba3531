//! What stands for onnxruntime where it is left out.

use super::LibraryError;
use crate::engine::{Array, EngineError};
use crate::onnx::schema::ModelProto;
use std::convert::Infallible;
use std::path::Path;

/// There is none.
#[derive(Clone, Debug)]
pub struct OnnxRuntime(Infallible);

/// There is none.
#[derive(Clone, Debug)]
pub struct Network(Infallible);

impl OnnxRuntime {
    /// Cannot be done.
    ///
    /// # Errors
    /// Always.
    pub fn load(_: Option<&Path>) -> Result<Self, LibraryError> {
        Err(LibraryError::NotBuiltIn)
    }

    /// Where it comes from.
    pub fn library(&self) -> &Path {
        match self.0 {}
    }

    /// Its version.
    pub fn version(&self) -> &str {
        match self.0 {}
    }

    /// Prepares a model to be run.
    ///
    /// # Errors
    /// Never.
    pub fn network(&self, _: &ModelProto) -> Result<Network, EngineError> {
        match self.0 {}
    }
}

impl Network {
    /// Runs the model.
    ///
    /// # Errors
    /// Never.
    pub fn run(&self, _: &[Array]) -> Result<Vec<Array>, EngineError> {
        match self.0 {}
    }
}
