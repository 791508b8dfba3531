//! Attributes that contradict themselves.

use super::run::{assert_invalid, node, value, with_graph};
use bn_tool::onnx::schema::{AttributeProto, GraphProto, ModelProto};

fn with(attributes: Vec<AttributeProto>) -> ModelProto {
    let mut node = node("LeakyRelu", "x", "y");
    node.attribute = attributes;
    with_graph(GraphProto { node: vec![node], input: vec![value("x")], output: vec![value("y")], ..Default::default() })
}

fn float() -> AttributeProto {
    AttributeProto::float("alpha", 0.5)
}

#[test]
fn types_that_do_not_agree_with_the_value() {
    let typed = |code| with(vec![AttributeProto { r#type: Some(code), ..float() }]);
    for code in 2..=14 {
        assert_invalid(&typed(code), "attribute `alpha` of node `y` (LeakyRelu) is of the wrong type");
    }
    for code in [-1, 15, i32::MIN, i32::MAX] {
        assert_invalid(&typed(code), "which ONNX does not have");
    }
}

#[test]
fn two_values() {
    assert_invalid(
        &with(vec![AttributeProto { s: Some("text".into()), ..float() }]),
        "holds a float, and holds a string",
    );
    let untyped = AttributeProto { r#type: None, ints: vec![1; 1_000_000].into(), ..float() };
    assert_invalid(&with(vec![untyped]), "holds a float and integers, and does not say which one counts");
}

#[test]
fn the_same_name_twice() {
    assert_invalid(&with(vec![float(), float()]), "attribute `alpha` of node `y` (LeakyRelu) is there twice");
    assert_invalid(&with(vec![float(); 100_000]), "is there twice");
}

#[test]
fn references_to_nowhere() {
    let reference = AttributeProto { f: None, ref_attr_name: Some("alpha".into()), ..float() };
    assert_invalid(&with(vec![reference]), "refers to an attribute of a function, but is not inside of one");
}

#[test]
fn missing_parts() {
    assert_invalid(
        &with(vec![AttributeProto { name: None, ..float() }]),
        "an attribute of node `y` (LeakyRelu) has no name",
    );
    assert_invalid(
        &with(vec![AttributeProto { r#type: Some(4), f: None, ..float() }]),
        "says that it holds a tensor, and is empty",
    );
}
