//! Small models, for tests.

use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};

/// An input or output; an axis is a number or a name.
pub fn value(name: &str, element: DataType, axes: &[&str]) -> ValueInfoProto {
    let dimension = |axis: &&str| match axis.parse() {
        Ok(length) => Dimension { dim_value: Some(length), ..Default::default() },
        Err(_) => Dimension { dim_param: Some((*axis).into()), ..Default::default() },
    };
    let shape = TensorShapeProto { dim: axes.iter().map(dimension).collect(), ..Default::default() };
    let kind = TensorTypeProto { elem_type: Some(element.code()), shape: Some(shape), ..Default::default() };
    let kind = TypeProto { tensor_type: Some(kind), ..Default::default() };
    ValueInfoProto { name: Some(name.into()), r#type: Some(kind), ..Default::default() }
}

/// A node; names are separated by spaces, `_` is the empty one.
pub fn node(operator: &str, inputs: &str, outputs: &str, attributes: Vec<AttributeProto>) -> NodeProto {
    let names = |text: &str| text.split(' ').map(|name| if name == "_" { "" } else { name }.into()).collect();
    NodeProto {
        op_type: Some(operator.into()),
        input: names(inputs),
        output: names(outputs),
        attribute: attributes,
        ..Default::default()
    }
}

/// A model from x (of type `element` and these axes) to what `outputs` names.
pub fn model(
    opset: i64,
    (element, axes): (DataType, &[&str]),
    initializer: Vec<TensorProto>,
    node: Vec<NodeProto>,
    outputs: &str,
) -> ModelProto {
    let output = outputs.split(' ').map(|name| ValueInfoProto { name: Some(name.into()), ..Default::default() });
    let graph = GraphProto {
        input: vec![value("x", element, axes)],
        output: output.collect(),
        initializer,
        node,
        ..Default::default()
    };
    ModelProto {
        ir_version: Some(8),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { version: Some(opset), ..Default::default() }],
        ..Default::default()
    }
}

/// Scale, bias, mean and variance of BatchNormalization over three channels, named so.
pub fn parameters(element: FloatType) -> Vec<TensorProto> {
    let values = [
        ("scale", [1.5, -0.5, 2.0]),
        ("bias", [0.25, 1.0, -1.0]),
        ("mean", [0.5, -2.0, 0.0]),
        ("var", [0.25, 4.0, 1.0]),
    ];
    values.map(|(name, values)| TensorProto::floats(name, element, &[3], &values)).into()
}

/// The list of integers of an attribute.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: Some(name.into()), ints: values.to_vec().into(), r#type: Some(7), ..Default::default() }
}
