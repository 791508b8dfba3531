//! Threads, memory, data files.

use super::{library, run_in};
use crate::tool::digits;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The report of a comparison of the trained network with itself, folded, without the time that it took.
fn report(engine: &str, library: &Path, threads: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a folder");
    let folded = folder.path().join("folded.onnx");
    let fold = ["fold".into(), digits().into_os_string(), "-o".into(), folded.clone().into(), "--no-verify".into()];
    assert_eq!(crate::tool::run::<OsString>(&fold).status, Some(0));
    let flags = ["--format", "json", "--samples", "5", "--threads", threads].map(OsString::from);
    let paths = [OsString::from("verify"), digits().into(), folded.into()];
    let mut report = run_in(engine, library, &[&paths[..], &flags].concat()).json();
    for different in ["result", "seconds"] {
        report.as_object_mut().expect("an object").remove(different);
    }
    report
}

#[test]
fn the_verdict_does_not_depend_on_the_threads() {
    let Some(library) = library() else { return };
    for engine in ["onnxruntime", "both"] {
        let reports = ["1", "2", "5"].map(|threads| report(engine, &library, threads));
        assert_eq!(reports[0], reports[1]);
        assert_eq!(reports[0], reports[2]);
        let output = &reports[0]["outputs"][0];
        assert_eq!((&output["same"], &output["f64"]["same"]), (&true.into(), &true.into()), "{output}");
        assert_eq!(output.get("other_engine").is_some(), engine == "both");
        let other = output.get("other_engine").map(|other| (other["engine"].clone(), other["name"].clone()));
        assert!(other.is_none_or(|other| other == ("onnxruntime".into(), "output".into())), "{output}");
    }
}

#[test]
fn memory_has_a_limit() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.onnxtxt");
    let text = "<ir_version: 8, opset_import: [\"\" : 17]> g (float[2] x) => (float y) {
        s = Constant <value_ints = [100000, 20000]> ()
        z = ConstantOfShape (s)
        t = ReduceSum <keepdims = 0> (z)
        m = ReduceSum <keepdims = 0> (x)
        y = Add (t, m)
    }";
    fs::write(&path, text).expect("it is written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bn-tool"));
    command.arg("verify").args([&path, &path]).args(["--engine", "onnxruntime", "--onnxruntime"]).arg(&library);
    let output = command.env("BN_TOOL_MEMORY_LIMIT", "1000").output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    assert!(stderr.contains("the original cannot be run") || stderr.contains("the engine died"), "{stderr}");
}

#[test]
fn weights_in_data_files_and_weights_that_are_scaled_on_the_way() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (outside, folded) = (folder.path().join("outside.onnx"), folder.path().join("folded.onnx"));
    let bias = ["fold".into(), digits().into_os_string(), "--select".into(), "/b1/*".into(), "--no-verify".into()];
    let written = ["-o".into(), outside.clone().into_os_string(), "--external-data".into(), "weights.bin".into()];
    let run = crate::tool::run::<OsString>(&[&bias[..], &written].concat());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let arguments = ["fold".as_ref(), outside.as_os_str(), "-o".as_ref(), folded.as_os_str()];
    let run = run_in("onnxruntime", &library, &arguments);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.text().contains("3 folded") && run.text().contains("in onnxruntime: as close to exact"),
        "{}",
        run.text()
    );
}
