//! Finding the library: by flag, by variable, in a folder; and what is said where it is none.

use super::{library, run_in};
use crate::tool::digits;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// `bn-tool verify` of a model with itself in onnxruntime, with this in `ORT_DYLIB_PATH`.
fn with_variable(value: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bn-tool"));
    command.arg("verify").args([digits(), digits()]).args(["--engine", "onnxruntime"]);
    command.env("ORT_DYLIB_PATH", value).output().expect("it runs")
}

#[test]
fn a_variable_names_it_too_and_a_folder_has_it() {
    let Some(library) = library() else { return };
    assert_eq!(with_variable(&library).status.code(), Some(0));
    let library = library.canonicalize().expect("BN_TOOL_TEST_ONNXRUNTIME names something");
    let folder = if library.is_dir() { library } else { library.parent().expect("a folder").to_path_buf() };
    for folder in [Some(&*folder), folder.parent().filter(|_| folder.ends_with("capi"))].into_iter().flatten() {
        let found = run_in("onnxruntime", folder, &["verify".into(), digits(), digits()]);
        assert_eq!((found.status, found.stderr.as_str()), (Some(0), ""), "{}", folder.display());
    }
}

/// What is no onnxruntime ends with one line that names it and says what to do. None of this needs one.
#[test]
fn what_is_none_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (missing, text, empty) =
        (folder.path().join("missing.so"), folder.path().join("text.so"), folder.path().join("empty"));
    fs::write(&text, "this is no library").expect("it is written");
    fs::create_dir(&empty).expect("it is made");
    let mut cases = vec![missing.clone(), text, empty];
    let libc =
        ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6"].map(Path::new);
    cases.extend(libc.into_iter().find(|path| path.exists()).map(Path::to_path_buf));
    for path in &cases {
        for engine in ["onnxruntime", "both"] {
            let failed = run_in(engine, path, &["verify".into(), digits(), digits()]);
            let shown = path.canonicalize().unwrap_or_else(|_| path.clone());
            assert_eq!((failed.status, failed.stderr.lines().count()), (Some(2), 1), "{}", failed.stderr);
            for part in [&*shown.to_string_lossy(), "--onnxruntime PATH", "ORT_DYLIB_PATH"] {
                assert!(failed.stderr.contains(part), "{part}: {}", failed.stderr);
            }
        }
    }
    let failed = String::from_utf8_lossy(&with_variable(&missing).stderr).into_owned();
    assert!(failed.contains("missing.so") && failed.lines().count() == 1, "{failed}");
}

#[test]
fn nothing_is_loaded_where_nothing_is_run() {
    let missing = Path::new("missing.so");
    for flag in ["--check", "--no-verify"] {
        let run = run_in("onnxruntime", missing, &["fold".as_ref(), digits().as_os_str(), flag.as_ref()]);
        assert!(run.status != Some(2) && !run.stderr.contains("missing.so"), "{}", run.stderr);
    }
}
