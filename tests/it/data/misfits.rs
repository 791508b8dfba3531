//! What does not fit is one line that says what does not, and what to do.

use super::files::{calibrate, data, folder, npy, numbers, png, tensor, write, zip};
use std::fs;
use tempfile::TempDir;

/// Exit status 2, and one line that says this.
fn assert_fails(folder: &TempDir, model: &str, flags: &[String], says: &str) {
    let (result, out) = calibrate(folder, model, flags);
    assert_eq!(result.status, Some(2), "{flags:?}: {}", result.stderr);
    assert!(result.stderr.contains(says), "`{says}` is not in: {}", result.stderr);
    assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
    assert!(!out.exists());
}

#[test]
fn shapes_types_and_a_flag_are_named() {
    let folder = folder();
    let fails = |name: &str, bytes: &[u8], says: &str| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        assert_fails(&folder, "plain.onnx", &data(&path), says);
    };
    fails(
        "pixels.npy",
        &npy("|u1", false, "2, 8, 8, 3", &[0; 384]),
        "it is uint8 [2, 8, 8, 3], the input takes float [?, 1, 8, 8]",
    );
    fails("big.png", &png(9, 9, &[0; 81]), "--resize 8x8 makes it fit");
    fails("x.raw", &numbers()[1..], "a sample of float [1, 8, 8] has 256");
    fails(
        "x.npz",
        &zip(&[("a.npy", vec![]), ("b.npy", vec![])]),
        "none of its arrays is named `input`; it has `a`, `b`",
    );
    fails("notes.md", b"no data at all", "it is no .npy, .npz, safetensors");
    fails("x.txt", b"gone.npy\n", "gone.npy");
    let flags = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mixed = write(&folder, "mixed", &[("a.npy".into(), vec![]), ("b.png".into(), vec![])]);
    assert_fails(&folder, "plain.onnx", &data(&mixed), "data of several kinds");
    let empty = write(&folder, "empty", &[("readme.md".into(), vec![])]);
    assert_fails(&folder, "plain.onnx", &data(&empty), "it holds no .npy");
    let sizes =
        write(&folder, "sizes", &[("1.png".into(), png(8, 8, &[0; 64])), ("2.png".into(), png(9, 9, &[0; 81]))]);
    assert_fails(&folder, "plain.onnx", &data(&sizes), "--resize and --crop make all alike");
    let scaled = [data(&sizes), flags("--mean 1,2,3")].concat();
    assert_fails(&folder, "plain.onnx", &scaled, "--mean has 3 numbers, the data 1 channels");
}

/// `y = Relu(W x) + m`, with a batch that the second input fixes.
const TWO: &str = "<ir_version: 8, opset_import: [\"\" : 17]> g (float[N,2] x, float[4,2] m) => (float[N,2] y)
    <float[2,2] W = {1, 0, 1, 2}, float[2] b = {1, 0}> { c = Gemm (x, W, b) r = Relu (c) y = Add (r, m) }";

fn two() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("two.onnxtxt"), TWO).expect("written");
    folder
}

/// Six samples of `x` and `m`.
fn arrays() -> [Vec<u8>; 2] {
    let x: Vec<u8> = (0..12i16).flat_map(|number| (number * number).to_le_bytes()).collect();
    [npy("<i2", false, "6, 2", &x), npy("|u1", false, "6, 2", &[0; 12])]
}

#[test]
fn several_inputs_get_what_is_named_like_them_and_are_cut_alike() {
    let folder = two();
    let [x, m] = arrays();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    };
    let named = |x: &str, m: &str| ["--data".to_owned(), x.into(), "--data".into(), m.into()].to_vec();
    let (xs, ms) = (path("a.npy", &x), path("b.npy", &m));
    let apart = named(&format!("x={}", xs.display()), &format!("m={}", ms.display()));
    let both = path("both.npz", &zip(&[("m.npy", m.clone()), ("x.npy", x.clone())]));
    let calibrated = |flags: &[String]| {
        let (result, out) = calibrate(&folder, "two.onnxtxt", flags);
        assert_eq!(result.status, Some(0), "{}", result.stderr);
        // Six samples, four at a time.
        assert_eq!(result.json()["measured"]["samples"], 6);
        fs::read(out).expect("written")
    };
    assert!(calibrated(&apart) == calibrated(&data(&both)));
    fs::remove_file(folder.path().join("out.onnx")).expect("removed");
    assert_fails(&folder, "two.onnxtxt", &data(&xs), "the model has several inputs; write NAME=PATH for each");
    let short = path("short.npy", &npy("|u1", false, "5, 2", &[0; 10]));
    let short = named(&format!("x={}", xs.display()), &format!("m={}", short.display()));
    assert_fails(&folder, "two.onnxtxt", &short, "it has 6 samples, that of another input 5");
}

#[test]
fn onnx_test_data_goes_by_number() {
    let folder = two();
    let floats = |numbers: [f32; 8]| numbers.map(f32::to_le_bytes).concat();
    let x = floats([0.0, 1.0, 4.0, 9.0, 16.0, 25.0, 36.0, 49.0]);
    let inputs = [x.clone(), floats([0.0; 8])];
    let file = |(index, data): (usize, &Vec<u8>)| (format!("test_data_set_0/input_{index}.pb"), tensor(&[4, 2], data));
    let sets = write(&folder, "sets", &inputs.iter().enumerate().map(file).collect::<Vec<_>>());
    let (result, _) = calibrate(&folder, "two.onnxtxt", &data(&sets));
    assert_eq!((result.status, &result.json()["measured"]["samples"]), (Some(0), &4.into()), "{}", result.stderr);
    fs::remove_file(sets.join("test_data_set_0/input_1.pb")).expect("removed");
    fs::remove_file(folder.path().join("out.onnx")).expect("removed");
    assert_fails(&folder, "two.onnxtxt", &data(&sets), "it has no input_1.pb for `m`");
}
