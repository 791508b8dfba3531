//! Writes a network of very many nodes and very little to compute: Conv 1x1, BatchNormalization
//! and Relu again and again, named and written as PyTorch's exporter does. Shows what a tool does
//! per node and not per byte.
//!
//! ```text
//! cargo run --release --example many_nodes -- many.onnx 100000
//! ```

use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::save;
use bn_tool::onnx::schema::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use std::path::Path;

/// Channels of every layer.
const CHANNELS: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, nodes] = &arguments[..] else { return Err("usage: many_nodes OUT.onnx NODES".into()) };
    save(&many_nodes(nodes.parse()?), Path::new(path))?;
    Ok(())
}

fn many_nodes(nodes: usize) -> ModelProto {
    let mut graph = GraphProto { name: Some("main_graph".into()), ..Default::default() };
    graph.input.push(image("image"));
    let mut value = "image".to_owned();
    for layer in 0..nodes / 3 {
        value = push_layer(&mut graph, layer, &value);
    }
    graph.output.push(image(&value));
    let opset_import = vec![OperatorSetIdProto { version: Some(17), ..Default::default() }];
    ModelProto { ir_version: Some(8), graph: Some(graph), opset_import, ..Default::default() }
}

/// Appends one layer that reads a value, and returns the name of what it makes.
fn push_layer(graph: &mut GraphProto, layer: usize, input: &str) -> String {
    let weight = push_tensor(graph, format!("layers.{layer}.conv.weight"), &[CHANNELS, CHANNELS, 1, 1], 0.25);
    let parameters = [("weight", 1.0), ("bias", 0.1), ("running_mean", 0.1), ("running_var", 1.0)];
    let [scale, bias, mean, variance] =
        parameters.map(|(name, value)| push_tensor(graph, format!("layers.{layer}.bn.{name}"), &[CHANNELS], value));
    let attributes = vec![
        ints("dilations", &[1, 1]),
        AttributeProto::int("group", 1),
        ints("kernel_shape", &[1, 1]),
        ints("pads", &[0; 4]),
        ints("strides", &[1, 1]),
    ];
    let value = push_node(graph, layer, "conv", "Conv", &[input, &weight], attributes);
    let attributes = vec![AttributeProto::float("epsilon", 1e-5), AttributeProto::float("momentum", 0.9)];
    let inputs = [&value, &scale, &bias, &mean, &variance].map(String::as_str);
    let value = push_node(graph, layer, "bn", "BatchNormalization", &inputs, attributes);
    push_node(graph, layer, "relu", "Relu", &[&value], vec![])
}

fn push_node(
    graph: &mut GraphProto,
    layer: usize,
    module: &str,
    op: &str,
    inputs: &[&str],
    attribute: Vec<AttributeProto>,
) -> String {
    let name = format!("/layers.{layer}/{module}/{op}");
    let output = format!("{name}_output_0");
    graph.node.push(NodeProto {
        input: inputs.iter().map(|input| (*input).into()).collect(),
        output: vec![output.as_str().into()],
        name: Some(name.into()),
        op_type: Some(op.into()),
        attribute,
        ..Default::default()
    });
    output
}

/// Appends an initializer around `value`, no two elements alike.
fn push_tensor(graph: &mut GraphProto, name: String, shape: &[usize], value: f64) -> String {
    let elements = 0..shape.iter().product();
    let values: Vec<f64> = elements.map(|element: usize| value + element as f64 / 64.0).collect();
    graph.initializer.push(TensorProto::floats(name.as_str(), FloatType::F32, shape, &values));
    name
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: Some(name.into()), ints: values.to_vec().into(), r#type: Some(7), ..Default::default() }
}

fn image(name: &str) -> ValueInfoProto {
    let dim = |length: usize| Dimension { dim_value: Some(length as i64), ..Default::default() };
    let shape = Some(TensorShapeProto { dim: [1, CHANNELS, 8, 8].map(dim).to_vec(), ..Default::default() });
    let tensor_type = TensorTypeProto { elem_type: Some(DataType::Float.code()), shape, ..Default::default() };
    let r#type = Some(TypeProto { tensor_type: Some(tensor_type), ..Default::default() });
    ValueInfoProto { name: Some(name.into()), r#type, ..Default::default() }
}
