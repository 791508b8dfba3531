//! Disks, pipes and quotas that are full.

use super::{assert_one_line, big, ends, folder, names_in, tool};
use crate::tool::digits;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_full_device_is_one_line() {
    if !Path::new("/dev/full").exists() {
        return eprintln!("skipped: there is no /dev/full");
    }
    let digits = digits();
    let model = digits.to_str().expect("a path in UTF-8");
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("it is there"));
    assert_one_line(&ends(tool(["fold", "--no-verify", "-o", "/dev/full", model])), 2, &["`/dev/full`", "No space"]);
    for arguments in [&["fold", "-o", "-"][..], &["fold"], &["verify", model], &["print"], &["inspect"], &["explain"]] {
        let explain = arguments[0] == "explain";
        let mut command = tool(arguments.iter().copied().chain((!explain).then_some(model)));
        command.stdout(full());
        assert_one_line(&ends(command), 2, &["standard output", "No space"]);
    }
}

#[test]
fn a_file_that_becomes_too_large_is_an_error_not_a_signal() {
    let folder = folder();
    fs::write(folder.path().join("model.onnx"), &big()[0]).expect("there is room");
    for target in [&["--in-place"][..], &["-o", "out.onnx"], &["-o", "out.onnxtxt"]] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -f 2048; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_bn-tool"), "fold", "--no-verify"]);
        shell.args(target).arg("model.onnx").current_dir(folder.path());
        assert_one_line(&ends(shell), 2, &["cannot write", "File too large"]);
        assert_eq!(names_in(folder.path()), ["model.onnx"]);
    }
    assert!(fs::read(folder.path().join("model.onnx")).expect("it is there") == big()[0]);
}

/// Runs a script in a user namespace of its own with 8 MB of disk at `$1`; `$2` is the tool, `$3`
/// the model.
fn on_small_disk(script: &str) -> Option<std::process::Output> {
    let folder = folder();
    let (disk, model) = (folder.path().join("disk"), folder.path().join("model.onnx"));
    fs::create_dir(&disk).expect("there is room");
    fs::write(&model, &big()[0]).expect("there is room");
    let script = format!("mount -t tmpfs -o size=8m none \"$1\" || exit 99; {script}");
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script, "sh"]).arg(&disk).arg(env!("CARGO_BIN_EXE_bn-tool")).arg(&model);
    let output = command.output().ok()?;
    let namespaces = output.status.code() != Some(99) && !output.stderr.starts_with(b"unshare:");
    namespaces.then_some(output)
}

#[test]
fn a_full_disk_is_one_line_and_leaves_what_was_there() {
    let script = "echo old > \"$1/out\"
        for out in out new new.onnxtxt; do \"$2\" fold -q --no-verify -o \"$1/$out\" \"$3\"; echo $?; done
        ls -A \"$1\"; cat \"$1/out\"";
    let Some(output) = on_small_disk(script) else { return eprintln!("skipped: no user namespaces here") };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2\n2\n2\nout\nold\n");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((stderr.lines().count(), stderr.matches("No space left").count()), (3, 3), "{stderr}");
}

#[test]
fn a_disk_that_is_full_of_data_keeps_no_half_of_it() {
    let script = "\"$2\" fold -q --no-verify -o \"$1/out.onnx\" --external-data w.bin \"$3\"; echo $?; ls -A \"$1\"";
    let Some(output) = on_small_disk(script) else { return eprintln!("skipped: no user namespaces here") };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2\n");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.lines().count() == 1 && stderr.contains("w.bin`") && stderr.contains("No space left"), "{stderr}");
}
