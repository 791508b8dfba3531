//! Past 2 GiB for real: run with `cargo test --release -- --ignored external`, which writes 7.5 GB
//! to the temporary folder.

use super::*;
use bn_tool::onnx::SaveOptions;
use bn_tool::onnx::external::Storage;
use bn_tool::onnx::save_with;
use std::os::unix::fs::FileExt;
use std::process::Command;

/// 2.5 GB of weights: more than protobuf's limit.
const CHANNELS: u64 = 25_000;
const BYTES: u64 = CHANNELS * CHANNELS * 4;

/// A MatMul and a BatchNormalization that doubles it. The weight is a hole in a sparse file, but
/// for its last element, which is 3.
fn sparse() -> Example {
    let example = Example::new();
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]>
        g (float[1,{CHANNELS}] x) => (float[1,{CHANNELS}] y)
        <float[{CHANNELS},{CHANNELS}] W = [\"location\": \"large.bin\"], int64[1] shape = {{{CHANNELS}}},
         float[1] two = {{2.0}}, float[1] zero = {{0.0}}, float[1] one = {{0.75}}> {{
            s = Expand (two, shape)  z = Expand (zero, shape)  v = Expand (one, shape)
            c = MatMul (x, W)
            [norm] y = BatchNormalization <epsilon = 0.25> (c, s, z, z, v)
        }}"
    );
    fs::write(example.model(), text).unwrap();
    let file = fs::File::create(example.path("large.bin")).unwrap();
    file.set_len(BYTES).unwrap();
    file.write_all_at(&3f32.to_le_bytes(), BYTES - 4).unwrap();
    example
}

/// Folds in 200 MB of address space.
fn fold(example: &Example, from: &str, arguments: &[&str]) -> (bool, String) {
    let script = "ulimit -v 200000; exec \"$0\" fold --no-verify \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_bn-tool"), from]).args(arguments);
    let output = command.current_dir(example.folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

fn last_element(path: &Path, end: u64) -> f32 {
    let mut bytes = [0; 4];
    fs::File::open(path).unwrap().read_exact_at(&mut bytes, end - 4).unwrap();
    f32::from_le_bytes(bytes)
}

#[test]
#[ignore = "writes 7.5 GB"]
fn models_past_two_gib() {
    let example = sparse();
    let (ok, text) = fold(&example, "model.onnxtxt", &["-o", "folded.onnx"]);
    assert!(ok && text.contains("1 folded"), "{text}");
    assert_eq!(last_element(&example.path("folded.onnx.data"), BYTES), 6.0);

    let (ok, text) = fold(&example, "model.onnxtxt", &["-o", "inline.onnx", "--inline"]);
    assert!(!ok && text.contains("protobuf files end at 2,147,483,647 bytes"), "{text}");
    assert!(!example.path("inline.onnx").exists());

    // No other tool writes such a file, but we read it.
    let model = load(&example.model()).unwrap();
    let options = SaveOptions { storage: Storage::Inline, largest: u64::MAX };
    save_with(&model, &example.path("whole.onnx"), &options).unwrap();
    let (ok, text) = fold(&example, "whole.onnx", &["-o", "moved.onnx"]);
    assert!(ok && text.contains("moved.onnx.data, because one file ends at 2 GiB"), "{text}");
    assert_eq!(last_element(&example.path("moved.onnx.data"), BYTES), 6.0);
    assert!(fs::metadata(example.path("moved.onnx")).unwrap().len() < 100_000);

    let (ok, text) = fold(&example, "whole.onnx", &["-o", "-"]);
    assert!(!ok && text.contains("cannot write standard output: the model would have"), "{text}");
}
