//! Running the real binary.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run gave.
pub struct Run {
    /// The exit status.
    pub status: Option<i32>,
    /// Standard output, as bytes.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.text(), self.stderr))
    }
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The trained network.
pub fn digits() -> PathBuf {
    repository("fixtures/digits/digits.onnx")
}

/// What `bn-tool diff` says of two models.
pub fn difference(a: &Path, b: &Path) -> String {
    let diff = run(&["diff".as_ref(), a.as_os_str(), b.as_os_str()]);
    assert_eq!(diff.status, Some(0), "{}", diff.stderr);
    diff.text()
}

/// Runs the binary.
pub fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Run {
    run_with_input(arguments, b"")
}

/// Runs the binary with this on standard input.
pub fn run_with_input<S: AsRef<OsStr>>(arguments: &[S], input: &[u8]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bn-tool"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.to_vec();
    // The child may end without reading all of it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let Output { status, stdout, stderr } = child.wait_with_output().expect("the binary ends");
    writer.join().expect("the writer ends");
    Run { status: status.code(), stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }
}
