//! The index of makers and readers, before and after edits.

use super::constant::{Constants, NotConstant};
use super::{Graph, NodeId, ScopeKind, ValueId};
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{ModelProto, TensorProto};
use crate::onnx::text::{PrintOptions, parse, print};

const HEADER: &str = "<ir_version: 8, opset_import: [\"\" : 17]>\n";

fn model(graph: &str) -> ModelProto {
    parse(format!("{HEADER}{graph}")).unwrap()
}

fn graph(text: &str) -> Graph {
    Graph::new(model(text)).unwrap()
}

/// The body of the printed graph, without the header.
fn printed(graph: Graph) -> String {
    let mut out = Vec::new();
    print(&graph.into_model(), &PrintOptions { weights: true }, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().skip(4).map(|line| line.trim().to_owned() + "\n").collect()
}

fn node(graph: &Graph, label: &str) -> NodeId {
    graph.nodes().find(|node| graph.label(*node) == label).unwrap()
}

fn value(graph: &Graph, name: &str) -> ValueId {
    let makes = |node: &NodeId| graph.node(*node).outputs.iter().chain(&graph.node(*node).inputs).flatten().copied();
    graph.nodes().flat_map(|node| makes(&node).collect::<Vec<_>>()).find(|value| graph.name(*value) == name).unwrap()
}

#[test]
fn what_is_not_edited_is_as_it_was() {
    for file in ["fixtures/fold/if_nested.onnxtxt", "fixtures/fold/in_function.onnxtxt"] {
        let text = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let model = parse(text).unwrap();
        assert_eq!(Graph::new(model.clone()).unwrap().into_model(), model);
    }
}

#[test]
fn readers_are_found_across_scopes() {
    let graph = graph(
        "g (bool c, float[2] x) => (float[2] y) {
            v = Relu (x)
            y = If (c) <then_branch = t () => (float[2] a) { a = Neg (v) }, else_branch = e () => (float[2] v) { }>
        }",
    );
    let v = value(&graph, "v");
    let readers: Vec<String> = graph.data_uses(v).map(|usage| graph.label(usage.node)).collect();
    assert_eq!(readers, ["a"]);
    assert_eq!(graph.value(v).outputs, 1, "the else branch returns it");
    assert_eq!(graph.scope_kind(node(&graph, "a")), ScopeKind::Subgraph);
    assert_eq!(graph.producer(v), Some(node(&graph, "v")));
}

#[test]
fn shape_and_type_readers_read_no_data() {
    let graph = graph(
        "g (float[2] x, float[2] w) => (int64[1] s, float[2] y) {
            v = Relu (x)
            s = Shape (v)
            y = CastLike (w, v)
        }",
    );
    assert_eq!(graph.data_uses(value(&graph, "v")).count(), 0);
    assert_eq!(graph.data_uses(value(&graph, "w")).count(), 1);
}

#[test]
fn removing_a_passing_node_moves_the_name_and_the_shape_readers() {
    let mut graph = graph(
        "g (float[2] x) => (float[2] y, int64[1] s) {
            v = Relu (x)
            s = Shape (v)
            y = Identity (v)
        }",
    );
    let y = value(&graph, "y");
    graph.remove_passing(node(&graph, "y"), 0);
    assert_eq!(graph.value(y).uses.len(), 1);
    assert_eq!(printed(graph), "g (float[2] x) => (float[2] y, int64[1] s)\n{\ny = Relu (x)\ns = Shape (y)\n}\n");
}

#[test]
fn an_omitted_input_has_no_reader_any_more() {
    let mut graph = graph("g (float[2] x, float[2] z) => (float[2] y) { y = Sum (x, z, x) }");
    let (sum, x) = (node(&graph, "y"), value(&graph, "x"));
    graph.omit_input(sum, 0);
    graph.omit_input(sum, 7);
    assert_eq!(graph.value(x).uses.len(), 1);
    assert_eq!(graph.input(sum, 0), None);
    assert!(printed(graph).contains("y = Sum (\"\", z, x)"));
}

#[test]
fn only_what_an_edit_left_unread_is_removed() {
    let mut graph = graph(
        "g (float[2] x) => (float[2] y) <float[2] a = {1, 2}, float[2] b = {3, 4}, float[2] dead = {5, 6}> {
            i = Identity (a)
            j = Neg (i)
            y = Add (x, j)
        }",
    );
    let b = graph.add_constant(node(&graph, "y"), TensorProto::floats("b_new", FloatType::F32, &[2], &[7.0, 8.0]));
    graph.set_input(node(&graph, "y"), 1, b);
    graph.sweep_released();
    let text = printed(graph);
    assert!(text.contains("float[2] b = {3, 4}") && text.contains("dead") && text.contains("b_new"), "{text}");
    assert!(!text.contains("Identity") && !text.contains("Neg") && !text.contains("float[2] a "), "{text}");
}

#[test]
fn fresh_names_are_fresh_in_every_scope() {
    let mut graph = graph(
        "g (bool c, float[2] W) => (float[2] y) {
            y = If (c) <then_branch = t () => (float[2] W_1) { W_1 = Neg (W) }, else_branch = e () => (float[2] W_2) { W_2 = Abs (W) }>
        }",
    );
    assert_eq!(graph.fresh_name("W"), "W_3");
    assert_eq!(graph.fresh_name("W"), "W_4");
    assert_eq!(graph.fresh_name("free"), "free");
}

#[test]
fn an_inserted_node_comes_right_after() {
    let mut graph = graph("g (float[2] x) => (float[2] y) { v = Relu (x)  y = Neg (v) }");
    let (relu, v) = (node(&graph, "v"), value(&graph, "v"));
    let abs = graph.insert_after(relu, "Abs", &[v], "w".into());
    let w = graph.output(abs, 0).unwrap();
    graph.set_input(node(&graph, "y"), 0, w);
    assert_eq!(printed(graph), "g (float[2] x) => (float[2] y)\n{\nv = Relu (x)\nw = Abs (v)\ny = Neg (w)\n}\n");
}

#[test]
fn an_output_is_dropped_only_if_nobody_sees_it() {
    let mut graph = graph(
        "g (float[2] x) => (float[1] a, float[1] d) <float[1] unused> {
            a, read, unused, d, last = Split (x)
            r = Relu (read)
        }",
    );
    let split = node(&graph, "a");
    let dropped: Vec<bool> = (0..6).map(|slot| graph.drop_output(split, slot)).collect();
    assert_eq!(dropped, [false, false, true, false, true, true]);
    let text = printed(graph);
    assert!(text.contains("a, read, \"\", d = Split (x)") && !text.contains("float[1] unused"), "{text}");
}

#[test]
fn inputs_after_one_that_is_removed_move_up() {
    let mut graph =
        graph("g (float[1] x, float[1] y, float[1] z) => (float[3] c) { c = Concat <axis = 0> (x, y, z, y) }");
    let concat = node(&graph, "c");
    graph.remove_inputs(concat, |slot| slot == 0 || slot == 1);
    assert_eq!(graph.value(value(&graph, "y")).uses[..], [crate::graph::Use { node: concat, slot: 1 }]);
    let text = printed(graph);
    assert!(text.contains("Concat <axis: int = 0> (z, y)"), "{text}");
}

/// The constant `y` of a graph of these nodes.
fn evaluated(nodes: &str) -> Result<(DataType, Vec<usize>, Vec<f64>), NotConstant> {
    let graph = graph(&format!(
        "g (float[2] x) => (float[] y) <float[2,3] m = {{1, 2, 3, 4, 5, 6}}, float[3] v = {{10, 20, 30}}, int64[2] s = {{3, 2}}> {{ {nodes} }}"
    ));
    let dense = Constants::new(&graph).dense(value(&graph, "y"))?;
    Ok((dense.element, dense.shape.clone(), dense.values.clone()))
}

#[test]
fn constants_are_evaluated_as_the_operators_say() {
    let float = |nodes: &str, shape: &[usize], values: &[f64]| {
        assert_eq!(evaluated(nodes), Ok((DataType::Float, shape.to_vec(), values.to_vec())), "{nodes}");
    };
    float("y = Identity (m)", &[2, 3], &[1., 2., 3., 4., 5., 6.]);
    float("y = Transpose (m)", &[3, 2], &[1., 4., 2., 5., 3., 6.]);
    float("y = Transpose <perm = [0, 1]> (m)", &[2, 3], &[1., 2., 3., 4., 5., 6.]);
    float("y = Reshape (m, s)", &[3, 2], &[1., 2., 3., 4., 5., 6.]);
    float("y = Flatten <axis = 0> (m)", &[1, 6], &[1., 2., 3., 4., 5., 6.]);
    float("y = Add (m, v)", &[2, 3], &[11., 22., 33., 14., 25., 36.]);
    float("y = Sub (v, m)", &[2, 3], &[9., 18., 27., 6., 15., 24.]);
    float("t = Neg (v) y = Mul (t, v)", &[3], &[-100., -400., -900.]);
    float("y = Div (v, v)", &[3], &[1., 1., 1.]);
    float("a = Constant <value_ints = [0, 2]> () y = Unsqueeze (v, a)", &[1, 3, 1], &[10., 20., 30.]);
    float("a = Constant <value_ints = [1]> () b = Unsqueeze (v, a) y = Squeeze (b, a)", &[3], &[10., 20., 30.]);
    float("h = Shape (v) z = Constant <value_float = 0.5> () c = CastLike (z, x) y = Expand (c, h)", &[3], &[0.5; 3]);
    float("h = Shape <start = -1> (m) y = ConstantOfShape (h)", &[3], &[0.0; 3]);
    float("d = Cast <to = 10> (v) y = Cast <to = 1> (d)", &[3], &[10., 20., 30.]);
    float("y = Constant <value_floats = [1.5, 2.5]> ()", &[2], &[1.5, 2.5]);
    assert_eq!(evaluated("y = Shape <start = 0, end = 1> (m)"), Ok((DataType::Int64, vec![1], vec![2.0])));
}

#[test]
fn each_step_is_rounded_to_its_own_type() {
    let third = "a = Constant <value_float = 1.0> () b = Constant <value_float = 3.0> () c = Div (a, b)";
    let half = evaluated(&format!("{third} y = Cast <to = 10> (c)")).unwrap().2[0];
    assert_eq!(half, FloatType::F16.round(FloatType::F32.round(1.0 / 3.0)));
    let single = evaluated(&format!("{third} y = Cast <to = 11> (c)")).unwrap().2[0];
    assert_eq!(single, FloatType::F32.round(1.0 / 3.0));
}

#[test]
fn what_is_not_constant_says_why() {
    assert!(matches!(evaluated("y = Add (x, x)"), Err(NotConstant::Input(_))));
    assert!(matches!(evaluated("y = RandomNormal <shape = [2]> ()"), Err(NotConstant::Computed(_))));
    assert!(matches!(evaluated("y = Reshape (v, s)"), Err(NotConstant::Computed(_))));
    let long: String = (0..100).map(|i| format!("t{} = Neg (t{i}) ", i + 1)).collect();
    let deep = evaluated(&format!("t0 = Neg (v) {long} y = Neg (t100)"));
    assert_eq!(deep, Err(NotConstant::TooDeep));
}

#[test]
fn hostile_constants_are_not_computed() {
    let huge = "a = Constant <value_ints = [1000000, 1000000, 1000000]> () y = ConstantOfShape (a)";
    assert!(matches!(evaluated(huge), Err(NotConstant::Unreadable(_) | NotConstant::Computed(_))));
    // Each step would double the work, if results were not remembered.
    let doubling: String = (0..60).map(|i| format!("t{} = Add (t{i}, t{i}) ", i + 1)).collect();
    assert!(evaluated(&format!("t0 = Neg (v) {doubling} y = Neg (t60)")).is_ok());
}
