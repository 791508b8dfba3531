//! Standard streams that nobody reads, or that are closed.

use super::{assert_one_line, big, ends, folder, tool};
use crate::tool::digits;
use std::io::pipe;
use std::process::{Command, Output};

fn path() -> String {
    digits().to_str().expect("a path in UTF-8").to_owned()
}

/// Runs the tool while nobody reads its standard output.
fn unread(arguments: &[&str]) -> Output {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let mut command = tool(arguments);
    command.stdout(writer);
    ends(command)
}

#[test]
fn a_report_that_nobody_reads_is_not_an_error() {
    let path = path();
    for arguments in [
        &["inspect", &path][..],
        &["print", "--weights", &path],
        &["fold", &path],
        &["fold", "--format", "json", &path],
        &["verify", &path, &path],
        &["explain"],
        &["completions", "bash"],
    ] {
        let output = unread(arguments);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_model_that_nobody_reads_is_a_quiet_failure() {
    let folder = folder();
    let large = folder.path().join("model.onnx");
    std::fs::write(&large, &big()[0]).expect("there is room");
    for model in [&path(), large.to_str().expect("a path in UTF-8")] {
        let output = unread(&["fold", "--no-verify", "-o", "-", model]);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(2), 0), "{output:?}");
    }
    assert_eq!(unread(&["fold", "-o", "-", &path()]).status.code(), Some(2), "in the child, too");
}

/// Runs the tool from a shell that redirects as told.
fn redirected(redirection: &str, arguments: &[&str]) -> Output {
    let script = format!("exec \"$@\" {redirection}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_bn-tool")]).args(arguments);
    ends(command)
}

#[test]
fn closed_streams_do_no_harm() {
    assert_one_line(&redirected("<&-", &["fold", "-"]), 2, &["standard input is empty"]);
    for redirection in [">&-", "2>&-", ">&- 2>&- <&-"] {
        for (arguments, status) in [(&["fold", &path()][..], 0), (&["verify", &path(), "missing"], 2)] {
            assert_eq!(redirected(redirection, arguments).status.code(), Some(status), "{redirection} {arguments:?}");
        }
    }
}
