//! The whole model: operator sets, functions, inputs and outputs.

use super::graph::Scope;
use super::magnitude::Magnitude;
use super::value::{Result, Tensor, Value};
use bn_tool::onnx::access::{standard_opset, text};
use bn_tool::onnx::element::DataType;
use bn_tool::onnx::schema::{FunctionProto, GraphProto, ModelProto, NodeProto, ValueInfoProto};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The inputs of BatchNormalizations, by their names, each time one was evaluated.
pub type NormInputs = BTreeMap<String, Vec<Vec<Value>>>;

/// What is the same for every node of a model.
pub struct Machine<'a> {
    model: &'a ModelProto,
    /// How to evaluate magnitudes instead of values.
    pub magnitude: Option<Magnitude<'a>>,
    /// Whether the sum of variance and epsilon is rounded to the type of the variance.
    pub rounds_spread: bool,
    /// What came into BatchNormalizations so far, wherever they are.
    pub norm_inputs: RefCell<NormInputs>,
}

impl<'a> Machine<'a> {
    pub fn new(model: &'a ModelProto, magnitude: Option<Magnitude<'a>>) -> Self {
        Machine { model, magnitude, rounds_spread: false, norm_inputs: RefCell::default() }
    }

    pub fn run(&self, inputs: &BTreeMap<String, Tensor>) -> Result<BTreeMap<String, Tensor>> {
        let graph = self.model.graph.as_ref().ok_or("the model has no graph")?;
        let mut scope = Scope::new(self, standard_opset(&self.model.opset_import), None);
        scope.define_initializers(graph)?;
        define_inputs(&mut scope, graph, inputs)?;
        scope.run(&graph.node)?;
        let output = |output: &ValueInfoProto| {
            let name = text(&output.name).to_string();
            scope.value(&name).map(|value| (name, value.data))
        };
        graph.output.iter().map(output).collect()
    }

    /// The model-local function that a node calls.
    pub fn function(&self, node: &NodeProto) -> Option<&'a FunctionProto> {
        self.model.functions.iter().find(|function| {
            text(&function.name) == text(&node.op_type)
                && text(&function.domain) == text(&node.domain)
                && text(&function.overload) == text(&node.overload)
        })
    }
}

/// Binds the inputs of a graph. One that is not given must be an initializer.
fn define_inputs(scope: &mut Scope, graph: &GraphProto, inputs: &BTreeMap<String, Tensor>) -> Result<()> {
    let declared: Vec<String> = graph.input.iter().map(|input| text(&input.name).to_string()).collect();
    if let Some(name) = inputs.keys().find(|name| !declared.contains(name)) {
        return Err(format!("the model has no input `{name}`"));
    }
    for (input, name) in graph.input.iter().zip(declared) {
        let kind = input.tensor_type().and_then(|kind| kind.element()).unwrap_or(DataType::Float);
        match inputs.get(&name) {
            Some(data) => {
                let value = Value::new(data.clone(), kind);
                let magnitude = scope.machine.magnitude.map(|magnitude| magnitude.of_input(&value));
                scope.define(&name, magnitude.unwrap_or(value));
            }
            None => scope.value(&name).map(drop).map_err(|_| format!("input `{name}` is not given"))?,
        }
    }
    Ok(())
}
