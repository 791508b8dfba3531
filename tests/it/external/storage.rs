//! From inline to external and back.

use super::*;
use crate::tool::digits;
use bn_tool::onnx::external::Storage;
use bn_tool::onnx::{SaveError, SaveOptions, save_with};

#[test]
fn inline_undoes_external_data_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let [external, inline] = ["external.onnx", "inline.onnx"].map(|name| folder.path().join(name));
    let model = digits();
    let fold = |from: &Path, arguments: &[&str], to: &Path| {
        let mut all = vec!["fold".into(), from.to_path_buf(), "--exclude".into(), "*".into(), "-o".into(), to.into()];
        all.extend(arguments.iter().map(PathBuf::from));
        let run = run(&all);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
    };
    fold(&model, &["--external-data", "weights.bin"], &external);
    assert!(fs::metadata(&external).unwrap().len() < 8000);
    fold(&external, &["--inline"], &inline);
    assert_eq!(fs::read(&inline).unwrap(), fs::read(&model).unwrap());
}

#[test]
fn standard_output_takes_no_external_data() {
    let example = Example::new();
    let run = example.fold(&["-o", "-"]);
    assert_eq!(run.status, Some(2));
    assert!(run.stdout.is_empty() && run.stderr.contains("`--inline`"), "{}", run.stderr);
    let run = example.fold(&["-o", "-", "--inline"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    fs::write(example.path("piped.onnx"), run.stdout).unwrap();
    assert_folded(&example.path("piped.onnx"));
}

#[test]
fn the_name_of_a_data_file_has_no_folder() {
    let example = Example::new();
    for name in ["a/b", "/b", "..", "", "folded.onnx"] {
        let run = example.fold(&["-o", "@folded.onnx", "--external-data", name]);
        assert_eq!(run.status, Some(2), "{name}");
        assert!(run.stderr.contains("another file name, without folders"), "{}", run.stderr);
    }
    fs::write(example.path("taken"), b"other").unwrap();
    let run = example.fold(&["-o", "@folded.onnx", "--external-data", "taken"]);
    assert!(run.stderr.contains("the name is taken"), "{}", run.stderr);
    assert!(!example.path("folded.onnx").exists());
}

/// Protobuf's limit, lowered: the weights go to a file of their own, and the model says where.
#[test]
fn a_model_too_large_for_one_file_gets_a_data_file() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("large.onnx");
    let original = load(&digits()).unwrap();
    let options = |storage| SaveOptions { storage, largest: 8000 };
    let saved = save_with(&original, &target, &options(Storage::Keep)).unwrap();
    assert!(saved.moved && saved.bytes < 8000);
    assert_eq!(saved.data[0].path, folder.path().join("large.onnx.data"));
    let read = load(&target).unwrap();
    for tensor in &original.graph.as_ref().unwrap().initializer {
        let name = tensor.name.as_ref().unwrap().to_string();
        let (old, new) = (tensor.little_endian().unwrap(), super::tensor(&read, &name).little_endian().unwrap());
        assert_eq!(old, new, "{name}");
    }
    let inline = save_with(&read, &folder.path().join("inline.onnx"), &options(Storage::Inline));
    assert!(matches!(inline, Err(SaveError::TooLarge { .. })));
    // A constant of a node stays where it is.
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]> g (float[2] x) => (float[2] y) <float[4096] W = {{{}}}> {{
            w = Identity (W)  c = Constant <value: tensor = float[4096] {{{}}}> ()  y = Identity (x)
        }}",
        vec!["1.0"; 4096].join(", "),
        vec!["2.0"; 4096].join(", ")
    );
    let constant = bn_tool::onnx::text::parse(text.as_str()).unwrap();
    let result = save_with(&constant, &folder.path().join("constant.onnx"), &options(Storage::Keep));
    assert!(matches!(result, Err(SaveError::TooLarge { .. })), "{result:?}");
    assert!(!folder.path().join("constant.onnx.data").exists());
    let metadata = SaveOptions { largest: 100, ..options(Storage::Keep) };
    assert!(matches!(save_with(&original, &target, &metadata), Err(SaveError::TooLarge { .. })));
}

/// Some exporters write a file per tensor: more than a process may have open.
#[test]
fn more_data_files_than_may_be_open() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = (0..300).map(|index| {
        fs::write(folder.path().join(format!("w{index}")), [0; 4]).unwrap();
        format!("float[1] t{index} = [\"location\": \"w{index}\"]")
    });
    let initializers = tensors.collect::<Vec<_>>().join(", ");
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]> g (float[1] x) => (float[1] y) <{initializers}> {{ y = Add (x, t0) }}"
    );
    let model = folder.path().join("model.onnxtxt");
    fs::write(&model, text).unwrap();
    let script = format!("ulimit -Sn 64 && {} inspect {}", env!("CARGO_BIN_EXE_bn-tool"), model.display());
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
