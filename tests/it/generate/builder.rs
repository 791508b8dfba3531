//! Assembles a model node by node.

use super::attribute;
use super::numbers::{Storage, into_typed_field};
use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::schema::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use bstr::BString;

/// A graph under construction.
pub struct Builder {
    graph: GraphProto,
    pub opset: i64,
}

impl Builder {
    pub fn new(opset: i64) -> Self {
        Builder { graph: GraphProto { name: Some("generated".into()), ..Default::default() }, opset }
    }

    /// A graph input.
    pub fn input(&mut self, name: &str, element: FloatType, shape: &[usize]) {
        self.graph.input.push(value_info(name, element.data_type(), shape));
    }

    /// A node with one output, which is also its name.
    pub fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) -> &mut NodeProto {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|name| BString::from(*name)).collect(),
            output: vec![output.into()],
            name: Some(output.into()),
            op_type: Some(op.into()),
            attribute: attributes,
            ..Default::default()
        });
        self.graph.node.last_mut().expect("it was just pushed")
    }

    /// A constant under a name, however it is stored.
    pub fn constant(&mut self, name: &str, element: FloatType, shape: &[usize], values: &[f64], storage: Storage) {
        let stored = if storage == Storage::Identity { format!("{name}_stored") } else { name.to_owned() };
        let mut tensor = TensorProto::floats(stored.as_str(), element, shape, values);
        if storage == Storage::Typed {
            into_typed_field(&mut tensor, element);
        }
        match storage {
            Storage::Node => drop(self.node("Constant", &[], name, vec![attribute::tensor("value", tensor)])),
            Storage::Raw | Storage::Typed => self.graph.initializer.push(tensor),
            Storage::Identity => {
                self.graph.initializer.push(tensor);
                self.node("Identity", &[&stored], name, Vec::new());
            }
        }
    }

    /// The model, with one output of a rank and unknown lengths. At IR version 3 every initializer is listed as an input.
    pub fn model(mut self, output: &str, element: FloatType, rank: usize, ir_version: i64) -> ModelProto {
        self.graph.output.push(value_of(output, element.data_type(), vec![Dimension::default(); rank]));
        if ir_version == 3 {
            self.graph.input.extend(self.graph.initializer.iter().map(listed));
        }
        let opset = OperatorSetIdProto { domain: None, version: Some(self.opset), ..Default::default() };
        ModelProto {
            ir_version: Some(ir_version),
            graph: Some(self.graph),
            opset_import: vec![opset],
            ..Default::default()
        }
    }
}

fn listed(tensor: &TensorProto) -> ValueInfoProto {
    let shape = tensor.shape().expect("the shape is small");
    let name = tensor.name.as_ref().expect("initializers have names").to_string();
    value_info(&name, tensor.element().expect("the type is known"), &shape)
}

/// A value of known lengths.
fn value_info(name: &str, element: DataType, shape: &[usize]) -> ValueInfoProto {
    let axis = |length: &usize| Dimension { dim_value: Some(*length as i64), ..Default::default() };
    value_of(name, element, shape.iter().map(axis).collect())
}

fn value_of(name: &str, element: DataType, dim: Vec<Dimension>) -> ValueInfoProto {
    let shape = Some(TensorShapeProto { dim, ..Default::default() });
    let tensor = TensorTypeProto { elem_type: Some(element.code()), shape, ..Default::default() };
    let kind = TypeProto { tensor_type: Some(tensor), ..Default::default() };
    ValueInfoProto { name: Some(name.into()), r#type: Some(kind), ..Default::default() }
}
