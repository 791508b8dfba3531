//! What is decoded and encoded again is the same file, byte for byte.
//!
//! The digits network always; with `BN_TOOL_MODELS=FOLDER[:FOLDER…]` every `.onnx` file below
//! those folders too:
//!
//! ```text
//! BN_TOOL_MODELS=../shared/models cargo test round_trip -- --nocapture
//! ```

use crate::tool::repository;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::stable_file::StableFile;
use bn_tool::onnx::wire::{Decoder, Encoder, Input, Message};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[test]
fn round_trip_is_byte_identical() {
    let mut files = models(&repository("fixtures"));
    let folders = std::env::var_os("BN_TOOL_MODELS").unwrap_or_default();
    files.extend(std::env::split_paths(&folders).flat_map(|folder| models(&folder)));
    assert!(!files.is_empty());
    let different: Vec<&PathBuf> = files.iter().filter(|file| !is_identical(file)).collect();
    println!("{} of {} files are byte-identical", files.len() - different.len(), files.len());
    assert!(different.is_empty(), "{different:#?}");
}

/// Through a file, so that large payloads are read in place.
fn is_identical(path: &Path) -> bool {
    let file = File::open(path).expect("it can be opened");
    let input = Input::File(Arc::new(StableFile::new(file).expect("it has a length")));
    let model: ModelProto = Decoder::decode(&input).expect("it decodes");
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    model.encode_fields(&mut encoder).expect("memory can be written");
    encoder.finish().expect("memory can be written");
    out == fs::read(path).expect("it can be read")
}

/// All `.onnx` files below a folder.
fn models(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let found = paths.flat_map(|path| {
        let is_model = path.extension().is_some_and(|extension| extension == "onnx");
        if path.is_dir() { models(&path) } else { Vec::from_iter(is_model.then_some(path)) }
    });
    found.collect()
}
