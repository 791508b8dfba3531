//! The file under our feet: truncated, replaced or removed while it is read.

use super::{assert_one_line, big, folder, tool};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Output};

/// A fold of `model.onnx` to standard output that has begun to write and waits for its reader.
fn halfway(folder: &std::path::Path) -> Child {
    fs::write(folder.join("model.onnx"), &big()[0]).expect("there is room");
    let mut child = tool(["fold", "--no-verify", "-o", "-", "model.onnx"]).current_dir(folder).spawn().expect("starts");
    child.stdout.as_mut().expect("a pipe").read_exact(&mut [0]).expect("the first byte");
    child
}

fn rest(child: Child) -> Output {
    child.wait_with_output().expect("it ends")
}

#[test]
fn truncation_is_one_line() {
    for length in [0, 1 << 20] {
        let folder = folder();
        let child = halfway(folder.path());
        let model = OpenOptions::new().write(true).open(folder.path().join("model.onnx")).expect("it is there");
        model.set_len(length).expect("it can be cut");
        assert_one_line(&rest(child), 2, &["cannot write standard output", "was changed while it was read"]);
    }
}

#[test]
fn a_file_that_is_replaced_or_removed_is_read_to_its_end() {
    for replace in [true, false] {
        let folder = folder();
        let child = halfway(folder.path());
        let (model, other) = (folder.path().join("model.onnx"), folder.path().join("other"));
        if replace {
            File::create(&other).and_then(|mut file| file.write_all(b"something else")).expect("there is room");
            fs::rename(other, model).expect("it can be replaced");
        } else {
            fs::remove_file(model).expect("it can be removed");
        }
        let output = rest(child);
        assert!(output.status.success());
        assert!(output.stdout == big()[1][1..], "all but the first byte");
    }
}
