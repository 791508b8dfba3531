//! The second engine. `BN_TOOL_TEST_ONNXRUNTIME` names its library, or a folder that has it; without it, all
//! of this is skipped.

mod fixtures;
mod lacking;
mod library;
mod limits;
mod values;

use crate::tool::{Run, run};
use bn_tool::onnx::schema::ModelProto;
use bn_tool::{EngineChoice, VerifyOptions};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The library; without one, says so where it is seen: the test harness keeps what `eprintln!` says.
fn library() -> Option<PathBuf> {
    let library = std::env::var_os("BN_TOOL_TEST_ONNXRUNTIME").map(PathBuf::from);
    if library.is_none() {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: BN_TOOL_TEST_ONNXRUNTIME does not name a library");
    }
    library
}

/// Options for these engines.
fn options(engine: EngineChoice, library: &Path) -> VerifyOptions {
    VerifyOptions::default().engine(engine).onnxruntime(library)
}

fn parsed(text: &str) -> ModelProto {
    bn_tool::onnx::text::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Runs the binary with an engine.
fn run_in<S: AsRef<OsStr>>(engine: &str, library: &Path, arguments: &[S]) -> Run {
    let mut all: Vec<OsString> = arguments.iter().map(|argument| argument.as_ref().to_owned()).collect();
    all.extend(["--engine", engine, "--onnxruntime"].map(OsString::from));
    all.push(library.into());
    run(&all)
}
