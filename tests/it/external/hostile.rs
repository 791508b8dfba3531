//! Entries that must not be believed.

use super::*;
use std::os::unix::fs::symlink;

/// The example with other entries for `W`: one line of error, and nothing is written.
fn assert_refused(example: &Example, entries: &str, says: &str) {
    let text = fs::read_to_string(example.model()).unwrap();
    let whole = "[\"location\": \"model.data\", \"offset\": \"64\", \"length\": \"16\"]";
    assert!(text.contains(whole));
    fs::write(example.model(), text.replace(whole, entries)).unwrap();
    for command in ["fold", "inspect", "verify"] {
        let mut arguments = vec![command.into(), example.model()];
        arguments.extend((command == "verify").then(|| example.model()));
        let run = run(&arguments);
        assert_eq!((run.status, run.text().as_str(), run.stderr.lines().count()), (Some(2), "", 1), "{}", run.stderr);
        assert!(run.stderr.contains("tensor `W` is external data, but") && run.stderr.contains(says), "{}", run.stderr);
    }
    fs::write(example.model(), text).unwrap();
}

#[test]
fn locations_outside_the_folder_are_refused() {
    let example = Example::new();
    fs::create_dir(example.path("sub")).unwrap();
    symlink("/etc/passwd", example.path("link")).unwrap();
    symlink("/etc", example.path("etc")).unwrap();
    for location in ["/etc/passwd", "../model.data", "sub/../model.data", ""] {
        assert_refused(&example, &format!("[\"location\": \"{location}\"]"), "not a relative path inside");
    }
    for location in ["link", "etc/passwd"] {
        assert_refused(&example, &format!("[\"location\": \"{location}\"]"), "leads out of the model's folder");
    }
    assert_refused(&example, "[\"offset\": \"0\"]", "no `location`");
}

#[test]
fn only_regular_files_are_opened() {
    let example = Example::new();
    fs::create_dir(example.path("folder")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, example.path("pipe"), 0o600.into()).unwrap();
    assert_refused(&example, "[\"location\": \"folder\"]", "not a regular file");
    assert_refused(&example, "[\"location\": \"pipe\"]", "not a regular file");
    assert_refused(&example, "[\"location\": \"nothing\"]", "No such file");
}

#[test]
fn ranges_outside_the_file_are_refused() {
    let example = Example::new();
    let large = u64::MAX.to_string();
    for (offset, length) in [("136", "16"), ("151", "0"), ("64", &large), (&large, "16"), (&large, &large)] {
        let entries = format!("[\"location\": \"model.data\", \"offset\": \"{offset}\", \"length\": \"{length}\"]");
        assert_refused(&example, &entries, &format!("has 150 bytes, too few for {length} at offset {offset}"));
    }
    assert_refused(&example, "[\"location\": \"model.data\", \"offset\": \"151\"]", "at offset 151");
    assert_refused(&example, "[\"location\": \"model.data\", \"offset\": \"-1\"]", "offset `-1` is not a number");
    assert_refused(&example, "[\"location\": \"model.data\", \"length\": \"1e3\"]", "length `1e3` is not a number");
}

/// The bytes are there, but not as many as the shape says.
#[test]
fn a_length_that_contradicts_the_shape_is_an_error() {
    let example = Example::new();
    let text = fs::read_to_string(example.model()).unwrap();
    fs::write(example.model(), text.replace("\"length\": \"16\"", "\"length\": \"12\"")).unwrap();
    let run = example.fold(&[]);
    assert!(run.status != Some(0) || run.text().contains("does not match its shape"), "{}{}", run.text(), run.stderr);
}

/// A cache of downloaded models: both files are links into a folder of blobs.
#[test]
fn a_model_behind_a_link_may_have_its_data_there() {
    let example = Example::new();
    fs::create_dir(example.path("snapshot")).unwrap();
    for name in ["model.onnxtxt", "model.data"] {
        symlink(example.path(name), example.path("snapshot").join(name)).unwrap();
    }
    let linked = example.path("snapshot/model.onnxtxt");
    let run = run(&["fold".into(), linked, "-o".into(), example.path("folded.onnx")]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_folded(&example.path("folded.onnx"));
}

#[test]
fn a_pipe_has_no_folder() {
    let example = Example::new();
    let text = fs::read(example.model()).unwrap();
    let run = crate::tool::run_with_input(&["inspect", "-"], &text);
    assert_eq!((run.status, run.stderr.lines().count()), (Some(2), 1));
    assert!(run.stderr.contains("has no folder to look in"), "{}", run.stderr);
}

/// Looking at a model needs no weights.
#[test]
fn a_model_without_its_data_can_be_printed() {
    let example = Example::new();
    fs::remove_file(example.path("model.data")).unwrap();
    let run = run(&["print".into(), example.model()]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.text().contains("\"location\": \"model.data\""), "{}", run.text());
}
