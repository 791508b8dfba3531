//! A model as onnxruntime reads it.

use crate::engine::error::{EngineError, one_line};
use crate::onnx::external::Storage;
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto};
use crate::onnx::{SaveError, SaveOptions, save_with, to_bytes};
use std::borrow::Cow;
use std::path::PathBuf;
use tempfile::TempDir;

/// Larger models go through files: to read one from memory takes three times its size at once.
const LARGEST_IN_MEMORY: u64 = 256 << 20;

/// Where onnxruntime reads a model from.
#[derive(Debug)]
pub enum Encoded {
    /// Bytes.
    Memory(Vec<u8>),
    /// A file, with its weights beside it.
    File {
        /// The model.
        path: PathBuf,
        /// Removes both at the end.
        _folder: TempDir,
    },
}

/// Encodes a model, with the weights that are computed only now. Outputs without a name at the end of a node
/// are the same as none, but make onnxruntime crash (1.32, BatchNormalization of opset 9).
///
/// # Errors
/// When the model is not valid, a weight cannot be read or overflows, or there is no room for the files.
pub fn encode(model: &ModelProto) -> Result<Encoded, EngineError> {
    encode_up_to(LARGEST_IN_MEMORY, model)
}

fn encode_up_to(largest: u64, model: &ModelProto) -> Result<Encoded, EngineError> {
    let mut model = Cow::Borrowed(model);
    if model.graph.as_ref().is_some_and(has_nameless) {
        model.to_mut().graph.iter_mut().for_each(drop_nameless);
    }
    match to_bytes(&model, largest).map_err(refused)? {
        Some(bytes) => Ok(Encoded::Memory(bytes)),
        None => save(&model),
    }
}

fn has_nameless(graph: &GraphProto) -> bool {
    let nameless = |node: &NodeProto| node.output.last().is_some_and(|name| name.is_empty());
    graph.node.iter().any(|node| nameless(node) || node.subgraphs().any(has_nameless))
}

fn drop_nameless(graph: &mut GraphProto) {
    for node in &mut graph.node {
        let named = node.output.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        node.output.truncate(named);
        node.subgraphs_mut().for_each(drop_nameless);
    }
}

fn save(model: &ModelProto) -> Result<Encoded, EngineError> {
    let no_folder = |error: std::io::Error| EngineError::OnnxRuntime { stage: "prepare", cause: error.to_string() };
    let folder = TempDir::with_prefix("bn-tool-").map_err(no_folder)?;
    let path = folder.path().join("model.onnx");
    let options = SaveOptions { storage: Storage::External("weights".into()), ..SaveOptions::default() };
    save_with(model, &path, &options).map_err(refused)?;
    Ok(Encoded::File { path, _folder: folder })
}

fn refused(error: SaveError) -> EngineError {
    if let Some(overflow) = error.overflow() {
        return EngineError::Overflow(overflow.clone());
    }
    match error {
        SaveError::Check { source, .. } => source.into(),
        other => EngineError::OnnxRuntime { stage: "prepare", cause: one_line(&other.to_string()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::load;

    #[test]
    fn a_large_model_goes_through_files() {
        let model = load("fixtures/digits/digits.onnx".as_ref()).expect("it loads");
        let Ok(Encoded::Memory(bytes)) = encode(&model) else { panic!("it is small") };
        assert!(bytes == std::fs::read("fixtures/digits/digits.onnx").expect("it is there"));
        let Ok(Encoded::File { path, _folder: folder }) = encode_up_to(bytes.len() as u64 - 1, &model) else {
            panic!("it is too large")
        };
        assert!(path.with_file_name("weights").metadata().expect("it is there").len() > 100_000);
        let read = load(&path).expect("it loads");
        assert_eq!(
            crate::onnx::to_bytes(&read, u64::MAX).expect("it encodes").map(|bytes| bytes.len()),
            Some(bytes.len())
        );
        drop(folder);
        assert!(!path.exists());
    }
}
