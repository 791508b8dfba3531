//! One small model for each thing that can be wrong, and the valid ones next to it.

use super::check;
use crate::onnx::schema::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};
use crate::onnx::text::parse;

fn model(graph: &str) -> ModelProto {
    parse(format!("<ir_version: 8, opset_import: [\"\" : 17, \"f\" : 1]>\n{graph}")).expect("it parses")
}

#[track_caller]
fn assert_valid(model: &ModelProto) {
    check(model).expect("it is valid");
}

#[track_caller]
fn assert_wrong(model: &ModelProto, says: &str) {
    let error = check(model).expect_err("it is wrong").to_string();
    assert!(error.contains(says), "`{says}` is not in: {error}");
    assert!(!error.contains('\n') && error.len() < 1000, "{error}");
}

/// A graph of these nodes.
fn nodes(nodes: &str) -> ModelProto {
    model(&format!("g (float[2] x, bool c) => (float[2] y) {{ {nodes} }}"))
}

/// A valid graph with an initializer that is changed.
fn tensor(change: impl Fn(&mut TensorProto)) -> ModelProto {
    let mut model = model("g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add(x, w) }");
    change(&mut model.graph.as_mut().expect("a graph").initializer[0]);
    model
}

/// A valid graph with an attribute that is changed.
fn attribute(change: impl Fn(&mut Vec<AttributeProto>)) -> ModelProto {
    let mut model = nodes("y = LeakyRelu <alpha: float = 0.5> (x)");
    change(&mut model.graph.as_mut().expect("a graph").node[0].attribute);
    model
}

#[test]
fn each_value_is_made_once_and_before_it_is_read() {
    assert_valid(&nodes("y = Relu(x)"));
    assert_wrong(&nodes("[n] y = Add(x, z)"), "node `n` (Add) reads `z`, which no node");
    assert_wrong(&nodes("y = Add(x, z) z = Relu(x)"), "node `y` (Add) reads `z` before it is made");
    assert_wrong(&nodes("y = Add(x, y)"), "reads `y` before it is made");
    assert_wrong(&nodes("z = Relu(x)"), "the list of graph outputs reads `y`, which no node");
    assert_wrong(&nodes("y = Relu(x) y = Neg(x)"), "node `y` (Neg) makes `y`, but `y` is made twice");
    assert_wrong(&nodes("y, y = Split(x)"), "`y` is made twice");
    assert_wrong(&nodes("y = Relu(x) x = Neg(y)"), "`x` is made twice");
    assert_wrong(&nodes("y = \"\"(x)"), "node `y` has no operator");
    assert_valid(&nodes("y, \"\", \"\" = Foo(x, \"\")"));
}

#[test]
fn inputs_and_initializers() {
    let graph = |header: &str| model(&format!("g {header} {{ y = Add(x, w) }}"));
    assert_valid(&graph("(float[2] x, float[2] w) => (float[2] y) <float[2] w = {1, 2}>"));
    assert_valid(&graph("(float[2] x) => (float[2] y, float[2] y) <float[2] w = {1, 2}>"));
    assert_wrong(&graph("(float[2] x, float[2] w, float[2] w) => (float[2] y)"), "`w` is made twice");
    assert_wrong(&graph("(float[2] x) => (float[2] y) <float[2] w = {1, 2}, float w = {1}>"), "`w` is made twice");
    assert_wrong(&graph("(float[2] \"\") => (float[2] y)"), "an input of graph `g` has no name");
    assert_wrong(&graph("(float[2] x) => (float[2] y) <float \"\" = {1}>"), "an initializer of graph `g` has no name");
    let sparse = "<float[2] w = {1, 2}, sparse_tensor(float[2]) w = {float[1] {1}, int64[1] {0}}>";
    assert_wrong(&graph(&format!("(float[2] x) => (float[2] y) {sparse}")), "`w` is made twice");
}

#[test]
fn subgraphs_see_what_is_around_them_and_may_use_names_anew() {
    let branches = |first: &str, second: &str| {
        nodes(&format!("v = Neg(x) y = If(c) <then_branch = {first}, else_branch = {second}> z = Neg(v)"))
    };
    let outer = "e () => (float[2] v) {}";
    assert_valid(&branches("t () => (float[2] a) { a = Relu(v) }", outer));
    assert_valid(&branches("t () => (float[2] v) { v = Relu(x) }", outer));
    assert_wrong(
        &branches("t () => (float[2] a) { a = Relu(z) }", outer),
        "node `a` (Relu) reads `z` before it is made",
    );
    assert_wrong(
        &branches("t () => (float[2] a) { a = Relu(x) }", "e () => (float[2] a) {}"),
        "reads `a`, which no node",
    );
    assert_wrong(&branches("t () => (float[2] a) { a = Relu(x) a = Neg(x) }", outer), "`a` is made twice");
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| {
        let leaf = GraphProto::default();
        let wrap = |graph: GraphProto, _| {
            let attribute = AttributeProto { name: Some("g".into()), g: Some(graph.into()), ..Default::default() };
            let node = NodeProto { op_type: Some("If".into()), attribute: vec![attribute], ..Default::default() };
            GraphProto { node: vec![node], ..Default::default() }
        };
        ModelProto { graph: Some((0..depth).fold(leaf, wrap)), ..Default::default() }
    };
    assert_valid(&nested(32));
    assert_wrong(&nested(33), "subgraphs are nested more than 32 deep");
}

#[test]
fn tensors_have_as_much_data_as_they_say() {
    assert_valid(&tensor(|_| ()));
    assert_valid(&tensor(|w| {
        *w = TensorProto { name: w.name.clone(), data_location: Some(1), raw_data: None, ..w.clone() }
    }));
    assert_wrong(&tensor(|w| w.data_type = None), "tensor `w` is malformed: it has no element type");
    assert_wrong(&tensor(|w| w.data_type = Some(57)), "its element type 57 is none of ONNX");
    assert_wrong(&tensor(|w| w.dims = vec![-2].into()), "its dimension -2 is negative");
    assert_wrong(&tensor(|w| w.dims = vec![1 << 40, 1 << 40].into()), "the product of its dimensions overflows");
    assert_wrong(
        &tensor(|w| w.dims = vec![3].into()),
        "does not match its shape: there are 8 bytes, and its shape needs 12",
    );
    assert_wrong(&tensor(|w| w.raw_data = None), "there are 0 numbers or strings, and its shape needs 2");
    assert_wrong(
        &tensor(|w| w.int64_data = vec![1, 2].into()),
        "in `int64_data`, where elements of type float are not",
    );
    assert_wrong(
        &tensor(|w| w.float_data.set(Some(vec![0; 8].into()))),
        "it has data in `raw_data` and in `float_data`",
    );
    assert_wrong(&tensor(|w| w.data_type = Some(8)), "in `raw_data`, where elements of type string are not stored");
}

#[test]
fn sparse_indices_ascend_inside_of_the_shape() {
    let sparse = |indices: &str| {
        model(&format!("g () => (float[3,3] w) <sparse_tensor(float[3,3]) w = {{float[2] {{1, 2}}, {indices}}}> {{}}"))
    };
    assert_valid(&sparse("int64[2] {0, 8}"));
    assert_valid(&sparse("int64[2, 2] {0, 2, 1, 0}"));
    assert_wrong(&sparse("int64[2] {0, 9}"), "sparse tensor `w` is malformed: its index 9 is out of range");
    assert_wrong(&sparse("int64[2] {-1, 3}"), "its index -1 is out of range");
    assert_wrong(&sparse("int64[2] {3, 3}"), "do not ascend");
    assert_wrong(&sparse("int64[2, 2] {0, 3, 1, 0}"), "its index 3 is out of range");
    assert_wrong(&sparse("int64[2, 2] {1, 0, 0, 2}"), "do not ascend");
    assert_wrong(&sparse("int64[3] {0, 1, 2}"), "not the shape [2] or [2, 2]");
    assert_wrong(&sparse("int32[2] {0, 1}"), "not of type int64");
}

#[test]
fn attributes_hold_one_value_of_their_type() {
    assert_valid(&attribute(|_| ()));
    assert_valid(&attribute(|list| list[0].f = None));
    assert_valid(&attribute(|list| list[0].i = Some(0)));
    assert_valid(&attribute(|list| list[0].r#type = None));
    assert_wrong(
        &attribute(|list| list.push(list[0].clone())),
        "attribute `alpha` of node `y` (LeakyRelu) is there twice",
    );
    assert_wrong(&attribute(|list| list.extend(vec![list[0].clone(); 99])), "is there twice");
    assert_wrong(&attribute(|list| list[0].r#type = Some(2)), "says that it holds an integer, and holds a float");
    assert_wrong(&attribute(|list| list[0].i = Some(3)), "says that it holds a float, and holds an integer");
    assert_wrong(&attribute(|list| list[0].r#type = Some(-1)), "is of the type -1, which ONNX does not have");
    assert_wrong(&attribute(|list| list[0].name = None), "an attribute of node `y` (LeakyRelu) has no name");
    assert_wrong(&attribute(|list| list[0].ref_attr_name = Some("a".into())), "refers to an attribute of a function");
    let untyped = |list: &mut Vec<AttributeProto>| (list[0].r#type, list[0].i) = (None, Some(1));
    assert_wrong(&attribute(untyped), "holds a float and an integer, and does not say which one counts");
    let empty = |list: &mut Vec<AttributeProto>| (list[0].r#type, list[0].f) = (Some(4), None);
    assert_wrong(&attribute(empty), "says that it holds a tensor, and is empty");
}

#[test]
fn functions_are_checked_like_graphs() {
    let function = |body: &str| {
        model(&format!(
            "g (float[2] x) => (float[2] y) {{ y = f.F(x) }} <domain: \"f\", opset_import: [\"\" : 17, \"f\" : 1]> {body}"
        ))
    };
    assert_valid(&function("F <a> (p) => (q) { q = LeakyRelu <alpha: float = @a> (p) }"));
    assert_wrong(&function("F (p) => (q) { q = Relu(x) }"), "reads `x`, which no node");
    assert_wrong(&function("F (p) => (q) { r = Relu(p) }"), "reads `q`, which no node");
    assert_wrong(&function("F (p, p) => (q) { q = Relu(p) }"), "function `F` makes `p`, but `p` is made twice");
    assert_wrong(&function("F (p) => (q) { q = f.F(p) }"), "the function `F` calls itself");
    let second = "<domain: \"f\", opset_import: [\"\" : 17]>";
    assert_wrong(
        &function(&format!("F (p) => (q) {{ q = f.G(p) }} {second} G (p) => (q) {{ q = f.F(p) }}")),
        "calls itself",
    );
    assert_wrong(
        &function(&format!("F (p) => (q) {{ q = Neg(p) }} {second} F (p) => (q) {{ q = Neg(p) }}")),
        "is defined twice",
    );
    assert_valid(&function(&format!("F (p) => (q) {{ q = f.G(p) }} {second} G (p) => (q) {{ q = Neg(p) }}")));
}

#[test]
fn operator_sets_are_imported_once() {
    let imports = |imports: &str| {
        parse(format!("<ir_version: 8, opset_import: [{imports}]> g (float x) => (float y) {{ y = Relu(x) }}")).unwrap()
    };
    assert_valid(&imports("\"ai.onnx\" : 17, \"\" : 17"));
    assert_wrong(&imports(""), "the model uses standard operators, but does not import");
    assert_wrong(&imports("\"\" : 0"), "imports version 0 of the standard operator set");
    assert_wrong(&imports("\"\" : 7, \"ai.onnx\" : 17"), "imports the operator set `ai.onnx` in versions 7 and 17");
}

#[test]
fn training_graphs_read_what_is_elsewhere() {
    let mut model = nodes("y = Relu(x)");
    let step = parse("s () => (float[2] z) { z = Neg(elsewhere) }").unwrap().graph;
    model.training_info = vec![crate::onnx::schema::TrainingInfoProto { algorithm: step, ..Default::default() }];
    assert_valid(&model);
    model.training_info[0].algorithm.as_mut().unwrap().node[0].input[0] = "z".into();
    assert_wrong(&model, "reads `z` before it is made");
}

#[test]
fn long_names_are_cut() {
    let name = "ä".repeat(5_000_000);
    assert_wrong(&nodes(&format!("y = Relu(\"{name}\")")), "ää…`, which no node");
}
