//! What is where in the data files.

use super::*;

#[test]
fn the_layout_is_kept_and_only_edited_ranges_change() {
    let example = Example::new();
    fs::create_dir(example.path("out")).unwrap();
    example.fold_to("out/folded.onnx", &[]);
    let model = assert_folded(&example.path("out/folded.onnx"));
    assert_eq!(entries(&model, "W"), ["model.data", "64", "16"]);
    assert_eq!(entries(&model, "b"), ["model.data", "96", "8"]);

    let old = fs::read(example.path("model.data")).unwrap();
    let mut expected = old.clone();
    expected[64..80].copy_from_slice(&bytes(&[2.0, 4.0, 6.0, 8.0]));
    expected[96..104].copy_from_slice(&bytes(&[4.0, 3.0]));
    assert_eq!(fs::read(example.path("out/model.data")).unwrap(), expected);
}

#[test]
fn new_small_tensors_stay_inline() {
    let at = |name: &str, r#type: &str, offset: usize| {
        format!("{type} {name} = [\"location\": \"model.data\", \"offset\": \"{offset}\", \"length\": \"16\"]")
    };
    let inline = "float[2] s = {2.0, 2.0}, float[2] B = {3.0, 4.0}, float[2] m = {0.0, 0.0}, float[2] v = {0.75, 0.75}";
    let example = Example::with(&format!("{}, {inline}", at("W", "float[2,2,1,1]", 0)), &bytes(&[1.0; 4]));
    let text = fs::read_to_string(example.model()).unwrap().replace("Conv (x, W, b)", "Conv (x, W)");
    fs::write(example.model(), text).unwrap();
    example.fold_to("folded.onnx", &[]);
    let model = load(&example.path("folded.onnx")).unwrap();
    assert!(!tensor(&model, "W_bias").is_external());
    assert_eq!(tensor(&model, "W_bias").float_values().unwrap(), [3.0, 4.0]);
    assert_eq!(fs::read(example.path("folded.onnx.data")).unwrap(), bytes(&[2.0; 4]));
}

/// The bias of the Conv lies inside its weight: both change, each to its own.
#[test]
fn ranges_that_overlap_are_separated() {
    let mut data = bytes(&[1.0, 2.0, 3.0, 4.0]);
    data.extend(bytes(&[2.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.75, 0.75]));
    let at = |name: &str, r#type: &str, offset: usize, length: usize| {
        format!("{type} {name} = [\"location\": \"./model.data\", \"offset\": \"{offset}\", \"length\": \"{length}\"]")
    };
    let small = ["s", "B", "m", "v"].iter().enumerate();
    let small = small.map(|(index, name)| at(name, "float[2]", 16 + index * 8, 8)).collect::<Vec<_>>().join(", ");
    let [weight, bias] = [at("W", "float[2,2,1,1]", 0, 16), at("b", "float[2]", 4, 8)];
    let example = Example::with(&format!("{weight}, {bias}, {small}"), &data);
    example.fold_to("folded.onnx", &[]);
    let model = load(&example.path("folded.onnx")).unwrap();
    assert_eq!(tensor(&model, "W").float_values().unwrap(), [2.0, 4.0, 6.0, 8.0]);
    assert_eq!(tensor(&model, "b").float_values().unwrap(), [2.0 * 2.0 + 3.0, 3.0 * 2.0 + 4.0]);
    assert_eq!(entries(&model, "W"), ["folded.onnx.data", "64", "16"]);
    assert_eq!(fs::read(example.path("folded.onnx.data")).unwrap()[..48], data);
}

/// A tensor without a length reaches to the end of the file, also when the file grows.
#[test]
fn a_missing_length_is_to_the_end() {
    let mut initializers = vec!["float[2,2,1,1] W = [\"location\": \"model.data\"]".to_owned()];
    for (name, r#type, _, values) in &RANGES[1..] {
        initializers.push(format!("{type} {name} = {{{}, {}}}", values[0], values[1]));
    }
    let example = Example::with(&initializers.join(", "), &bytes(&[1.0, 2.0, 3.0, 4.0]));
    example.fold_to("folded.onnx", &[]);
    let model = assert_folded(&example.path("folded.onnx"));
    assert_eq!(entries(&model, "W"), ["folded.onnx.data", "", ""]);
}

/// The reference implementation writes a checksum if it is asked to; it would be wrong.
#[test]
fn checksums_of_edited_files_are_removed() {
    let example = Example::new();
    let text = fs::read_to_string(example.model()).unwrap();
    fs::write(example.model(), text.replace("\"length\":", "\"checksum\": \"da39a3ee\", \"length\":")).unwrap();
    fs::create_dir(example.path("out")).unwrap();
    example.fold_to("out/folded.onnx", &[]);
    let model = assert_folded(&example.path("out/folded.onnx"));
    let keys = |name: &str| -> Vec<String> {
        tensor(&model, name).external_data.iter().map(|entry| entry.key.as_ref().unwrap().to_string()).collect()
    };
    // It is the checksum of the file, not of the range.
    for tensor in &model.graph.as_ref().unwrap().initializer {
        assert_eq!(keys(&tensor.name.as_ref().unwrap().to_string()), ["location", "offset", "length"]);
    }
}
