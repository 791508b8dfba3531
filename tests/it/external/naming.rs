//! What data files are called: none is ever replaced.

use super::*;

#[test]
fn beside_the_input_the_data_gets_the_name_of_the_output() {
    let example = Example::new();
    let before = fs::read(example.path("model.data")).unwrap();
    let text = example.fold_to("folded.onnx", &[]);
    assert!(text.ends_with("wrote …/folded.onnx, with weights in …/folded.onnx.data\n"), "{text}");
    assert_folded(&example.path("folded.onnx"));
    assert_eq!(fs::read(example.path("model.data")).unwrap(), before);
    assert_eq!(example.names(), ["folded.onnx", "folded.onnx.data", "model.data", "model.onnxtxt"]);
}

#[test]
fn the_same_run_again_finds_its_data_there() {
    let example = Example::new();
    example.fold_to("folded.onnx", &[]);
    let (before, names) = (fs::read(example.path("folded.onnx")).unwrap(), example.names());
    let text = example.fold_to("folded.onnx", &[]);
    assert!(text.contains("weights in …/folded.onnx.data were there already"), "{text}");
    assert_eq!((fs::read(example.path("folded.onnx")).unwrap(), example.names()), (before, names));
}

#[test]
fn data_of_another_model_is_not_replaced() {
    let example = Example::new();
    fs::create_dir(example.path("out")).unwrap();
    let foreign = vec![1; fs::metadata(example.path("model.data")).unwrap().len() as usize];
    fs::write(example.path("out/model.data"), &foreign).unwrap();
    fs::write(example.path("out/folded.onnx.data"), b"short").unwrap();
    let text = example.fold_to("out/folded.onnx", &[]);
    assert!(text.contains("with weights in …/out/folded.onnx-1.data"), "{text}");
    assert_folded(&example.path("out/folded.onnx"));
    assert_eq!(fs::read(example.path("out/model.data")).unwrap(), foreign);
}

#[test]
fn in_place_the_old_data_stays_with_the_old_model() {
    let example = Example::new();
    example.fold_to("copy.onnx", &["--exclude", "norm", "--external-data", "copy.onnx.data"]);
    let before = fs::read(example.path("copy.onnx.data")).unwrap();
    let run = run(&["fold".into(), example.path("copy.onnx"), "--in-place".into()]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let text = run.text();
    assert!(text.contains("copy.onnx-1.data\n") && text.contains("no longer reads"), "{text}");
    assert_folded(&example.path("copy.onnx"));
    assert_eq!(fs::read(example.path("copy.onnx.data")).unwrap(), before);
}

#[test]
fn data_that_does_not_change_is_shared_in_the_folder_and_copied_elsewhere() {
    let example = Example::new();
    let text = example.fold_to("kept.onnx", &["--exclude", "norm"]);
    assert!(text.contains("weights in …/model.data were there already"), "{text}");
    fs::create_dir(example.path("out")).unwrap();
    example.fold_to("out/kept.onnx", &["--exclude", "norm"]);
    assert_eq!(fs::read(example.path("out/model.data")).unwrap(), fs::read(example.path("model.data")).unwrap());
}

/// The scaled weight does not fit float16, which shows while the data file is written.
#[test]
fn a_failed_run_leaves_no_data_file() {
    let example = Example::new();
    let floats = "float16[1] s = {4.0}, float16[1] z = {0.0}, float16[1] v = {1.0}";
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]>
        g (float16[1,1,1,1] x) => (float16[1,1,1,1] y) <float16[1,1,1,1] W = [\"location\": \"half\"], {floats}> {{
            c = Conv (x, W)
            y = BatchNormalization (c, s, z, z, v)
        }}"
    );
    fs::write(example.model(), text).unwrap();
    fs::write(example.path("half"), 0x7800u16.to_le_bytes()).unwrap();
    let text = example.fold_to("folded.onnx", &["--no-verify"]);
    assert!(text.contains("0 folded, 1 kept") && text.contains("overflow"), "{text}");
    assert_eq!(example.names(), ["folded.onnx", "half", "model.data", "model.onnxtxt"]);

    fs::create_dir(example.path("taken")).unwrap();
    let names = example.names();
    assert_eq!(example.fold(&["-o", "@taken"]).status, Some(2));
    assert_eq!(example.names(), names);
}

#[test]
fn the_data_of_the_model_is_no_target() {
    let example = Example::new();
    std::os::unix::fs::symlink(example.path("model.data"), example.path("alias")).unwrap();
    let before = fs::read(example.path("model.data")).unwrap();
    for (target, arguments) in [("model.data", &[][..]), ("model.data", &["--inline"]), ("alias", &[])] {
        let run = example.fold(&[&["-o", &format!("@{target}")], arguments].concat());
        assert_eq!(run.status, Some(2));
        assert!(run.stderr.contains("the model reads its weights from it; name another file"), "{}", run.stderr);
    }
    let run = example.fold(&["-o", "@folded.onnx", "--external-data", "model.data"]);
    assert_eq!(run.status, Some(2), "{}", run.text());
    assert_eq!(fs::read(example.path("model.data")).unwrap(), before);
}
