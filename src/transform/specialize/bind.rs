//! What a call of a function passes that is known before the model runs.

use crate::graph::constant::{Constant, Constants};
use crate::graph::{Graph, NodeId, ValueId};
use crate::onnx::access::{is_standard_domain, standard_opset, text};
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{AttributeProto, FunctionProto, TensorProto};

/// The constants and attributes of a call.
pub struct Binding {
    /// For each input of the function, the value that is passed, if it is constant.
    inputs: Vec<Option<ValueId>>,
    /// The attributes of the call.
    pub attributes: Vec<AttributeProto>,
}

impl Binding {
    /// What a call passes; `None` when a copy of the function would be like the function.
    pub fn of(graph: &Graph, constants: &Constants, node: NodeId, function: &FunctionProto) -> Option<Binding> {
        let attributes = graph.proto(node).attribute.clone();
        // A graph would have to be moved to where other names mean other things.
        let has_graph = |attribute: &AttributeProto| attribute.g.is_some() || !attribute.graphs.is_empty();
        if attributes.iter().chain(&function.attribute_proto).any(has_graph) {
            return None;
        }
        let can_hold = can_hold_constants(graph, function);
        let input = |slot| {
            let value = graph.input(node, slot).filter(|_| can_hold)?;
            is_constant(constants, value, function).then_some(value)
        };
        let inputs: Vec<Option<ValueId>> = (0..function.input.len()).map(input).collect();
        let binds_attribute = declared(function).any(|name| !is_open(&attributes, name));
        let binds = binds_attribute || inputs.iter().any(Option::is_some);
        binds.then_some(Binding { inputs, attributes })
    }

    /// Where the constants are stored: calls that pass the same share a copy.
    pub fn homes(&self, graph: &Graph, constants: &Constants) -> Vec<Option<ValueId>> {
        let home = |value: ValueId| match constants.find(value) {
            Ok(Constant::Stored(home)) if graph.stored_tensor(home).is_some() => home,
            _ => value,
        };
        self.inputs.iter().map(|input| input.map(home)).collect()
    }

    /// The constants, for each input of the function.
    pub fn tensors(&self, constants: &Constants) -> Vec<Option<TensorProto>> {
        self.inputs.iter().map(|input| tensor(constants, (*input)?)).collect()
    }
}

/// The attributes that a function has, by name.
fn declared(function: &FunctionProto) -> impl Iterator<Item = &[u8]> {
    let defaults = function.attribute_proto.iter().map(|default| text(&default.name).as_ref());
    function.attribute.iter().map(|name| name.as_slice()).chain(defaults)
}

/// Whether a call passes on an attribute of the function around it, so that its value is not known.
pub fn is_open(call: &[AttributeProto], name: &[u8]) -> bool {
    call.iter().any(|given| text(&given.name) == name && given.is_reference())
}

/// Whether a call gives the value of an attribute that the function has.
pub fn is_bound(function: &FunctionProto, given: &AttributeProto) -> bool {
    !given.is_reference() && declared(function).any(|name| text(&given.name) == name)
}

/// Whether the standard operator Constant can be written in the body of a function.
fn can_hold_constants(graph: &Graph, function: &FunctionProto) -> bool {
    let imports_standard = function.opset_import.iter().any(|import| is_standard_domain(text(&import.domain)));
    imports_standard && !graph.is_overridden("Constant")
}

/// Whether a value is constant and can be written as a Constant: until version 13 of that
/// operator not of every type.
fn is_constant(constants: &Constants, value: ValueId, function: &FunctionProto) -> bool {
    let element = match constants.find(value) {
        Ok(Constant::Stored(home)) => constants.stored(home).ok().and_then(TensorProto::element),
        Ok(Constant::Computed(dense)) => dense.element.float().map(FloatType::data_type),
        Err(_) => None,
    };
    let is_old = |element| matches!(element, DataType::Float | DataType::Float16 | DataType::Double);
    element.is_some_and(|element| standard_opset(&function.opset_import) >= 13 || is_old(element))
}

/// The tensor of a constant. One that is stored is not read.
fn tensor(constants: &Constants, value: ValueId) -> Option<TensorProto> {
    match constants.find(value).ok()? {
        Constant::Stored(home) => constants.stored(home).ok().cloned(),
        Constant::Computed(dense) => Some(TensorProto::floats("", dense.element.float()?, &dense.shape, &dense.values)),
    }
}
