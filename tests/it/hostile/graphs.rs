//! Graphs that are none, and graphs that only look so.

use super::run::{assert_invalid, assert_legal, encoded, model, node, value, with_graph};
use bn_tool::onnx::schema::{AttributeProto, GraphProto, ModelProto, NodeProto};

/// Nodes in a row, each in front of the one that it reads.
fn backwards(count: usize) -> ModelProto {
    let nodes = (0..count).map(|index| node("Relu", &format!("v{}", index + 1), &format!("v{index}"))).collect();
    with_graph(GraphProto { node: nodes, output: vec![value("v0")], ..Default::default() })
}

#[test]
fn cycles() {
    assert_invalid(&model("g (float[2] x) => (float[2] y) { y = Add(x, y) }"), "node `y` (Add) reads `y` before it is");
    assert_invalid(
        &model("g (float[2] x) => (float[2] b) { a = Add(x, b) b = Relu(a) }"),
        "reads `b` before it is made",
    );
    assert_invalid(&backwards(100_000), "node `v0` (Relu) reads `v1` before it is made");
    let through_subgraph = "g (bool c) => (float y) { y = If (c) <then_branch = t () => (float y) {}> }";
    assert_invalid(&model(through_subgraph), "the list of graph outputs reads `y` before it is made");
}

#[test]
fn values_that_are_made_twice() {
    assert_invalid(&model("g (float x) => (float y) { y = Relu(x) y = Neg(x) }"), "`y` is made twice");
    assert_invalid(&model("g (float x) => (float y) { y, y = Foo(x) }"), "`y` is made twice");
    assert_invalid(&model("g (float x) => (float x) { x = Relu(x) }"), "`x` is made twice");
    assert_invalid(&model("g (float x, float x) => (float y) { y = Relu(x) }"), "`x` is made twice");
    let outputs = vec!["o".into(); 1_000_000];
    let wide = NodeProto { output: outputs, ..node("Split", "x", "") };
    let graph = GraphProto { node: vec![wide], input: vec![value("x")], ..Default::default() };
    assert_invalid(&with_graph(graph), "`o` is made twice");
}

#[test]
fn values_that_are_not_there() {
    assert_invalid(&model("g (float x) => (float y) { z = Relu(x) }"), "graph outputs reads `y`, which no node");
    assert_invalid(&model("g (float x) => (float y) { y = Add(x, w) }"), "node `y` (Add) reads `w`, which no node");
    let name = "n".repeat(10 << 20);
    let graph = GraphProto { node: vec![node("Relu", &name, "y")], output: vec![value("y")], ..Default::default() };
    assert_invalid(&with_graph(graph), "nnn…`, which no node");
    assert_invalid(&model("g (float \"\") => () {}"), "an input of graph `g` has no name");
    assert_invalid(&model("g () => (float \"\") {}"), "one of the graph outputs has no name");
    assert_invalid(&model("g (float x) => (float y) { y = \"\" (x) }"), "node `y` has no operator");
}

#[test]
fn what_a_subgraph_makes_is_not_seen_outside() {
    let branch =
        "y = If (c) <then_branch = t () => (float a) { a = Relu(x) }, else_branch = e () => (float a) { a = Neg(x) }>";
    assert_invalid(
        &model(&format!("g (bool c, float x) => (float z) {{ {branch} z = Relu(a) }}")),
        "reads `a`, which no",
    );
}

#[test]
fn subgraphs_inside_each_other() {
    // Deeper than the decoder lets pass cannot be written down.
    let wrap = |inner: GraphProto, _| {
        let attribute = AttributeProto { name: Some("body".into()), g: Some(inner.into()), ..Default::default() };
        GraphProto {
            node: vec![NodeProto { attribute: vec![attribute], ..node("Loop", "", "") }],
            ..Default::default()
        }
    };
    assert_legal(&encoded(&with_graph((0..32).fold(GraphProto::default(), wrap))));
    assert_invalid(&with_graph((0..33).fold(GraphProto::default(), wrap)), "subgraphs are nested more than 32 deep");
}

#[test]
fn legal_but_odd() {
    // A subgraph that uses a name anew, an output that is given twice, an input that is given
    // back, nothing at all.
    let shadowing = "g (bool c, float x) => (float y) { v = Neg(x)
        y = If (c) <then_branch = t () => (float v) { v = Relu(x) }, else_branch = e () => (float v) {}> }";
    for graph in
        [shadowing, "g (float x) => (float y, float y) { y = Relu(x) }", "g (float x) => (float x) {}", "g () => () {}"]
    {
        assert_legal(&encoded(&model(graph)));
    }
}

#[test]
fn functions() {
    let calls = |body: &str| model(&format!("g (float x) => (float y) {{ y = com.acme.F(x) }} {body}"));
    let header = "<domain: \"com.acme\", opset_import: [\"\" : 17, \"com.acme\" : 1]>";
    assert_invalid(&calls(&format!("{header} F (x) => (y) {{ y = com.acme.F(x) }}")), "the function `F` calls itself");
    assert_invalid(&calls(&format!("{header} F (x) => (y) {{ y = Relu(z) }}")), "reads `z`, which no node");
    let two = format!("{header} F (x) => (y) {{ y = com.acme.G(x) }} {header} G (x) => (y) {{ y = com.acme.F(x) }}");
    assert_invalid(&calls(&two), "calls itself");
    let twice = format!("{header} F (x) => (y) {{ y = Neg(x) }} {header} F (x) => (y) {{ y = Abs(x) }}");
    assert_invalid(&calls(&twice), "the function `F` is defined twice");
}

#[test]
fn operator_sets() {
    let mut two = model("g (float x) => (float y) { y = Relu(x) }");
    two.opset_import[1].domain = Some("ai.onnx".into());
    assert_invalid(&two, "imports the operator set `ai.onnx` in versions 17 and 1");
    two.opset_import.clear();
    assert_invalid(&two, "does not import the standard operator set");
}
