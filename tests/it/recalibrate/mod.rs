//! `recalibrate`.

mod commands;
mod data;
mod fixtures;
mod methods;
mod nets;
mod oracle;
mod properties;

use crate::tool::{Run, run};
use bn_tool::onnx::load;
use bn_tool::onnx::schema::ModelProto;
use data::Data;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a model as text.
fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("it can be written");
    path
}

/// `bn-tool recalibrate` with these flags.
fn recalibrate(model: &Path, data: &Data, flags: &[&str]) -> Run {
    let mut arguments: Vec<OsString> = vec!["recalibrate".into(), model.into()];
    arguments.extend(data.arguments());
    arguments.extend(flags.iter().map(OsString::from));
    run(&arguments)
}

/// A model with new statistics: the report, the file, and what is in it.
struct Recalibrated {
    report: serde_json::Value,
    bytes: Vec<u8>,
    model: ModelProto,
}

/// Recalibrates a model with these flags.
fn recalibrated(model: &Path, data: &Data, flags: &[&str]) -> Result<Recalibrated, String> {
    let folder = folder();
    let out = folder.path().join("out.onnx");
    let written = ["--format", "json", "-o", out.to_str().expect("a readable path")];
    let result = recalibrate(model, data, &[flags, &written].concat());
    if result.status != Some(0) {
        return Err(format!("exit status {:?}: {}", result.status, result.stderr));
    }
    let bytes = std::fs::read(&out).expect("it was written");
    Ok(Recalibrated { report: result.json(), bytes, model: load(&out).expect("it loads") })
}
