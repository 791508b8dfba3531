//! Our schema to tract's, without a detour through bytes.
//!
//! Only what running needs is converted. Value infos are left out: their symbolic dimensions
//! contradict the concrete shapes that the inputs get.

use super::branch;
use super::constant::Constant;
use super::densify::densified;
use super::error::EngineError;
use super::widen::{is_type_attribute, stays_f32, widened, widened_bytes, widened_code, widened_floats};
use crate::onnx::access::{standard_opset, text};
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, ValueInfoProto};
use bstr::{BStr, BString, ByteSlice};
use std::cell::RefCell;
use std::collections::HashSet;
use tract_onnx::pb;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value};

/// A model in tract's schema.
pub struct Converted {
    /// The model, in which constants of the main graph are inputs.
    pub model: pb::ModelProto,
    /// What these inputs are.
    pub constants: Vec<Constant>,
}

/// Converts a model whose required inputs have these shapes, with floats narrower than `floor`
/// widened to it.
///
/// # Errors
/// When a constant cannot be read, or a scaled one overflows.
pub fn convert(model: &ModelProto, shapes: &[Vec<usize>], floor: Option<FloatType>) -> Result<Converted, EngineError> {
    let Some(graph) = &model.graph else { return Err(EngineError::Graph { what: "there is none".into() }) };
    let values = graph.input.iter().map(|input| &input.name).chain(graph.initializer.iter().map(|tensor| &tensor.name));
    let taken = values.map(|name| string(text(name))).chain([branch::NAME.into()]).collect();
    let converter = Converter { floor, taken: RefCell::new(taken) };
    let (constants, others) = converter.constants(graph)?;
    let mut converted = converter.graph(graph, &others)?;
    let listed: HashSet<String> = converted.input.iter().map(|input| input.name.clone()).collect();
    let not_listed = constants.iter().filter(|constant| !listed.contains(&constant.name));
    converted.input.extend(not_listed.map(placeholder));
    for (info, shape) in required_inputs(model).zip(shapes) {
        let input = converted.input.iter_mut().find(|input| input.name == string(text(&info.name)));
        if let Some(input) = input {
            input.r#type = Some(converter.tensor_type(info, Some(shape))?);
        }
    }
    let version = standard_opset(&model.opset_import);
    let model = pb::ModelProto {
        ir_version: model.ir_version.unwrap_or_default(),
        opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version }],
        graph: Some(converted),
        ..Default::default()
    };
    Ok(Converted { model, constants })
}

/// An input that a constant is put in the place of.
fn placeholder(constant: &Constant) -> pb::ValueInfoProto {
    // Of any type: it is not read before the constant is there.
    let tensor = pb::type_proto::Tensor { elem_type: DataType::Float.code(), shape: None };
    let value = Some(pb::type_proto::Value::TensorType(tensor));
    let r#type = Some(pb::TypeProto { value, ..Default::default() });
    pb::ValueInfoProto { name: constant.name.clone(), r#type, ..Default::default() }
}

/// The inputs that a caller must give: those that have no initializer of the same name.
pub fn required_inputs(model: &ModelProto) -> impl Iterator<Item = &ValueInfoProto> {
    let graph = model.graph.as_ref();
    let dense = graph.into_iter().flat_map(|graph| graph.initializer.iter().map(|tensor| text(&tensor.name)));
    let sparse = graph.into_iter().flat_map(|graph| graph.sparse_initializer.iter().map(|tensor| tensor.name()));
    let constants: HashSet<&BStr> = dense.chain(sparse).collect();
    let inputs = graph.into_iter().flat_map(|graph| &graph.input);
    inputs.filter(move |input| !constants.contains(text(&input.name)))
}

struct Converter {
    floor: Option<FloatType>,
    /// Names of nodes and of values that are not made by nodes: the engine takes both for nodes.
    taken: RefCell<HashSet<String>>,
}

impl Converter {
    /// The constants of the main graph, and those that tract has no type for.
    fn constants<'m>(&self, graph: &'m GraphProto) -> Result<(Vec<Constant>, Vec<&'m TensorProto>), EngineError> {
        let (mut constants, mut others) = (Vec::new(), Vec::new());
        for tensor in &graph.initializer {
            match Constant::read(tensor, string(text(&tensor.name)), self.floor)? {
                Some(constant) => constants.push(constant),
                None => others.push(tensor),
            }
        }
        Ok((constants, others))
    }

    /// A graph with these of its initializers.
    fn graph(&self, graph: &GraphProto, initializers: &[&TensorProto]) -> Result<pb::GraphProto, EngineError> {
        let dense = initializers.iter().map(|tensor| self.tensor(tensor));
        let sparse = graph.sparse_initializer.iter().map(|tensor| self.tensor(&densified(tensor)?));
        let mut nodes = Vec::with_capacity(graph.node.len());
        for node in &graph.node {
            let mut node_out = self.node(node)?;
            self.keep_f32(node, &mut node_out, &mut nodes);
            nodes.push(node_out);
        }
        Ok(pb::GraphProto {
            name: string(text(&graph.name)),
            initializer: dense.chain(sparse).collect::<Result<_, _>>()?,
            input: graph.input.iter().map(|input| self.value_info(input)).collect::<Result<_, _>>()?,
            output: graph.output.iter().map(named).collect(),
            node: nodes,
            ..Default::default()
        })
    }

    fn subgraph(&self, graph: &GraphProto) -> Result<pb::GraphProto, EngineError> {
        self.graph(graph, &graph.initializer.iter().collect::<Vec<_>>())
    }

    /// Casts back the inputs that the operator only takes as f32.
    fn keep_f32(&self, node: &NodeProto, converted: &mut pb::NodeProto, before: &mut Vec<pb::NodeProto>) {
        if self.floor != Some(FloatType::F64) {
            return;
        }
        for slot in stays_f32(node) {
            let Some(input) = converted.input.get_mut(*slot).filter(|input| !input.is_empty()) else { continue };
            // No name of the model: those that tools write do not contain a line break.
            let cast = format!("{input}\nas f32 for {}", node.label());
            let to = pb::AttributeProto {
                name: "to".into(),
                i: DataType::Float.code().into(),
                r#type: AttributeProto::INT,
                ..Default::default()
            };
            before.push(pb::NodeProto {
                name: cast.clone(),
                op_type: "Cast".into(),
                input: vec![std::mem::replace(input, cast.clone())],
                output: vec![cast],
                attribute: vec![to],
                ..Default::default()
            });
        }
    }

    fn node(&self, node: &NodeProto) -> Result<pb::NodeProto, EngineError> {
        // Beyond the third are saved statistics, which nobody reads if the check let them pass.
        let outputs = if node.standard_op() == "BatchNormalization" { 3 } else { usize::MAX };
        let attributes = node.attribute.iter().map(|attribute| self.attribute(node, attribute));
        // Without a value it is a zero of f32, which must be widened like all others.
        let zero = (node.standard_op() == "ConstantOfShape" && node.attribute("value").is_none())
            .then(|| Ok(value(self.floats(vec![1], &[0.0]))));
        let given = node.input.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        Ok(pb::NodeProto {
            // An omitted last input is the same as none, which the engine only half knows.
            input: node.input[..given].iter().map(|name| string(name.as_bstr())).collect(),
            output: node.output.iter().take(outputs).map(|name| string(name.as_bstr())).collect(),
            name: self.unique_name(node),
            op_type: string(text(&node.op_type)),
            attribute: attributes.chain(zero).collect::<Result<_, _>>()?,
            ..Default::default()
        })
    }

    /// ONNX does not ask for names of nodes, nor that they differ.
    fn unique_name(&self, node: &NodeProto) -> String {
        let label = string(node.label());
        let mut taken = self.taken.borrow_mut();
        let numbered = (2..).map(|number| format!("{label} ({number})"));
        let name = std::iter::once(label.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(label);
        taken.insert(name.clone());
        name
    }

    fn attribute(&self, node: &NodeProto, attribute: &AttributeProto) -> Result<pb::AttributeProto, EngineError> {
        if let Some(constant) = self.constant(node, attribute)? {
            return Ok(constant);
        }
        let name = string(text(&attribute.name));
        let integer = attribute.i.unwrap_or_default();
        let is_type = is_type_attribute(node, &name);
        Ok(pb::AttributeProto {
            name,
            r#type: attribute.r#type.unwrap_or_else(|| guess_type(attribute)),
            f: attribute.f.unwrap_or_default(),
            i: if is_type { widened_code(integer as i32, self.floor).into() } else { integer },
            s: text(&attribute.s).to_vec(),
            t: attribute.t.as_ref().map(|tensor| self.tensor(tensor)).transpose()?,
            g: attribute.g.as_ref().map(|graph| self.subgraph(graph)).transpose()?,
            floats: attribute.floats.to_vec(),
            ints: attribute.ints.to_vec(),
            strings: attribute.strings.iter().map(|text| text.to_vec()).collect(),
            tensors: attribute.tensors.iter().map(|tensor| self.tensor(tensor)).collect::<Result<_, _>>()?,
            graphs: attribute.graphs.iter().map(|graph| self.subgraph(graph)).collect::<Result<_, _>>()?,
            ..Default::default()
        })
    }

    /// The forms of a Constant that cannot hold another type, or that tract does not read, as
    /// a tensor.
    fn constant(
        &self,
        node: &NodeProto,
        attribute: &AttributeProto,
    ) -> Result<Option<pb::AttributeProto>, EngineError> {
        if node.standard_op() != "Constant" {
            return Ok(None);
        }
        let single = attribute.f.map(|value| vec![value]).unwrap_or_default();
        let (dims, values): (Vec<i64>, &[f32]) = match text(&attribute.name).to_str_lossy().as_ref() {
            "value_float" => (vec![], &single),
            "value_floats" => (vec![attribute.floats.len() as i64], &attribute.floats),
            "sparse_value" => {
                let Some(sparse) = &attribute.sparse_tensor else { return Ok(None) };
                return Ok(Some(value(self.tensor(&densified(sparse)?)?)));
            }
            _ => return Ok(None),
        };
        Ok(Some(value(self.floats(dims, values))))
    }

    fn floats(&self, dims: Vec<i64>, values: &[f32]) -> pb::TensorProto {
        let data_type = widened(DataType::Float, self.floor).code();
        pb::TensorProto { dims, data_type, raw_data: widened_floats(values, self.floor), ..Default::default() }
    }

    fn tensor(&self, tensor: &TensorProto) -> Result<pb::TensorProto, EngineError> {
        let name = string(text(&tensor.name));
        let dims = tensor.dims.to_vec();
        let code = tensor.data_type.unwrap_or_default();
        if tensor.element() == Some(DataType::String) && !tensor.is_external() {
            let string_data = tensor.string_data.iter().map(|text| text.to_vec()).collect();
            return Ok(pb::TensorProto { name, dims, data_type: code, string_data, ..Default::default() });
        }
        let mut bytes = tensor.little_endian()?.to_bytes()?;
        if let Some(element) = tensor.element() {
            bytes = widened_bytes(element, bytes, self.floor);
        }
        let data_type = widened_code(code, self.floor);
        Ok(pb::TensorProto { name, dims, data_type, raw_data: bytes.into(), ..Default::default() })
    }

    fn value_info(&self, info: &ValueInfoProto) -> Result<pb::ValueInfoProto, EngineError> {
        Ok(pb::ValueInfoProto { r#type: Some(self.tensor_type(info, None)?), ..named(info) })
    }

    fn tensor_type(&self, info: &ValueInfoProto, shape: Option<&[usize]>) -> Result<pb::TypeProto, EngineError> {
        let name = text(&info.name);
        let problem = || EngineError::Graph { what: format!("its input `{name}` is not a tensor") };
        let Some(TypeProto { tensor_type: Some(kind), .. }) = &info.r#type else { return Err(problem()) };
        let known = |length: Option<i64>| Dimension { value: length.map(Value::DimValue), ..Default::default() };
        let dim = match shape {
            Some(shape) => Some(shape.iter().map(|length| known(Some(*length as i64))).collect()),
            None => kind.axes().map(|axes| axes.iter().map(|axis| known(axis.dim_value)).collect()),
        };
        let tensor = pb::type_proto::Tensor {
            elem_type: widened_code(kind.elem_type.unwrap_or_default(), self.floor),
            shape: dim.map(|dim| pb::TensorShapeProto { dim }),
        };
        let value = Some(pb::type_proto::Value::TensorType(tensor));
        Ok(pb::TypeProto { value, ..Default::default() })
    }
}

fn value(tensor: pb::TensorProto) -> pb::AttributeProto {
    pb::AttributeProto { name: "value".into(), r#type: AttributeProto::TENSOR, t: Some(tensor), ..Default::default() }
}

fn named(info: &ValueInfoProto) -> pb::ValueInfoProto {
    pb::ValueInfoProto { name: string(text(&info.name)), ..Default::default() }
}

/// The type of an attribute of a model so old (IR version 1) that it does not say.
fn guess_type(attribute: &AttributeProto) -> i32 {
    use pb::attribute_proto::AttributeType as Type;
    let kind = match attribute {
        AttributeProto { f: Some(_), .. } => Type::Float,
        AttributeProto { i: Some(_), .. } => Type::Int,
        AttributeProto { s: Some(_), .. } => Type::String,
        AttributeProto { t: Some(_), .. } => Type::Tensor,
        AttributeProto { g: Some(_), .. } => Type::Graph,
        AttributeProto { floats, .. } if !floats.is_empty() => Type::Floats,
        AttributeProto { strings, .. } if !strings.is_empty() => Type::Strings,
        _ => Type::Ints,
    };
    kind as i32
}

/// Names that are not UTF-8 are legal on the wire; tract knows only strings.
fn string(text: &BStr) -> String {
    BString::from(text).to_str_lossy().into_owned()
}
