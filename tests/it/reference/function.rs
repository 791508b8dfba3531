//! Model-local functions: a body of nodes with names, operator sets and attributes of its own.

use super::call::Outputs;
use super::graph::Scope;
use bn_tool::onnx::access::{standard_opset, text};
use bn_tool::onnx::schema::{AttributeProto, FunctionProto, NodeProto};

/// Runs the body of a function. It sees its arguments and nothing else.
pub fn call(caller: &Scope, function: &FunctionProto, node: &NodeProto) -> Outputs {
    let mut scope = Scope::new(caller.machine, standard_opset(&function.opset_import), None);
    for (name, value) in function.input.iter().zip(caller.inputs(node)?) {
        if let Some(value) = value {
            scope.define(&name.to_string(), value);
        }
    }
    // An attribute is the caller's, else the function's default, else absent.
    let given = |name: &str| {
        let default = || function.attribute_proto.iter().find(|attribute| text(&attribute.name) == name);
        node.attribute(name).or_else(default).cloned()
    };
    let body: Vec<NodeProto> = function.node.iter().map(|inner| with_attributes(inner, &given)).collect();
    scope.run(&body)?;
    function.output.iter().map(|name| scope.value(&name.to_string())).collect()
}

/// A node of a body with its references to attributes of the function (`ref_attr_name`)
/// replaced, also in its subgraphs.
fn with_attributes(node: &NodeProto, given: &dyn Fn(&str) -> Option<AttributeProto>) -> NodeProto {
    let resolve = |attribute: &AttributeProto| match text(&attribute.ref_attr_name).to_string().as_str() {
        "" => Some(attribute.clone()),
        reference => Some(AttributeProto { name: attribute.name.clone(), ..given(reference)? }),
    };
    let mut node = NodeProto { attribute: node.attribute.iter().filter_map(resolve).collect(), ..node.clone() };
    for graph in node.subgraphs_mut() {
        graph.node = graph.node.iter().map(|inner| with_attributes(inner, given)).collect();
    }
    node
}
