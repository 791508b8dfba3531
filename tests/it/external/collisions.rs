//! Names and links that would make a data file the model, somebody else's, or unreadable.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

/// The example with its data in a file of this name.
fn with_data_in(name: &str) -> Example {
    let example = Example::new();
    let text = fs::read_to_string(example.model()).unwrap();
    fs::write(example.model(), text.replace("model.data", name)).unwrap();
    let path = example.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::rename(example.path("model.data"), path).unwrap();
    fs::create_dir(example.path("out")).unwrap();
    example
}

#[test]
fn the_data_never_takes_the_name_of_the_model() {
    let example = with_data_in("folded.onnx");
    let text = example.fold_to("out/folded.onnx", &[]);
    assert!(text.contains("with weights in …/out/folded.onnx.data"), "{text}");
    assert_folded(&example.path("out/folded.onnx"));
    // A link that leads nowhere yet: the model will be there.
    symlink("real.onnx", example.path("out/link.onnx")).unwrap();
    let run = example.fold(&["-o", "@out/link.onnx", "--external-data", "real.onnx"]);
    assert!(run.status == Some(2) && run.stderr.contains("the name is taken"), "{}", run.stderr);
}

#[test]
fn the_data_stays_in_the_folder_also_when_links_are_followed() {
    for location in ["sub/model.data", "sub/deeper/model.data"] {
        stays_in_the_folder(&with_data_in(location));
    }
}

fn stays_in_the_folder(example: &Example) {
    fs::create_dir(example.path("elsewhere")).unwrap();
    symlink(example.path("elsewhere"), example.path("out/sub")).unwrap();
    let text = example.fold_to("out/folded.onnx", &[]);
    assert!(text.contains("with weights in …/out/folded.onnx.data"), "{text}");
    assert_folded(&example.path("out/folded.onnx"));
    assert_eq!(fs::read_dir(example.path("elsewhere")).unwrap().count(), 0);
}

/// Readers refuse links that the model did not have before.
#[test]
fn a_link_to_the_same_bytes_is_not_the_data() {
    let example = with_data_in("model.data");
    symlink("../model.data", example.path("out/model.data")).unwrap();
    example.fold_to("out/kept.onnx", &["--exclude", "norm"]);
    assert!(example.path("out/kept.onnx.data").is_file());
    load(&example.path("out/kept.onnx")).unwrap();
}

#[test]
fn a_target_that_leads_to_another_folder_is_refused() {
    let example = with_data_in("model.data");
    symlink("../real.onnx", example.path("out/link.onnx")).unwrap();
    let run = example.fold(&["-o", "@out/link.onnx"]);
    assert!(run.status == Some(2) && run.stderr.contains("is a link to"), "{}", run.stderr);
    assert_eq!(example.fold(&["-o", "@out/link.onnx", "--inline"]).status, Some(0));
}

#[test]
fn an_impossible_name_is_said_to_be_one() {
    let example = Example::new();
    let run = example.fold(&["-o", "@folded.onnx", "--external-data", &"x".repeat(300)]);
    assert!(run.status == Some(2) && run.stderr.contains("File name too long"), "{}", run.stderr);
}

#[test]
fn private_weights_stay_private() {
    let example = Example::new();
    fs::set_permissions(example.path("model.data"), fs::Permissions::from_mode(0o600)).unwrap();
    example.fold_to("folded.onnx", &[]);
    let mode = fs::metadata(example.path("folded.onnx.data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_old_data_is_named_wherever_the_weights_go() {
    for arguments in [&["--inline"][..], &["--external-data", "new.bin"], &[]] {
        let example = Example::new();
        example.fold_to("copy.onnx", &["--exclude", "norm", "--external-data", "copy.bin"]);
        let fold = [&["fold", "--in-place", "--format", "json"], arguments].concat();
        let mut fold: Vec<PathBuf> = fold.into_iter().map(PathBuf::from).collect();
        fold.push(example.path("copy.onnx"));
        let report = run(&fold).json();
        let replaced = report["data_replaced"].as_array().unwrap();
        assert!(replaced.len() == 1 && replaced[0].as_str().unwrap().ends_with("copy.bin"), "{report}");
    }
}
