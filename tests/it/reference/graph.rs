//! Graphs: values by name, nodes in order, and what a subgraph sees of the graph around it.

use super::call::{Call, Outputs};
use super::machine::Machine;
use super::value::{Result, Value};
use super::{control_flow, function, operators, scan};
use bn_tool::onnx::access::{is_standard_domain, text};
use bn_tool::onnx::schema::{GraphProto, NodeProto};
use std::collections::BTreeMap;

/// The values of one graph; names that it does not have belong to the graph around it.
pub struct Scope<'a> {
    pub machine: &'a Machine<'a>,
    pub opset: i64,
    outer: Option<&'a Scope<'a>>,
    values: BTreeMap<String, Value>,
}

impl<'a> Scope<'a> {
    pub fn new(machine: &'a Machine<'a>, opset: i64, outer: Option<&'a Scope<'a>>) -> Self {
        Scope { machine, opset, outer, values: BTreeMap::new() }
    }

    pub fn define(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    pub fn define_initializers(&mut self, graph: &GraphProto) -> Result<()> {
        for tensor in &graph.initializer {
            self.define_constant(&text(&tensor.name).to_string(), Value::from_tensor(tensor)?);
        }
        for sparse in &graph.sparse_initializer {
            self.define_constant(&sparse.name().to_string(), Value::from_sparse(sparse)?);
        }
        Ok(())
    }

    fn define_constant(&mut self, name: &str, value: Value) {
        let magnitude = self.machine.magnitude.map(|magnitude| magnitude.of_constant(name, &value));
        self.define(name, magnitude.unwrap_or(value));
    }

    pub fn value(&self, name: &str) -> Result<Value> {
        match (self.values.get(name), self.outer) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(outer)) => outer.value(name),
            (None, None) => Err(format!("nothing is called `{name}`")),
        }
    }

    pub fn run(&mut self, nodes: &[NodeProto]) -> Result<()> {
        for node in nodes {
            let outputs =
                self.call(node).map_err(|error| format!("{} `{}`: {error}", text(&node.op_type), node.label()))?;
            for (index, name) in node.output.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
                let value = outputs.get(index).ok_or_else(|| format!("`{name}`: output {index} is not implemented"))?;
                self.define(&name.to_string(), value.clone());
            }
        }
        Ok(())
    }

    fn call(&self, node: &NodeProto) -> Outputs {
        if let Some(function) = self.machine.function(node) {
            return function::call(self, function, node);
        }
        if !is_standard_domain(text(&node.domain)) {
            return Err(format!("there is no such function in domain `{}`", text(&node.domain)));
        }
        let inputs = self.inputs(node)?;
        if node.standard_op() == "BatchNormalization" {
            let mut seen = self.machine.norm_inputs.borrow_mut();
            seen.entry(node.label().to_string()).or_default().push(inputs.iter().flatten().cloned().collect());
        }
        let magnitude = self.machine.magnitude;
        let call = Call { node, inputs, opset: self.opset, magnitude, rounds_spread: self.machine.rounds_spread };
        match text(&node.op_type).to_string().as_str() {
            "If" => control_flow::if_else(self, &call),
            "Loop" => control_flow::repeat(self, &call),
            "Scan" => scan::scan(self, &call),
            operator => {
                let outputs = operators::find(operator).ok_or("the operator is not implemented")?(&call)?;
                magnitude.map_or(Ok(outputs.clone()), |magnitude| magnitude.of_outputs(node, outputs))
            }
        }
    }

    /// The input values of a node; `""` is an absent one.
    pub fn inputs(&self, node: &NodeProto) -> Result<Vec<Option<Value>>> {
        let input = |name: &bstr::BString| match name.is_empty() {
            true => Ok(None),
            false => self.value(&name.to_string()).map(Some),
        };
        node.input.iter().map(input).collect()
    }
}
