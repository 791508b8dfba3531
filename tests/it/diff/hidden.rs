//! Differences without a line of their own, which are never lost; and weights that are elsewhere.

use super::diff;
use crate::tool::digits;
use bn_tool::diff::{HumanOptions, human};
use bn_tool::onnx::load;
use bn_tool::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bn_tool::onnx::text::parse;
use bn_tool::onnx::wire::{Decoder, Input};
use bn_tool::transform::fold::fold;
use std::fs;

const MODEL: &str = "<ir_version: 8, opset_import: [\"\" : 17]>
    g (float[N,3] x) => (float[N,3] y) <float[3] k = {1, 2, 3}, float[N,3] a>
    { [add] a = Add (x, k) [clip] y = Clip <min: float = 0> (a) }";

/// The model after an edit, and what is said of it.
fn said(edit: impl Fn(&mut ModelProto)) -> String {
    let model = parse(MODEL).expect("it parses");
    let mut edited = model.clone();
    edit(&mut edited);
    human(&diff(&model, &edited), &HumanOptions::default())
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().expect("there is a graph")
}

fn node(model: &mut ModelProto) -> &mut NodeProto {
    &mut graph(model).node[1]
}

#[test]
fn how_a_field_is_written_is_a_difference() {
    let moved = said(|model| {
        let tensor = &mut graph(model).initializer[0];
        let payload = tensor.raw_data.take();
        tensor.float_data.set(payload);
    });
    assert_eq!(moved, "~ k is written in another way\n");
    assert_eq!(said(|model| node(model).domain = Some("ai.onnx".into())), "~ clip is written in another way\n");
    assert_eq!(said(|model| node(model).attribute[0].r#type = None), "~ clip is written in another way\n");
    assert_eq!(said(|model| model.producer_name = Some("".into())), "~ the model is written in another way\n");
    let both = said(|model| {
        model.producer_name = Some("".into());
        node(model).overload = Some("".into());
    });
    assert_eq!(both, "~ the model and 1 more are written in another way\n");
}

#[test]
fn unknown_fields_are_a_difference() {
    // Field 99, a varint; in the model, and in its graph (field 7).
    for bytes in [&[0x98, 0x06, 0x01][..], &[0x3a, 0x03, 0x98, 0x06, 0x01]] {
        let added = |model: &mut ModelProto| {
            let mut out = Vec::new();
            let mut encoder = bn_tool::onnx::wire::Encoder::new(&mut out);
            bn_tool::onnx::wire::Message::encode_fields(model, &mut encoder).expect("memory can be written");
            encoder.finish().expect("memory can be written");
            out.extend_from_slice(bytes);
            *model = Decoder::decode(&Input::Memory(out.into())).expect("it decodes");
        };
        let text = said(added);
        assert!(text.ends_with(" is written in another way\n") && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn documentation_and_metadata_of_parts_have_their_place() {
    assert_eq!(
        said(|model| node(model).doc_string = Some(Box::new("Ends at 0.".into()))).lines().next(),
        Some("~ Clip clip (a) → y, doc_string \"Ends at 0.\"")
    );
    let entry = |key: &str, value: &str| bn_tool::onnx::schema::StringStringEntryProto {
        key: Some(key.into()),
        value: Some(value.into()),
        ..Default::default()
    };
    let described = said(|model| {
        graph(model).initializer[0].metadata_props.push(entry("unit", "m"));
        graph(model).value_info[0].doc_string = Some(Box::new("Sum.".into()));
        graph(model).metadata_props.push(entry("by", "ann"));
    });
    assert_eq!(
        described,
        "+ metadata by ann\n~ k float[3], metadata unit m\n~ value a float[N,3], doc_string Sum.\n  1 constant changed\n"
    );
    assert_eq!(
        said(|model| graph(model).quantization_annotation.push(Default::default())),
        "~ quantization annotations\n"
    );
    assert_eq!(said(|model| model.training_info.push(Default::default())), "~ training information\n");
}

#[test]
fn types_that_come_go_or_have_a_denotation() {
    assert_eq!(said(|model| graph(model).value_info.clear()), "- value a float[N,3]\n");
    assert_eq!(said(|model| graph(model).input[0].r#type = None), "~ input x without a type\n");
    let denoted = said(|model| {
        graph(model).input[0].r#type.as_mut().expect("a type").denotation = Some("IMAGE".into());
    });
    assert_eq!(denoted, "~ x is written in another way\n");
}

#[test]
fn a_name_that_nothing_makes_is_compared_as_text() {
    let rewired = said(|model| node(model).input[0] = "nothing".into());
    assert_eq!(rewired.lines().next(), Some("~ Clip clip (a ⇒ nothing) → y"));
}

#[test]
fn a_weight_that_is_computed_lazily_is_compared_by_its_elements() {
    let model = load(&digits()).expect("it loads");
    let folded = fold(&model, &Default::default()).expect("it folds").model;
    let in_memory = human(&diff(&model, &folded), &HumanOptions::default());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("folded.onnx");
    bn_tool::onnx::save(&folded, &path).expect("it is saved");
    let written = load(&path).expect("it loads");
    assert_eq!(human(&diff(&model, &written), &HumanOptions::default()), in_memory);
    assert!(in_memory.contains("~ c1.weight float[32,1,3,3] ") && in_memory.contains(", max |Δ| "), "{in_memory}");
    assert!(diff(&folded, &written).is_empty());
}

#[test]
fn weights_in_data_files_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, data: &[f32]| {
        let bytes: Vec<u8> = data.iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(folder.path().join(format!("{name}.bin")), bytes).expect("it is written");
        let entry = format!("[\"location\": \"{name}.bin\"]");
        let text = MODEL.replace("{1, 2, 3}", &entry);
        let path = folder.path().join(format!("{name}.onnxtxt"));
        fs::write(&path, text).expect("it is written");
        load(&path).expect("it loads")
    };
    let (a, b) = (write("a", &[1.0, 2.0, 3.0]), write("b", &[1.0, 2.0, 4.0]));
    let text = human(&diff(&a, &b), &HumanOptions::default());
    assert_eq!(text.lines().next(), Some("~ k float[3] {1, 2, 3} → {1, 2, 4}, max |Δ| 1, relative 0.267"));
    let same = write("c", &[1.0, 2.0, 3.0]);
    assert_eq!(human(&diff(&a, &same), &HumanOptions::default()), "~ k is written in another way\n");
}
