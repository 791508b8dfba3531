//! Texts and models, side by side.

use super::text;
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorAnnotation,
    TensorProto, TypeProto, ValueInfoProto,
};
use bn_tool::onnx::text::parse;
use bstr::{BString, ByteSlice};

fn model(graph: GraphProto) -> ModelProto {
    ModelProto { ir_version: Some(10), graph: Some(graph), ..Default::default() }
}

fn graph_with(tensor: TensorProto) -> ModelProto {
    model(GraphProto { name: Some("g".into()), initializer: vec![tensor], ..Default::default() })
}

/// As it would be printed.
const MODEL: &str = r#"<
   ir_version: 10,
   opset_import: ["" : 17, "my.domain" : 1],
   producer_name: "me",
   metadata_props: ["key": "a \"value\""]
>
tiny (float[N,3,?] image, float[2] w) => (seq(float[]) y, map(int64, string) z)
<
   float[2] w = {1, -2.5e-7},
   float16[2] half = {15360, 49152},
   float[4] elsewhere = ["location": "weights.bin", "offset": "16"],
   sparse_tensor(float[9]) sparse = {float[2] {1, 2}, int64[2] {0, 5}},
   float[N,"H+2"] "/conv/Conv_output_0"
>
{
   [first] x, "" = my.domain.Foo:v2 <pads: ints = [1, 1], empty: floats = [], alpha: float = -0, name: string = "", value: tensor = float {nan}> (image, "", w)
   y = If (x) <
      then_branch: graph = then () => (float b)
      {
         b = Neg (x)
      },
      else_branch: graph = else () => (float b)
      {
         b = "aten::relu" (x)
      }
   >
}

<
   domain: "my.domain",
   overload: "v2",
   opset_import: ["" : 17]
>
Foo <pads, alpha: float = 1> (a, b, c) => (d, e)
<
   float[] a
>
{
   d = Bar <alpha: float = @alpha> (a)
}
"#;

#[test]
fn printed_text_comes_back() {
    assert_eq!(text(&parse(MODEL).unwrap(), true).as_bstr(), MODEL);
}

#[test]
fn the_syntax_is_free() {
    let dense = parse("<ir_version:10,opset_import:[\"\":17]>g(float x)=>(float y){y=Relu(x)}").unwrap();
    let spacious = "# comment\n< ir_version : 10 , opset_import : [ \"\" : 17 ] > # more\n g ( float x ) \t=>\r\n ( float y )\n\
                    { y = Relu ( x ) # end\n }# end";
    assert_eq!(dense, parse(spacious).unwrap());
}

#[test]
fn inputs_may_have_defaults() {
    let parsed = parse("g (float[2] x = {1, 2}) => () {}").unwrap().graph.unwrap();
    assert_eq!(parsed.input[0].name, parsed.initializer[0].name);
    assert_eq!(parsed.initializer[0].float_values().unwrap(), [1.0, 2.0]);
}

#[test]
fn attributes_need_no_types() {
    let text = "g () => () { = F <a = 1, b = 1.0, c = \"s\", d = [1], e = [1.0], f = float {2}, g = b () => () {}, \
                h = float[2], i = inf, j = @k, l = \"b\" () => () {}, m: float = 2> () }";
    let node = parse(text).unwrap().graph.unwrap().node.remove(0);
    let types: Vec<_> = node.attribute.iter().map(|attribute| attribute.r#type.unwrap_or(0)).collect();
    assert_eq!(types, [2, 1, 3, 7, 6, 4, 5, 13, 1, 0, 5, 1]);
}

#[test]
fn missing_names_are_empty() {
    let node = |text: &str| parse(format!("g () => () {{ {text} }}")).unwrap().graph.unwrap().node.remove(0);
    assert_eq!(node("= F (,x)").input, ["", "x"]);
    assert_eq!(node("= F (\"\")").input, [""]);
    assert_eq!(node("= F (,)").input, [""]);
    assert_eq!(node("= F (x,)").input, ["x"]);
    assert_eq!(node("= F ()").input, [""; 0]);
    assert_eq!(node("[] = F ()").name, Some("".into()));
}

#[test]
fn halves_may_be_numbers_or_bits() {
    let tensor = |text: &str| parse(text).unwrap().graph.unwrap().initializer.remove(0);
    let values = tensor("g () => () <float16[4] x = {15360, 1.0, -inf, 1e-7}> {}").float_values().unwrap();
    assert_eq!(values, [1.0, 1.0, f64::NEG_INFINITY, FloatType::F16.round(1e-7)]);
    let model = graph_with(TensorProto::floats("x", FloatType::Bf16, &[2], &[1.0, -0.5]));
    assert!(text(&model, false).contains_str("bfloat16[2] x = {1.0, -0.5}"));
    assert!(text(&model, true).contains_str("bfloat16[2] x = {16256, 48896}"));
    assert_eq!(parse(text(&model, false)).unwrap(), parse(text(&model, true)).unwrap());
}

#[test]
fn large_tensors_are_shortened_to_a_hash() {
    let values = [0.0; 17];
    let model = graph_with(TensorProto::floats("x", FloatType::F32, &[17], &values));
    let hash = xxhash_rust::xxh3::xxh3_64(&[0; 68]);
    assert!(text(&model, false).contains_str(format!("float[17] x = {{...17 values, xxh3 {hash:016x}}}")));
    let model = graph_with(TensorProto::floats("x", FloatType::F32, &[16], &values[..16]));
    assert_eq!(text(&model, false), text(&model, true));
}

#[test]
fn malformed_tensors_can_be_looked_at() {
    let mut tensor = TensorProto::floats("x", FloatType::F32, &[2], &[1.0, 2.0]);
    tensor.set_elements(vec![0; 3].into());
    let model = graph_with(tensor);
    assert!(text(&model, false).contains_str("{...malformed: its data does not match its shape}"));
    let options = bn_tool::onnx::text::PrintOptions { weights: true };
    let error = bn_tool::onnx::text::print(&model, &options, &mut std::io::sink()).unwrap_err();
    assert_eq!(error.to_string(), "tensor `x` is malformed: its data does not match its shape");
}

#[test]
fn attributes_without_type_get_that_of_their_value() {
    let attribute = AttributeProto { r#type: None, ..AttributeProto::int("a", 3) };
    let node = NodeProto { op_type: Some("F".into()), attribute: vec![attribute], ..Default::default() };
    let printed = text(&model(GraphProto { node: vec![node], ..Default::default() }), true);
    assert!(printed.contains_str("= F <a: int = 3> ()"), "{}", printed.as_bstr());
}

/// A model with all that has no place in the syntax, and the same without it.
#[test]
fn what_cannot_be_said_is_left_out() {
    let note = || Some(BString::from("note"));
    let entry = || vec![StringStringEntryProto { key: note(), value: note(), ..Default::default() }];
    let build = |note: Option<BString>, entry: Vec<StringStringEntryProto>, annotate: bool| {
        let annotation = TensorAnnotation { tensor_name: note.clone(), ..Default::default() };
        let kind = TypeProto {
            denotation: note.clone(),
            ..parse("g (float x) => () {}").unwrap().graph.unwrap().input[0].r#type.clone().unwrap()
        };
        let value = ValueInfoProto {
            name: Some("x".into()),
            r#type: Some(kind),
            doc_string: note.clone().map(Box::new),
            metadata_props: entry.clone().into(),
            ..Default::default()
        };
        let attribute = AttributeProto { doc_string: note.clone().map(Box::new), ..AttributeProto::int("a", 1) };
        let node = NodeProto {
            op_type: Some("F".into()),
            attribute: vec![attribute],
            doc_string: note.clone().map(Box::new),
            metadata_props: entry.clone().into(),
            ..Default::default()
        };
        let tensor = TensorProto {
            doc_string: note.clone().map(Box::new),
            metadata_props: entry.clone().into(),
            ..TensorProto::floats("t", FloatType::F32, &[1], &[1.0])
        };
        let function = FunctionProto { name: Some("f".into()), metadata_props: entry.clone(), ..Default::default() };
        let graph = GraphProto {
            name: Some("g".into()),
            node: vec![node],
            initializer: vec![tensor],
            input: vec![value],
            doc_string: note,
            metadata_props: entry,
            quantization_annotation: annotate.then_some(annotation).into_iter().collect(),
            ..Default::default()
        };
        ModelProto { functions: vec![function], ..model(graph) }
    };
    let printed = text(&build(note(), entry(), true), true);
    assert_eq!(parse(&printed).unwrap(), build(None, Vec::new(), false));
}

#[test]
fn a_hundred_thousand_nodes_take_linear_time() {
    let node = |index: usize| format!("  x{} = Relu <a: ints = [1, 2]> (x{index})\n", index + 1);
    let source = format!("g () => () {{\n{}}}", (0..100_000).map(node).collect::<String>());
    let parsed = parse(&source).unwrap();
    assert_eq!(text(&parsed, true).lines().count(), 100_000 + 3);
}
