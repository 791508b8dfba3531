//! The command line: what is written where, exit statuses, and errors in one line.

use crate::tool::{digits, repository, run, run_with_input};
use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::save;
use bn_tool::onnx::schema::{ModelProto, TensorProto};
use bn_tool::onnx::text::parse;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn arguments(words: &[&str], paths: &[&Path]) -> Vec<OsString> {
    words.iter().map(OsString::from).chain(paths.iter().map(OsString::from)).collect()
}

fn names_in(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("the folder is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Exit status 2, nothing on standard output, one line on standard error that says all of this.
fn assert_fails(words: &[&str], paths: &[&Path], says: &[&str]) {
    let result = run(&arguments(words, paths));
    assert_eq!(result.status, Some(2), "{words:?} {paths:?}: {}", result.stderr);
    assert_eq!(result.text(), "");
    assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
    for text in says {
        assert!(result.stderr.contains(text), "`{text}` is not in: {}", result.stderr);
    }
}

#[test]
fn fold_writes_a_model_without_batch_normalization() {
    let folder = folder();
    let out = folder.path().join("folded.onnx");
    let result = run(&arguments(&["fold", "--format", "json", "-o"], &[&out, &digits()]));
    assert_eq!(result.status, Some(0), "{}", result.stderr);
    let report = result.json();
    assert_eq!((&report["schema"], &report["folded"], &report["kept"]), (&1.into(), &4.into(), &0.into()));
    assert_eq!(report["verification"]["same"], true);
    assert_eq!(report["written"], out.to_str().unwrap());
    let left = run(&arguments(&["inspect", "--format", "json"], &[&out])).json();
    assert_eq!((&left["norms"], &left["nodes"]), (&serde_json::json!([]), &12.into()));
    let again = run(&arguments(&["fold", "--check"], &[&out]));
    assert_eq!(again.status, Some(0), "a second run has nothing to do");
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = folder();
    let model = folder.path().join("model.onnx");
    fs::copy(digits(), &model).unwrap();
    let result = run(&arguments(&["fold"], &[&model]));
    assert_eq!(result.status, Some(0));
    assert!(result.text().contains("4 folded, 0 kept"), "{}", result.text());
    assert_eq!(names_in(&folder), ["model.onnx"]);
    assert_eq!(fs::read(&model).unwrap(), fs::read(digits()).unwrap());
}

#[test]
fn in_place_replaces_the_model_and_keeps_its_mode() {
    let folder = folder();
    let model = folder.path().join("model.onnx");
    fs::copy(digits(), &model).unwrap();
    fs::set_permissions(&model, fs::Permissions::from_mode(0o640)).unwrap();
    let result = run(&arguments(&["fold", "--in-place"], &[&model]));
    assert_eq!(result.status, Some(0), "{}", result.stderr);
    assert!(fs::metadata(&model).unwrap().len() < fs::metadata(digits()).unwrap().len());
    assert_eq!(fs::metadata(&model).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(names_in(&folder), ["model.onnx"]);
}

#[test]
fn output_may_be_the_model_itself_or_a_link_to_it() {
    let folder = folder();
    let (model, link) = (folder.path().join("model.onnx"), folder.path().join("link.onnx"));
    fs::copy(digits(), &model).unwrap();
    std::os::unix::fs::symlink(&model, &link).unwrap();
    let to_link = run(&arguments(&["fold", "--no-verify", "-o"], &[&link, &model]));
    assert_eq!(to_link.status, Some(0), "{}", to_link.stderr);
    assert!(link.is_symlink());
    let other = folder.path().join("other.onnx");
    run(&arguments(&["fold", "-o"], &[&other, &digits()]));
    assert_eq!(fs::read(&model).unwrap(), fs::read(&other).unwrap());
}

#[test]
fn pipes_carry_the_model_and_the_report_goes_to_standard_error() {
    let folder = folder();
    let expected = folder.path().join("folded.onnx");
    run(&arguments(&["fold", "-o"], &[&expected, &digits()]));
    let piped = run_with_input(&["fold", "-", "-o", "-"], &fs::read(digits()).unwrap());
    assert_eq!(piped.status, Some(0), "{}", piped.stderr);
    assert!(piped.stdout == fs::read(&expected).unwrap(), "the same bytes through a pipe");
    assert!(piped.stderr.contains("4 folded"));
}

#[test]
fn text_is_read_and_written_wherever_a_model_is() {
    let folder = folder();
    let (text, binary) = (folder.path().join("folded.onnxtxt"), folder.path().join("folded.onnx"));
    assert_eq!(run(&arguments(&["fold", "-o"], &[&text, &digits()])).status, Some(0));
    assert!(fs::read_to_string(&text).unwrap().starts_with('<'));
    assert_eq!(run(&arguments(&["fold", "-o"], &[&binary, &digits()])).status, Some(0));
    let same = run(&arguments(&["verify", "--atol", "0", "--rtol", "0"], &[&binary, &text]));
    assert_eq!(same.status, Some(0), "{}{}", same.text(), same.stderr);
}

#[test]
fn nothing_is_written_when_verification_fails() {
    let folder = folder();
    let out = folder.path().join("folded.onnx");
    fs::write(&out, b"precious").unwrap();
    let strict = ["fold", "--atol", "0", "--rtol", "0", "-o"];
    let result = run(&arguments(&strict, &[&out, &digits()]));
    assert_eq!(result.status, Some(1), "{}", result.stderr);
    assert!(result.text().contains("differs") && result.text().contains("nothing was written\n"), "{}", result.text());
    assert_eq!(fs::read(&out).unwrap(), b"precious");
    // But the inputs for which the outputs differ.
    assert_eq!(names_in(&folder), ["folded.failing.npz", "folded.onnx"]);
}

#[test]
fn verify_tells_same_from_different() {
    let folder = folder();
    let other = folder.path().join("other.onnx");
    run(&arguments(&["fold", "--no-verify", "-o"], &[&other, &digits()]));
    assert_eq!(run(&arguments(&["verify"], &[&digits(), &other])).status, Some(0));
    let text = run(&arguments(&["print", "--weights"], &[&other])).text();
    let changed = folder.path().join("changed.onnxtxt");
    fs::write(&changed, text.replace("pads: ints = [1, 1, 1, 1]", "pads: ints = [0, 0, 2, 2]")).unwrap();
    let result = run(&arguments(&["verify", "--format", "json"], &[&digits(), &changed]));
    assert_eq!(result.status, Some(1), "{}", result.stderr);
    assert_eq!(result.json()["same"], false);
    assert!(result.json()["outputs"][0]["worst"]["index"].is_array());
}

#[test]
fn check_exits_with_1_when_there_is_something_to_fold() {
    assert_eq!(run(&arguments(&["fold", "--check"], &[&digits()])).status, Some(1));
    let excluded = run(&arguments(&["fold", "--check", "--exclude", "*"], &[&digits()]));
    assert_eq!(excluded.status, Some(0), "{}", excluded.text());
}

#[test]
fn selection_limits_what_is_folded() {
    let select = |words: &[&str]| {
        let words: Vec<&str> = ["fold", "--no-verify", "--format", "json"].iter().chain(words).copied().collect();
        run(&arguments(&words, &[&digits()])).json()["folded"].clone()
    };
    assert_eq!(select(&["--select", "/b1/*"]), 1);
    assert_eq!(select(&["--exclude", "/b1/*"]), 3);
    assert_eq!(select(&["--select", "/b[12]/*", "--exclude", "*b2*"]), 1);
    assert_fails(&["fold", "--select", "/b9/*"], &[&digits()], &["/b9/*", "matches no BatchNormalization", "inspect"]);
    assert_fails(&["fold", "--select", "b["], &[&digits()], &["`b[` is not a valid pattern"]);
}

#[test]
fn a_file_that_is_no_model_is_one_line_and_status_2() {
    let folder = folder();
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(digits()).unwrap();
    let empty = write("empty.onnx", b"");
    let garbage = write("garbage.onnx", &[0xff; 500]);
    let picture = write("picture.onnx", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    let prose = write("prose.onnx", b"Not a model, but a letter to somebody.");
    for command in ["fold", "inspect", "print"] {
        assert_fails(&[command], &[&empty], &["empty.onnx", "is empty"]);
        assert_fails(&[command], &[&garbage], &["garbage.onnx", "not a valid ONNX protobuf"]);
        assert_fails(&[command], &[&picture], &["picture.onnx"]);
        assert_fails(&[command], &[&prose], &["prose.onnx", "not a valid ONNX protobuf"]);
        assert_fails(&[command], &[folder.path()], &["folder"]);
        assert_fails(&[command], &[&folder.path().join("missing.onnx")], &["missing.onnx", "No such file"]);
        assert_fails(&[command], &[&empty.join("inside.onnx")], &["inside.onnx", "Not a directory"]);
    }
    for cut in [1, 17, 1000, whole.len() / 2, whole.len() - 1] {
        let truncated = write("truncated.onnx", &whole[..cut]);
        assert_fails(&["inspect"], &[&truncated], &["truncated.onnx"]);
    }
    assert_fails(&["verify"], &[&digits(), &garbage], &["garbage.onnx"]);
}

#[test]
fn an_unreadable_file_is_one_line_and_status_2() {
    let folder = folder();
    let secret = folder.path().join("secret.onnx");
    fs::copy(digits(), &secret).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may read everything (root) can read this too.
    match fs::read(&secret) {
        Err(_) => assert_fails(&["fold"], &[&secret], &["secret.onnx", "Permission denied"]),
        Ok(_) => assert_eq!(run(&arguments(&["fold", "--no-verify"], &[&secret])).status, Some(0)),
    }
}

#[test]
fn a_target_that_cannot_be_written_is_one_line_and_status_2() {
    let folder = folder();
    let missing = folder.path().join("no/such/folder/out.onnx");
    assert_fails(&["fold", "--no-verify", "-o"], &[&missing, &digits()], &["out.onnx", "No such file"]);
    assert_fails(&["fold", "--no-verify", "-o"], &[folder.path(), &digits()], &["cannot write"]);
    assert_fails(&["fold", "--in-place", "-"], &[], &["-o OUT"]);
    assert_fails(&["verify", "-", "-"], &[], &["standard input"]);
}

#[test]
fn a_broken_graph_is_one_line_and_status_2() {
    for (file, says) in [
        ("cycle", "node `A` (Add) reads `B` before it is made"),
        ("self_cycle", "node `Y` (Add) reads `Y` before it is made"),
        ("missing_initializer", "node `conv` (Conv) reads `W`, which no node, input or initializer makes"),
        ("missing_output", "graph outputs reads `Y`"),
        ("bn_without_variance", "BatchNormalization `y`: its variance is missing; check the model"),
        ("bn_epsilon_is_integer", "BatchNormalization `y`: its attribute `epsilon` is not one number; "),
        ("bn_parameter_lengths_disagree", "its variance has the shape [2], its scale [3]; check the model with"),
        ("bn_channel_counts_disagree", "Conv `c` has 3 output channels, not 4; "),
        ("conv_group_does_not_divide", "the groups of Conv `conv` do not divide its 4 output channels; "),
        ("conv_group_is_zero", "the groups of Conv `conv` do not divide its 4 output channels; "),
        ("conv_group_is_a_string", "the attribute `group` of Conv `conv` is not one number; "),
        ("conv_bias_too_short", "the bias of Conv `conv` has the shape [2]; "),
        ("conv_transpose_group_does_not_divide", "the groups of ConvTranspose `conv` do not divide its 2 input"),
        ("conv_without_weight", "the weight of Conv `conv` is missing; "),
        ("gemm_bias_of_other_length", "the bias of Gemm `gemm` has the shape [3]; "),
        ("attribute_twice", "attribute `group` of node `conv` (Conv) is there twice"),
        (
            "reference_outside_of_a_function",
            "attribute `group` of node `conv` (Conv) refers to an attribute of a function",
        ),
        ("function_calls_itself", "function `f` calls itself"),
        ("duplicate_value", "`Y` is made twice"),
        ("duplicate_initializer", "`W` is made twice"),
    ] {
        let path = repository(&format!("fixtures/broken/{file}.onnxtxt"));
        for words in [&["fold"][..], &["inspect"], &["fold", "--freeze", "--specialize-functions"]] {
            assert_fails(words, &[&path], &[&format!("{file}.onnxtxt"), says]);
        }
    }
}

#[test]
fn an_error_in_text_shows_the_place() {
    let path = repository("fixtures/broken/syntax.onnxtxt");
    for command in ["fold", "inspect", "print"] {
        let result = run(&arguments(&[command], &[&path]));
        assert_eq!((result.status, result.text().as_str()), (Some(2), ""));
        let lines: Vec<&str> = result.stderr.lines().collect();
        let [error, line, caret] = lines[..] else { panic!("{}", result.stderr) };
        assert!(
            error.starts_with("error: ") && error.contains("syntax.onnxtxt`: line 5, column 1: expected"),
            "{error}"
        );
        assert_eq!((line, caret), ("5 | }", "  | ^"));
    }
}

/// Two f16 Convs: the weight of the first, of more than a block, folds; that of the second
/// overflows.
fn overflowing_model() -> ModelProto {
    let text = "<ir_version: 8, opset_import: [\"\" : 17]>
        g (float16[1,256,1,1] x) => (float16[1,1024,1,1] y, float16[1,1024,1,1] z) {
            [c] v = Conv (x, V)  [first] y = BatchNormalization (v, s, b, b, s)
            [d] w = Conv (x, W)  [second] z = BatchNormalization (w, s, b, b, s)
        }";
    let mut model = parse(text).expect("it parses");
    let floats = |name: &str, shape: &[usize], value: f64| {
        TensorProto::floats(name, FloatType::F16, shape, &vec![value; shape.iter().product()])
    };
    let graph = model.graph.as_mut().expect("there is a graph");
    graph.initializer = vec![
        floats("V", &[1024, 256, 1, 1], 1.0),
        floats("W", &[1024, 256, 1, 1], 60000.0),
        floats("s", &[1024], 4.0),
        floats("b", &[1024], 0.5),
    ];
    model
}

#[test]
fn an_overflow_halfway_leaves_one_whole_model_in_a_pipe() {
    let folder = folder();
    let (model, out) = (folder.path().join("model.onnx"), folder.path().join("out.onnx"));
    save(&overflowing_model(), &model).unwrap();
    let to_file = run(&arguments(&["fold", "--no-verify", "--format", "json", "-o"], &[&out, &model]));
    assert_eq!((to_file.json()["folded"].clone(), to_file.json()["kept"].clone()), (1.into(), 1.into()));
    let piped = run(&arguments(&["fold", "--no-verify", "-o", "-"], &[&model]));
    assert_eq!(piped.status, Some(0), "{}", piped.stderr);
    assert!(piped.stdout == fs::read(&out).unwrap(), "{} bytes", piped.stdout.len());
}

#[test]
fn text_that_is_shorter_than_the_binary_ends_where_it_ends() {
    let folder = folder();
    let (model, out) = (folder.path().join("model.onnx"), folder.path().join("out.onnxtxt"));
    let mut zeros = overflowing_model();
    let graph = zeros.graph.as_mut().unwrap();
    graph.node.clear();
    graph.output.clear();
    let mut tensor = TensorProto::empty("zeros", DataType::Int64, &[10_000]);
    tensor.set_elements(vec![0; 80_000].into());
    graph.initializer = vec![tensor];
    save(&zeros, &model).unwrap();
    assert_eq!(run(&arguments(&["fold", "-o"], &[&out, &model])).status, Some(0));
    assert!(!fs::read(&out).unwrap().contains(&0));
    assert_eq!(run(&arguments(&["inspect"], &[&out])).status, Some(0));
}

#[test]
fn what_the_engine_cannot_run_is_not_written_unless_asked() {
    let folder = folder();
    let (model, out) = (folder.path().join("model.onnxtxt"), folder.path().join("out.onnx"));
    let text = fs::read_to_string(repository("fixtures/fold/conv_2d.onnxtxt")).unwrap();
    fs::write(
        &model,
        text.replace("=> (float", "=> (float[1] extra, float")
            .replace("  c = Conv", "  extra = com.acme.Magic (x)\n  c = Conv"),
    )
    .unwrap();
    let result = run(&arguments(&["fold", "-o"], &[&out, &model]));
    assert_eq!(result.status, Some(1), "{}{}", result.stderr, result.text());
    assert!(result.stderr.contains("com.acme") && result.stderr.contains("--no-verify"), "{}", result.stderr);
    let json = run(&arguments(&["fold", "--format", "json", "-o"], &[&out, &model])).json();
    assert!(json["unverified"].as_str().is_some_and(|why| why.contains("com.acme")) && json["written"].is_null());
    assert!(!out.exists());
    assert_eq!(run(&arguments(&["fold", "--no-verify", "-o"], &[&out, &model])).status, Some(0));
}

#[test]
fn a_model_without_anything_to_fold_is_not_rewritten_in_place() {
    let folder = folder();
    let model = folder.path().join("model.onnxtxt");
    fs::copy(repository("fixtures/fold/keeps_relu_between.onnxtxt"), &model).unwrap();
    assert_eq!(run(&arguments(&["fold", "--in-place"], &[&model])).status, Some(0));
    assert!(fs::read_to_string(&model).unwrap().starts_with("# "), "comments are still there");
}

#[test]
fn explain_knows_every_code() {
    let all = run(&["explain"]).text();
    assert!(all.contains("other-reader") && all.lines().count() >= 20);
    for line in all.lines() {
        let code = line.split_whitespace().next().expect("a code");
        let one = run(&["explain", code]);
        assert_eq!(one.status, Some(0));
        assert!(one.text().contains("Why it is kept:") && one.text().contains("What to do:"));
    }
    assert_fails(&["explain", "no-such-code"], &[], &["no-such-code", "lists them all"]);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let plain = run(&arguments(&["inspect"], &[&digits()])).text();
    assert!(!plain.contains('\x1b'));
    let coloured = run(&arguments(&["inspect", "--color", "always"], &[&digits()])).text();
    assert!(coloured.contains('\x1b'));
}

#[test]
fn quiet_prints_nothing() {
    let folder = folder();
    let out = folder.path().join("folded.onnx");
    let result = run(&arguments(&["fold", "-q", "-o"], &[&out, &digits()]));
    assert_eq!((result.status, result.text().as_str(), result.stderr.as_str()), (Some(0), "", ""));
    assert!(out.exists());
}
