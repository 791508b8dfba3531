//! What text leaves out is told before.

use super::text;
use crate::normalise;
use crate::tool::{repository, run, run_with_input};
use bn_tool::onnx::Source;
use bn_tool::onnx::schema::{AttributeProto, ModelProto, TensorProto, TypeProto};
use bn_tool::onnx::text::{LossKind, losses, parse};
use bn_tool::onnx::wire::{Encoder, Message};
use std::path::{Path, PathBuf};

const MODEL: &str = "<ir_version: 10, opset_import: [\"\" : 17]>
    g (float[N] x) => (seq(float) y) <float[2] w = {1, 2}, sparse_tensor(float[9]) s = {float[1] {1}, int64[1] {0}}> {
        [n] y = F <t: tensor = float {1}, i: int = 1, k: type_proto = float[2]> (x)
    }
    f <a: int = 1> (x) => (y) { y = Relu(x) }";

/// A change that adds one thing of a kind, and where it is said to be.
type Case = (LossKind, &'static str, fn(&mut ModelProto));

fn note() -> Option<bstr::BString> {
    Some("note".into())
}

fn attribute(model: &mut ModelProto, index: usize) -> &mut AttributeProto {
    &mut model.graph.as_mut().unwrap().node[0].attribute[index]
}

fn weight(model: &mut ModelProto) -> &mut TensorProto {
    &mut model.graph.as_mut().unwrap().initializer[0]
}

fn input_type(model: &mut ModelProto) -> &mut TypeProto {
    model.graph.as_mut().unwrap().input[0].r#type.as_mut().unwrap()
}

const CASES: [Case; 24] = [
    (LossKind::Documentation, "graph `g`", |model| model.graph.as_mut().unwrap().doc_string = note()),
    (LossKind::Documentation, "node `n`", |model| {
        model.graph.as_mut().unwrap().node[0].doc_string = note().map(Box::new)
    }),
    (LossKind::Documentation, "tensor `w`", |model| weight(model).doc_string = note().map(Box::new)),
    (LossKind::Documentation, "value `x`", |model| {
        model.graph.as_mut().unwrap().input[0].doc_string = note().map(Box::new)
    }),
    (LossKind::Documentation, "attribute `i` of node `n`", |model| {
        attribute(model, 1).doc_string = note().map(Box::new)
    }),
    (LossKind::Metadata, "function `f`", |model| model.functions[0].metadata_props.push(Default::default())),
    (LossKind::Metadata, "tensor `w`", |model| weight(model).metadata_props.push(Default::default())),
    (LossKind::Annotations, "graph `g`", |model| {
        model.graph.as_mut().unwrap().quantization_annotation.push(Default::default());
    }),
    (LossKind::Training, "the model", |model| model.training_info.push(Default::default())),
    (LossKind::Devices, "the model", |model| model.configuration.push(Default::default())),
    (LossKind::Denotations, "value `x`", |model| input_type(model).denotation = note()),
    (LossKind::TensorNames, "attribute `t` of node `n`", |model| {
        attribute(model, 0).t.as_mut().unwrap().name = Some("a b".into());
    }),
    (LossKind::AttributeValues, "attribute `i` of node `n`", |model| attribute(model, 1).s = note()),
    (LossKind::AttributeValues, "attribute `i` of node `n`", |model| attribute(model, 1).ref_attr_name = note()),
    (LossKind::ElementTypes, "value `x`", |model| {
        input_type(model).tensor_type.as_mut().unwrap().elem_type = Some(57);
    }),
    (LossKind::Types, "value `x`", |model| *input_type(model) = TypeProto::default()),
    (LossKind::Types, "value `x`", |model| input_type(model).opaque_type = Some(Default::default())),
    (LossKind::Types, "attribute `k` of node `n`", |model| attribute(model, 2).tp = Some(Default::default())),
    (LossKind::Types, "value `x`", |model| {
        input_type(model).tensor_type.as_mut().unwrap().shape.as_mut().unwrap().dim[0].dim_value = Some(2);
    }),
    (LossKind::TensorData, "tensor `w`", |model| weight(model).data_location = Some(1)),
    (LossKind::TensorData, "tensor `w`", |model| weight(model).external_data = vec![Default::default()].into()),
    (LossKind::TensorData, "tensor `w`", |model| weight(model).int32_data.push(1)),
    (LossKind::TensorData, "tensor `w`", |model| weight(model).segment = Some(Box::default())),
    (LossKind::Devices, "node `n`", |model| {
        model.graph.as_mut().unwrap().node[0].device_configurations.push(Default::default());
    }),
];

#[test]
fn each_kind_is_reported_and_nothing_else() {
    let model = parse(MODEL).unwrap();
    assert_eq!(losses(&model), []);
    for (kind, place, change) in CASES {
        let mut changed = model.clone();
        change(&mut changed);
        let found = losses(&changed);
        assert_eq!(found.iter().map(|loss| loss.kind).collect::<Vec<_>>(), [kind], "{found:?}");
        assert_eq!((found[0].count, found[0].first.as_str()), (1, place));
        assert_ne!(parse(text(&changed, true)).unwrap(), changed, "{found:?}: nothing is lost");
    }
}

#[test]
fn unknown_fields_are_reported_wherever_they_are() {
    // An unknown field in the model, in the graph, in an input of it.
    let unknown = [0xa0, 0x06, 5];
    let inputs = [&[0x5a, 3][..], &unknown].concat();
    for bytes in
        [[&[0x3a, 0][..], &unknown].concat(), [&[0x3a, 3][..], &unknown].concat(), [&[0x3a, 5][..], &inputs].concat()]
    {
        let printed = run_with_input(&["print", "-"], &bytes);
        assert_eq!(printed.status, Some(0), "{}", printed.stderr);
        assert!(printed.stderr.starts_with("warning: the text leaves out unknown fields (in "), "{}", printed.stderr);
    }
}

#[test]
fn without_losses_text_is_the_model() {
    let mut files = models(&repository("fixtures"));
    let folders = std::env::var_os("BN_TOOL_MODELS").unwrap_or_default();
    files.extend(std::env::split_paths(&folders).flat_map(|folder| models(&folder)));
    let (mut exact, mut lossy) = (0, 0);
    for file in files {
        let Ok(mut model) = Source::open(&file).and_then(|source| source.decode()) else { continue };
        let found = losses(&model);
        let mut parsed = parse(text(&model, true)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        normalise::representation(&mut model);
        normalise::representation(&mut parsed);
        let same = canonical(&parsed) == canonical(&model);
        assert_eq!(found.is_empty(), same, "{}: {found:?}", file.display());
        *(if same { &mut exact } else { &mut lossy }) += 1;
    }
    println!("{exact} models come back exactly, {lossy} with announced losses");
}

/// A model without the difference between nothing and empty, packed and unpacked.
fn canonical(model: &ModelProto) -> String {
    let replaced =
        [("Some(\"\")", "None"), ("packed: true", "packed: false"), ("data_location: Some(0)", "data_location: None")];
    replaced.iter().fold(format!("{model:?}"), |text, (from, to)| text.replace(from, to))
}

/// All models below a folder.
fn models(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let found = paths.flat_map(|path| {
        let is_model = path.extension().is_some_and(|extension| extension == "onnx" || extension == "onnxtxt");
        if path.is_dir() { models(&path) } else { Vec::from_iter(is_model.then_some(path)) }
    });
    found.collect()
}

#[test]
fn a_warning_comes_before_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("model.onnx"), folder.path().join("out.onnxtxt"));
    let mut model =
        parse("<ir_version: 8, opset_import: [\"\" : 17]> g (float x) => (float y) { y = Relu(x) }").unwrap();
    model.graph.as_mut().unwrap().doc_string = note();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    model.encode_fields(&mut encoder).unwrap();
    encoder.finish().unwrap();
    std::fs::write(&path, bytes).unwrap();
    let warning = "warning: the text leaves out documentation (in graph `g`)\n";
    assert_eq!(run(&["print".as_ref(), path.as_os_str()]).stderr, warning);
    let folded = run(&["fold".as_ref(), "-o".as_ref(), out.as_os_str(), path.as_os_str()]);
    assert_eq!((folded.status, folded.stderr.as_str()), (Some(0), warning));
    assert_eq!(run(&["print".as_ref(), out.as_os_str()]).stderr, "");
}
