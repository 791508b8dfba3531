//! What stands for onnxruntime where it is left out.

use super::LibraryError;
use crate::engine::{Array, EngineError};
use crate::onnx::schema::ModelProto;
use std::path::Path;

/// There is none.
#[derive(Clone, Debug)]
pub enum OnnxRuntime {}

/// There is none.
#[derive(Clone, Debug)]
pub enum Network {}

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
        match *self {}
    }

    /// Its version.
    pub fn version(&self) -> &str {
        match *self {}
    }

    /// Prepares a model to be run.
    ///
    /// # Errors
    /// Never.
    pub fn network(&self, _: &ModelProto) -> Result<Network, EngineError> {
        match *self {}
    }
}

impl Network {
    /// Runs the model.
    ///
    /// # Errors
    /// Never.
    pub fn run(&self, _: &[Array]) -> Result<Vec<Array>, EngineError> {
        match *self {}
    }
}
