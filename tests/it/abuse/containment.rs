//! The process that runs models, and the one that watches over it.

use super::killed::send;
use super::{assert_one_line, ends, folder, tool};
use crate::tool::digits;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// A verification that takes long, and the process that runs the models. `None` where /proc does
/// not tell.
fn long_run() -> Option<(Child, Pid)> {
    let mut command = tool(["verify", "--samples", "1000000", "--threads", "1"]);
    let mut parent = command.arg(digits()).arg(digits()).spawn().expect("it starts");
    for _ in 0..1000 {
        let path = format!("/proc/{0}/task/{0}/children", parent.id());
        let Ok(children) = fs::read_to_string(path) else { break };
        if let Some(child) = children.split_whitespace().next() {
            // The child is confined when it has a thread of its own to run in.
            sleep(Duration::from_millis(50));
            return Some((parent, Pid::from_raw(child.parse().expect("a process id")).expect("not 0")));
        }
        sleep(Duration::from_millis(5));
    }
    eprintln!("skipped: /proc does not tell the children of a process");
    parent.kill().and_then(|()| parent.wait()).expect("it ends");
    None
}

fn is_gone(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    stat.contains(") Z ") || test_kill_process(process).is_err()
}

fn wait_until_gone(process: Pid) {
    for _ in 0..1000 {
        if is_gone(process) {
            return;
        }
        sleep(Duration::from_millis(5));
    }
    panic!("the child goes on");
}

#[test]
fn the_child_dies_with_its_parent() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::KILL].into_iter().filter(is_not_ignored) {
        let Some((parent, child)) = long_run() else { return };
        send(&parent, signal);
        let output = parent.wait_with_output().expect("it ends");
        assert_eq!(output.status.signal(), Some(signal.as_raw()));
        assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0));
        wait_until_gone(child);
    }
}

/// What is ignored here, under nohup, processes that are started ignore as well.
fn is_not_ignored(signal: &Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    ignored >> (signal.as_raw() - 1) & 1 == 0
}

#[test]
fn the_death_of_the_child_is_one_line() {
    for (signal, says) in [(Signal::KILL, "ran out of memory"), (Signal::ILL, "signal 4"), (Signal::ABORT, "limit")] {
        let Some((parent, child)) = long_run() else { return };
        kill_process(child, signal).expect("it is there");
        let output = parent.wait_with_output().expect("it ends");
        assert_one_line(&output, 2, &["the engine died", "digits.onnx", says]);
    }
    let Some((parent, child)) = long_run() else { return };
    kill_process(child, Signal::INT).expect("it is there");
    let output = parent.wait_with_output().expect("it ends");
    assert_eq!((output.status.signal(), output.stderr.len()), (Some(Signal::INT.as_raw()), 0));
}

#[test]
fn the_limit_of_memory_can_be_set() {
    let verify = |limit: &str| {
        let mut command = tool(["verify"]);
        command.arg(digits()).arg(digits()).env("BN_TOOL_MEMORY_LIMIT", limit);
        ends(command)
    };
    assert!(verify("1000").status.success());
    for nonsense in ["", "0", "-1", "2G"] {
        assert_one_line(&verify(nonsense), 2, &["BN_TOOL_MEMORY_LIMIT", "a number of megabytes"]);
    }
    assert_one_line(&verify("1"), 2, &[]);
}

#[test]
fn a_child_without_its_parent_ends() {
    let mut command = tool(["verify"]);
    command.arg(digits()).arg(digits()).env("BN_TOOL_CHILD", "1 1000000000");
    let output = ends(command);
    assert_one_line(&output, 2, &["BN_TOOL_CHILD is set, but not by a parent that is there"]);
    assert!(output.stdout.is_empty());
}

#[test]
fn the_exit_status_is_known_even_if_children_are_ignored() {
    for (model, status) in [(digits().display().to_string(), 0), ("missing".into(), 2)] {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' CHLD; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_bn-tool"), "verify", "--quiet"]);
        command.arg(digits()).arg(model);
        assert_eq!(ends(command).status.code(), Some(status));
    }
}

#[test]
fn on_a_terminal_there_are_progress_and_colours() {
    let folder = folder();
    let command = format!("'{0}' verify --samples 200 '{1}' '{1}'", env!("CARGO_BIN_EXE_bn-tool"), digits().display());
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR").current_dir(folder.path());
    let Ok(output) = script.stdin(Stdio::null()).output() else { return eprintln!("skipped: there is no `script`") };
    let screen = String::from_utf8_lossy(&output.stdout);
    assert!(screen.contains("verifying") && screen.contains("/204"), "{screen}");
    assert!(screen.contains("\x1b["), "{screen}");
}
