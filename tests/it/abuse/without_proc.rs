//! Where files need names while they are written: they are removed as long as anybody can.
//!
//! Without /proc a nameless file cannot be given a name; file systems that have no nameless files
//! are harder to come by.

use super::killed::send;
use super::{big, folder, names_in, tool};
use rustix::process::Signal;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

const WITHOUT_PROC: &str = "mount -t tmpfs none /proc || exit 99; exec \"$@\"";

/// A fold to text, which takes its time.
fn fold(folder: &Path) -> Child {
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", WITHOUT_PROC, "sh", env!("CARGO_BIN_EXE_bn-tool")]);
    command.args(["fold", "-q", "--no-verify", "model.onnx", "-o", "out.onnxtxt"]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// A folder with a model, if there are namespaces.
fn prepared() -> Option<TempDir> {
    let unshare = Command::new("unshare").args(["-rm", "sh", "-c", WITHOUT_PROC, "sh", "true"]).output();
    if !unshare.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no user namespaces here");
        return None;
    }
    let folder = folder();
    fs::write(folder.path().join("model.onnx"), &big()[0]).expect("there is room");
    Some(folder)
}

/// Waits until a temporary file appears, and sends the signal.
fn interrupt(folder: &Path, child: &mut Child, signal: Signal) {
    while names_in(folder).len() < 2 {
        assert_eq!(child.try_wait().expect("it is ours"), None, "ended without a temporary file");
        sleep(Duration::from_millis(1));
    }
    send(child, signal);
}

#[test]
fn an_interrupted_run_removes_its_temporary_file() {
    let Some(folder) = prepared() else { return };
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut child = fold(folder.path());
        interrupt(folder.path(), &mut child, signal);
        assert_eq!(child.wait().expect("it ends").signal(), Some(signal.as_raw()));
        assert_eq!(names_in(folder.path()), ["model.onnx"]);
    }
}

#[test]
fn the_next_run_removes_what_is_left() {
    let Some(folder) = prepared() else { return };
    let mut child = fold(folder.path());
    interrupt(folder.path(), &mut child, Signal::KILL);
    child.wait().expect("it ends");
    assert!(!folder.path().join("out.onnxtxt").exists());
    assert_eq!(names_in(folder.path()).len(), 2, "nobody could remove it");
    let again = tool(["fold", "-q", "--no-verify", "--in-place", "model.onnx"]).current_dir(folder.path()).status();
    assert!(again.expect("it starts").success());
    assert!(fs::read(folder.path().join("model.onnx")).expect("it is there") == big()[1]);
    assert_eq!(names_in(folder.path()), ["model.onnx"], "the next run could");
}

#[test]
fn what_is_ignored_stays_ignored() {
    let folder = folder();
    fs::write(folder.path().join("model.onnx"), &big()[0]).expect("there is room");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_bn-tool")]);
    command.args(["fold", "-q", "--no-verify", "--in-place", "model.onnx"]).current_dir(folder.path());
    let mut child = command.stdin(Stdio::null()).spawn().expect("it starts");
    sleep(Duration::from_millis(5));
    send(&child, Signal::HUP);
    assert!(child.wait().expect("it ends").success());
}
