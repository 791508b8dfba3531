//! Tensors that are not what they say, in each place where a tensor can be.

use super::run::{assert_invalid, model, node, value, with_graph};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto};

/// Two floats, changed.
fn tensor(change: impl Fn(&mut TensorProto)) -> TensorProto {
    let mut tensor = TensorProto::floats("w", FloatType::F32, &[2], &[1.0, 2.0]);
    change(&mut tensor);
    tensor
}

fn in_attribute(attribute: AttributeProto) -> NodeProto {
    NodeProto {
        attribute: vec![AttributeProto { name: Some("value".into()), ..attribute }],
        ..node("Constant", "", "c")
    }
}

/// A model for each place.
fn places(tensor: &TensorProto) -> Vec<ModelProto> {
    let nodes = |node: NodeProto| GraphProto { node: vec![node], ..Default::default() };
    let one = in_attribute(AttributeProto { t: Some(tensor.clone().into()), ..Default::default() });
    let list = in_attribute(AttributeProto { tensors: vec![tensor.clone()].into(), ..Default::default() });
    let initializer = GraphProto { initializer: vec![tensor.clone()], ..Default::default() };
    let nested = in_attribute(AttributeProto { g: Some(initializer.clone().into()), ..Default::default() });
    let indices = TensorProto {
        data_type: Some(7),
        raw_data: Some(vec![0; 8].into()),
        dims: vec![1].into(),
        ..Default::default()
    };
    let sparse = SparseTensorProto { values: Some(tensor.clone()), indices: Some(indices), ..Default::default() };
    let sparse = GraphProto { sparse_initializer: vec![sparse], ..Default::default() };
    let mut function = model("g () => () {} <domain: \"com.acme\", opset_import: [\"\" : 17]> F () => () {}");
    function.functions[0].node.push(one.clone());
    let graphs = [initializer, nodes(one), nodes(list), nodes(nested), sparse];
    graphs.into_iter().map(with_graph).chain([function]).collect()
}

#[track_caller]
fn assert_wrong(tensor: &TensorProto, says: &str) {
    places(tensor).iter().for_each(|model| assert_invalid(model, says));
}

#[test]
fn dimensions() {
    assert_wrong(&tensor(|w| w.dims = vec![-1].into()), "its dimension -1 is negative");
    assert_wrong(&tensor(|w| w.dims = vec![i64::MIN, 2].into()), "is negative");
    assert_wrong(&tensor(|w| w.dims = vec![i64::MAX, i64::MAX].into()), "the product of its dimensions overflows");
    assert_wrong(&tensor(|w| w.dims = vec![1 << 32, 1 << 32].into()), "the product of its dimensions overflows");
    for (dims, code) in [(1 << 58, 11), (1 << 57, 15), (1 << 55, 11)] {
        let wide = tensor(|w| (w.dims, w.data_type) = (vec![dims].into(), Some(code)));
        places(&wide).iter().for_each(|model| assert_invalid(model, ""));
    }
    assert_wrong(&tensor(|w| w.dims = vec![1 << 40].into()), "there are 8 bytes, and its shape needs 4398046511104");
}

#[test]
fn data() {
    assert_wrong(&tensor(|w| w.raw_data = Some(vec![0; 7].into())), "there are 7 bytes, and its shape needs 8");
    assert_wrong(&tensor(|w| w.raw_data = None), "there are 0 numbers or strings, and its shape needs 2");
    assert_wrong(&tensor(|w| w.int32_data = vec![1, 2].into()), "its data is in `int32_data`");
    assert_wrong(&tensor(|w| w.float_data.set(Some(vec![0; 8].into()))), "in `raw_data` and in `float_data`");
    assert_wrong(&tensor(|w| w.string_data = vec!["x".into(); 1_000_000]), "its data is in `string_data`");
    assert_wrong(&tensor(|w| w.data_type = None), "it has no element type");
    assert_wrong(&tensor(|w| w.data_type = Some(-7)), "its element type -7 is none of ONNX");
    assert_wrong(&tensor(|w| w.data_type = Some(8)), "where elements of type string are not stored");
}

#[test]
fn elements_of_less_than_a_byte() {
    let packed = |code, bytes: usize| {
        tensor(move |w| (w.data_type, w.dims, w.raw_data) = (Some(code), vec![5].into(), Some(vec![0; bytes].into())))
    };
    for (code, bytes) in [(21, 5), (22, 2), (25, 1), (26, 3), (27, 5), (28, 3)] {
        assert_wrong(&packed(code, bytes), "does not match its shape");
    }
}

#[test]
fn a_million_dimensions() {
    assert_wrong(&tensor(|w| w.dims = vec![2; 1_000_000].into()), "the product of its dimensions overflows");
}

#[test]
fn sparse_tensors() {
    let sparse = |indices: &str| {
        model(&format!("g () => () <sparse_tensor(float[3,3]) w = {{float[2] {{1, 2}}, {indices}}}> {{}}"))
    };
    assert_invalid(&sparse("int64[2] {0, 9}"), "its index 9 is out of range");
    assert_invalid(&sparse("int64[2] {-9223372036854775808, 1}"), "is out of range");
    assert_invalid(&sparse("int64[2,2] {0, 1, 3, 0}"), "its index 3 is out of range");
    let empty =
        "<sparse_tensor(float[4611686018427387904,3,0]) w = {float[1] {1}, int64[1,3] {4611686018427387903, 2, 0}}>";
    assert_invalid(&model(&format!("g () => () {empty} {{}}")), "its index 0 is out of range");
    assert_invalid(&sparse("int64[2,2] {1, 0, 0, 2}"), "its indices do not ascend");
    assert_invalid(&sparse("int64[2] {1, 1}"), "its indices do not ascend");
    assert_invalid(&sparse("int64[2,3] {1, 1, 1, 1, 1, 1}"), "its indices have not the shape");
    assert_invalid(&sparse("float[2] {1, 1}"), "its indices are not of type int64");
    let mut huge = sparse("int64[2] {0, 1}");
    huge.graph.as_mut().expect("a graph").sparse_initializer[0].dims = vec![1 << 32, 1 << 32].into();
    assert_invalid(&huge, "the product of its dimensions overflows");
    let graph = GraphProto {
        sparse_initializer: vec![SparseTensorProto::default()],
        output: vec![value("y")],
        ..Default::default()
    };
    assert_invalid(&with_graph(graph), "it has no values");
}
