//! Files of which each byte asks for as much memory as possible.

use super::run::{
    assert_folds, assert_legal, assert_legal_or_refused, assert_refused, assert_undecodable, encoded, field, node,
    value, varint, with_graph,
};
use bn_tool::onnx::schema::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// The size of a flood: enough to pass the budget, and no more.
const SIZE: usize = 2 << 20;

/// Many copies of some bytes.
fn many(bytes: &[u8]) -> Vec<u8> {
    bytes.repeat(SIZE / bytes.len())
}

/// A model whose graph is this.
fn in_graph(graph: &[u8]) -> Vec<u8> {
    field(7, graph)
}

/// A model with one node, whose content this is.
fn in_node(node: &[u8]) -> Vec<u8> {
    in_graph(&field(1, node))
}

/// A model with one initializer, whose content this is.
fn in_tensor(tensor: &[u8]) -> Vec<u8> {
    in_graph(&field(5, tensor))
}

/// Nodes of a long graph.
const NODES: usize = 1_000_000;

const FLOOD: &str = "decoding would need more than";

#[test]
fn empty_messages_in_the_model() {
    for number in [8, 14, 20, 25, 26] {
        assert_undecodable(&many(&field(number, b"")), "");
    }
}

#[test]
fn empty_messages_in_the_graph() {
    for number in [1, 5, 11, 12, 15] {
        assert_undecodable(&in_graph(&many(&field(number, b""))), FLOOD);
    }
    // Value infos, annotations, metadata: documentation, of which a graph may have plenty.
    for number in [13, 14, 16] {
        assert_legal_or_refused(&in_graph(&many(&field(number, b""))));
    }
}

#[test]
fn empty_messages_in_a_node_and_its_attributes() {
    assert_undecodable(&in_node(&many(&field(5, b""))), FLOOD);
    assert_refused(&in_node(&many(&field(9, b""))), "");
    for number in [10, 11, 15, 23] {
        assert_undecodable(&in_node(&field(5, &many(&field(number, b"")))), FLOOD);
    }
}

#[test]
fn messages_that_hold_boxed_messages() {
    // Tensor, graph, type and sparse tensor, each an allocation of its own.
    let boxes = [field(5, b""), field(6, b""), field(14, b""), field(22, b"")].concat();
    assert_refused(&in_node(&many(&field(5, &boxes))), "");
    let sparse = field(22, &[field(1, b""), field(2, b"")].concat());
    assert_refused(&in_node(&many(&field(5, &sparse))), "");
    // A node that consists of an attribute that consists of a graph.
    assert_refused(&in_graph(&many(&field(1, &field(5, &field(6, b""))))), "");
    // Types of values: a sequence of nothing, a map to nothing, an optional nothing.
    for number in [4, 5, 9] {
        assert_refused(&in_graph(&many(&field(11, &field(2, &field(number, b""))))), "");
    }
}

#[test]
fn a_large_flood_needs_no_gigabytes() {
    let flood = in_node(&field(5, b"").repeat(10 << 20));
    assert!(flood.len() > 20 << 20);
    assert_undecodable(&flood, FLOOD);
}

#[test]
fn empty_strings() {
    assert_refused(&in_node(&many(&field(1, b""))), "has no operator");
    assert_refused(&in_tensor(&many(&field(6, b""))), "");
    assert_refused(&in_node(&field(5, &many(&field(9, b"")))), "");
}

#[test]
fn unknown_fields() {
    // Of no use to anybody, but kept.
    let unknown = [varint(1000 << 3), vec![1]].concat();
    assert_undecodable(&many(&unknown), "has no graph");
    assert_refused(&in_graph(&many(&field(1, &unknown))), "");
    assert_legal_or_refused(&in_graph(&many(&field(13, &field(4, &unknown)))));
}

#[test]
fn numbers_packed_and_unpacked() {
    for tensor in [
        many(&[0x08, 1]),
        field(1, &[1; SIZE]),
        many(&[0x0a, 1, 1]),
        // float_data, one at a time and in pieces.
        many(&[0x25, 0, 0, 0, 0]),
        many(&field(4, &[0; 4])),
        many(&field(4, &[0; 8192])),
    ] {
        assert_refused(&in_tensor(&tensor), "has no name");
    }
}

#[test]
fn fields_that_are_there_again_and_again() {
    // The last one counts, messages are merged: nothing adds up.
    assert_undecodable(&many(&field(2, b"a name that is replaced")), "has no graph");
    assert_legal_or_refused(&many(&field(7, &field(2, b"name"))));
    assert_refused(&in_tensor(&many(&field(9, &[0; 100]))), "has no name");
}

#[test]
fn lengths_that_are_not_there() {
    let declared = |len: u64| in_tensor(&[varint(9 << 3 | 2), varint(len)].concat());
    for len in [1, 1 << 20, 1 << 31, 1 << 40, 1 << 63, u64::MAX] {
        assert_undecodable(&declared(len), "a length past the end");
    }
}

#[test]
fn nesting() {
    let nested = |depth: usize, inner: &dyn Fn(&[u8]) -> Vec<u8>| (0..depth).fold(Vec::new(), |graph, _| inner(&graph));
    let in_subgraph = |graph: &[u8]| field(1, &field(5, &field(6, graph)));
    assert_undecodable(&in_graph(&nested(34, &in_subgraph)), "more than 100 messages inside each other");
    assert_undecodable(&in_graph(&nested(10_000, &in_subgraph)), "more than 100 messages inside each other");
    let in_sequence = |kind: &[u8]| field(4, &field(1, kind));
    assert_undecodable(&in_graph(&field(11, &field(2, &nested(5000, &in_sequence)))), "inside each other");
    let groups = [0xa3, 0x06].repeat(1 << 20);
    assert_undecodable(&groups, "groups nested too deeply");
}

#[test]
fn a_million_nodes_are_legal() {
    let names: Vec<String> = (0..=NODES).map(|index| format!("v{index}")).collect();
    let nodes = names.windows(2).map(|pair| node("Relu", &pair[0], &pair[1])).collect();
    let (input, output) = (vec![value(&names[0])], vec![value(&names[NODES])]);
    assert_folds(&encoded(&with_graph(GraphProto { node: nodes, input, output, ..Default::default() })));
}

#[test]
fn many_attributes_and_outputs_are_legal() {
    let name = |index: usize| Some(format!("a{index}").into());
    let attribute = (0..100_000).map(|index| AttributeProto { name: name(index), ..AttributeProto::int("", 1) });
    let many = NodeProto { attribute: attribute.collect(), ..node("Foo", "x", "y") };
    let output = (0..300_000).map(|index| format!("o{index}").into()).collect();
    let wide = NodeProto { output, ..node("Split", "x", "") };
    let graph = GraphProto { node: vec![many, wide], input: vec![value("x")], ..Default::default() };
    assert_legal(&encoded(&with_graph(graph)));
}

#[test]
fn names_of_ten_megabytes_are_legal() {
    let name = "n".repeat(10 << 20);
    let weight = TensorProto { name: Some(name.as_str().into()), data_type: Some(1), ..Default::default() };
    let weight = TensorProto { float_data: Default::default(), raw_data: Some(vec![0; 4].into()), ..weight };
    let mut relu = node("Relu", &name, "y");
    relu.name = Some(name.as_str().into());
    let graph =
        GraphProto { node: vec![relu], initializer: vec![weight], output: vec![value("y")], ..Default::default() };
    assert_legal(&encoded(&with_graph(graph)));
}
