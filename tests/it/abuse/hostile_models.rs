//! Models that are made to harm: the engine may fail, panic or die of them.

use super::{ends, folder, names_in, tool};
use std::fs;
use std::path::Path;
use std::process::Output;

/// What follows a Conv and a BatchNormalization that makes `f` of shape [1, 2, 4, 4], and the
/// constants of that.
const HOSTILE: &[(&str, &str)] = &[
    // Results of terabytes.
    ("y = Expand (f, k)", "int64[5] k = {1000000, 1000000, 2, 4, 4}"),
    ("y = Tile (f, k)", "int64[4] k = {1000000, 1, 1000000, 1}"),
    ("a = ConstantOfShape (k)  y = Add (f, a)", "int64[2] k = {1000000, 1000000}"),
    ("y = Pad (f, k)", "int64[8] k = {0, 0, 1000000, 1000000, 0, 0, 1000000, 1000000}"),
    ("y = Resize (f, \"\", k)", "float[4] k = {1, 1, 100000, 100000}"),
    ("y = Resize (f, \"\", \"\", k)", "int64[4] k = {1, 2, 1000000, 1000000}"),
    ("a = Range (i, j, k)  y = Cast <to = 1> (a)", "int64 i = {0}, int64 j = {1000000000000}, int64 k = {1}"),
    ("a = Cast <to = 7> (f)  y = OneHot (a, d, k)", "int64 d = {1000000000000}, float[2] k = {0, 1}"),
    ("a = RandomNormal <shape = [1000000, 1000000]> ()  y = Add (f, a)", ""),
    ("y = HannWindow (k)", "int64 k = {1000000000000}"),
    ("y = Einsum <equation = \"abcd,efgh,ijkl,mnop,qrst,uvwx->abcdefghijklmnopqrstuvwx\"> (f, f, f, f, f, f)", ""),
    (
        "y = ConvTranspose <strides = [60000, 1000]> (f, K)",
        "float[2,2,2,2] K = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}",
    ),
    ("y = ConvTranspose <output_shape = [60000, 1000]> (f, W)", ""),
    // Attributes and constants that make no sense.
    ("y = Conv <dilations = [60000, 60000]> (f, K)", "float[2,2,2,1] K = {1, 1, 1, 1, 1, 1, 1, 1}"),
    ("y = Conv <group = 0> (f, W)", ""),
    ("y = Conv <group = 4611686018427387904> (f, W)", ""),
    ("y = Conv (f, K)", "float[2] K = {1, 1}"),
    ("y = Pad (f, k)", "int64[8] k = {0, 0, -100, 0, 0, 0, -100, 0}"),
    ("y = Tile (f, k)", "int64[4] k = {1, 1, -5, 1}"),
    ("y = Reshape (f, k)", "int64[3] k = {-1, -1, -7}"),
    ("y = Reshape (f, k)", "int64[2] k = {4611686018427387904, 4}"),
    ("y = Gather (f, k)", "int64[1] k = {999999999999}"),
    ("y = Gather <axis = 77> (f, k)", "int64[1] k = {0}"),
    ("y = GatherElements (f, k)", "int64[1,1,1,1] k = {-9}"),
    ("y = ScatterElements (f, k, u)", "int64[1,1,1,1] k = {99}, float[1,1,1,1] u = {1}"),
    ("y = Slice (f, i, j, k, i)", "int64[1] i = {0}, int64[1] j = {3}, int64[1] k = {2}"),
    ("y, z = Split <axis = 1> (f, k)", "int64[2] k = {1000000000000, -999999999998}"),
    ("y, z = TopK (f, k)", "int64[1] k = {1000000000000}"),
    ("y = Unsqueeze (f, k)", "int64[3] k = {-9, 99, 0}"),
    ("y = ReduceSum (f, k)", "int64[1] k = {-9223372036854775808}"),
    ("y = ArgMax <axis = -99> (f)", ""),
    ("y = Flatten <axis = -9> (f)", ""),
    ("y = DepthToSpace <blocksize = 0> (f)", ""),
    ("y = DepthToSpace <blocksize = 4611686018427387904> (f)", ""),
    ("y = AveragePool <kernel_shape = [3, 3, 3]> (f)", ""),
    ("y = Einsum <equation = \"abc,->zz\"> (f)", ""),
    ("a = Cast <to = 7> (f)  q = Div (a, k)  y = Cast <to = 1> (q)", "int64 k = {0}"),
    ("a = Cast <to = 7> (f)  q = Mod (a, k)  y = Cast <to = 1> (q)", "int64 k = {0}"),
    ("a = Range (i, i, i)  y = Cast <to = 1> (a)", "int64 i = {0}"),
    ("y = Add (f, k)", "string[1] k = {\"text\"}"),
    // Quantised, with parameters that do not fit.
    (
        "a = QuantizeLinear <axis = -100> (f, k, z)  y = DequantizeLinear (a, k, z)",
        "float[2] k = {0, 0}, uint8[2] z = {1, 1}",
    ),
    ("y = DequantizeLinear <axis = 9> (q, k, z)", "uint8[1] q = {1}, float[2] k = {1, 0}, uint8[2] z = {1, 1}"),
    // Graphs in graphs.
    (
        "y = Loop (n, t, f) <body = b (int64 i, bool c, float a) => (bool d, float e) { d = Identity (c)  e = Relu (a) }>",
        "int64 n = {1000000000000}, bool t = {1}",
    ),
    ("y = Scan <num_scan_inputs = 99, body = b (float a) => (float e) { e = Relu (a) }> (f)", ""),
];

/// A model of text: `x`, the usual constants and more, and nodes.
fn model(input: &str, constants: &str, nodes: &str) -> String {
    let more = if constants.is_empty() { String::new() } else { format!(", {constants}") };
    format!(
        "<ir_version: 8, opset_import: [\"\" : 17]> g ({input}) => (float y) <
            float[2,2,1,1] W = {{1, 2, 3, 4}}, float[2] s = {{1, 2}}, float[2] b = {{0, 1}}{more}
        > {{ {nodes} }}"
    )
}

fn folded(folder: &Path, text: &str) -> Output {
    fs::write(folder.join("model.onnxtxt"), text).expect("there is room");
    let mut command = tool(["fold", "model.onnxtxt", "-o", "out.onnx"]);
    command.current_dir(folder).env("BN_TOOL_MEMORY_LIMIT", "400");
    ends(command)
}

fn assert_fails(folder: &Path, text: &str, what: &str) {
    let output = folded(folder, text);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{what}: {:?} {stderr}", output.status);
    assert_eq!(stderr.lines().count(), 1, "{what}: {stderr}");
    assert!(!stderr.contains("bug of bn-tool") && stderr.contains("nothing was written"), "{what}: {stderr}");
    assert_eq!(names_in(folder), ["model.onnxtxt"], "{what}");
}

const NORMALISED: &str = "c = Conv (x, W)  f = BatchNormalization (c, s, b, b, s)";

#[test]
fn each_is_one_line_and_writes_nothing() {
    let folder = folder();
    for (nodes, constants) in HOSTILE {
        let text = model("float[1,2,4,4] x", constants, &format!("{NORMALISED}  {nodes}"));
        assert_fails(folder.path(), &text, nodes);
    }
}

#[test]
fn normalising_what_has_no_channels_is_one_line() {
    let folder = folder();
    for input in ["float x", "float[2] x"] {
        let nodes = "z = Reshape (x, k)  c = Conv (z, W)  f = BatchNormalization (c, s, b, b, s)
            n = BatchNormalization (x, s, b, b, s)  y = Add (f, n)";
        assert_fails(folder.path(), &model(input, "int64[4] k = {1, -1, 1, 1}", nodes), input);
    }
}

#[test]
fn doubling_often_ends_at_the_limit() {
    let doubling: String = (0..40).map(|i| format!("v{} = Concat <axis = 0> (v{i}, v{i})\n", i + 1)).collect();
    let nodes = format!("{NORMALISED}\n v0 = Relu (f)\n {doubling} y = Neg (v40)");
    assert_fails(folder().path(), &model("float[1,2,4,4] x", "", &nodes), "Concat");
}

#[test]
fn strange_but_valid_models_pass() {
    let folder = folder();
    let long: String = (0..4000).map(|i| format!("v{} = Relu (v{i})\n", i + 1)).collect();
    for (input, nodes) in [
        ("float[0,2,4,4] x", format!("{NORMALISED}  y = Relu (f)  z = Shape (y)")),
        ("float[1,2,4,4] x, int64[0] i", format!("{NORMALISED}  y = Relu (f)")),
        ("float[1,2,4,4] x", format!("{NORMALISED}\n v0 = Relu (f)\n {long} y = Neg (v4000)")),
    ] {
        let output = folded(folder.path(), &model(input, "", &nodes));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        assert!(output.stderr.iter().filter(|byte| **byte == b'\n').count() <= 1);
    }
}
