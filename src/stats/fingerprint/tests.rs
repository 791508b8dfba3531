use super::*;
use crate::onnx::load;
use std::path::Path;

fn digits() -> ModelProto {
    load(Path::new("fixtures/digits/digits.onnx")).unwrap()
}

fn model(text: &str) -> ModelProto {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnxtxt");
    std::fs::write(&path, text).unwrap();
    load(&path).unwrap()
}

/// A BatchNormalization; what is in the graph besides X, γ and β, and what its statistics are called.
fn norm(constants: &str, nodes: &str, mean: &str, variance: &str) -> String {
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 15]>
        g (float[N, 2] x) => (float[N, 2] y)
        <float[2] gamma = {{1, 2}}, float[2] beta = {{0, 1}}{constants}>
        {{ {nodes} y = BatchNormalization(x, gamma, beta, {mean}, {variance}) }}"
    );
    fingerprint(&model(&text)).unwrap()
}

/// The same node with its statistics stored as usual.
fn plain() -> String {
    norm(", float[2] m = {0, 0}, float[2] v = {1, 1}", "", "m", "v")
}

#[test]
fn statistics_and_where_they_are_kept_do_not_count() {
    assert_eq!(plain(), norm(", float[2] m = {3, 4}, float[2] v = {5, 6}", "", "m", "v"));
    assert_eq!(plain(), norm(", float[2] other = {3, 4}, float[2] more = {5, 6}", "", "other", "more"));
    assert_eq!(
        plain(),
        norm(", float[2] v = {5, 6}", "c = Constant<value = float[2] {1, 2}>() m = Identity(c)", "m", "v")
    );
    assert_eq!(plain(), norm(", float[2] m = {3, 4}", "", "m", "m"));
}

#[test]
fn everything_else_counts() {
    let base = plain();
    // γ is read twice: that the mean reads it does not make it one.
    assert_eq!(base, norm(", float[2] v = {1, 1}", "", "gamma", "v"));
    let other = |from: &str, to: &str| {
        let text = "<ir_version: 8, opset_import: [\"\" : 15]>
        g (float[N, 2] x) => (float[N, 2] y)
        <float[2] gamma = {1, 2}, float[2] beta = {0, 1}, float[2] m = {0, 0}, float[2] v = {1, 1}>
        { y = BatchNormalization <epsilon: float = 0.001> (x, gamma, beta, m, v) }";
        assert!(text.contains(from), "{from}");
        (fingerprint(&model(text)).unwrap(), fingerprint(&model(&text.replace(from, to))).unwrap())
    };
    for (from, to) in [
        ("{1, 2}", "{1, 3}"),
        ("{0, 1}", "{0, 2}"),
        ("0.001", "0.002"),
        ("BatchNormalization <epsilon: float = 0.001> (x, gamma, beta, m, v)", "Add(x, gamma)"),
        (": 15", ": 16"),
    ] {
        let (before, after) = other(from, to);
        assert_ne!(before, after, "{from}");
    }
    let (before, after) = other("{1, 1}", "{7, 8}");
    assert_eq!(before, after);
}

#[test]
fn storage_and_what_is_only_said_do_not_count() {
    let model = digits();
    let base = fingerprint(&model).unwrap();
    assert_eq!(base.len(), 32);
    let mut typed = model.clone();
    typed.doc_string = Some("about".into());
    typed.producer_name = Some("another".into());
    let graph = typed.graph.as_mut().unwrap();
    graph.value_info.clear();
    for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.element() == Some(DataType::Float)) {
        let raw = tensor.little_endian().unwrap();
        tensor.raw_data = None;
        tensor.float_data.set(Some(raw));
    }
    assert_eq!(fingerprint(&typed).unwrap(), base);
    let tensors = &mut typed.graph.as_mut().unwrap().initializer;
    let weight = tensors.iter_mut().find(|tensor| tensor.dims.len() == 4).unwrap();
    let mut bytes = weight.little_endian().unwrap().to_bytes().unwrap().to_vec();
    bytes[0] ^= 1;
    weight.float_data.set(Some(bytes.into()));
    assert_ne!(fingerprint(&typed).unwrap(), base);
}
