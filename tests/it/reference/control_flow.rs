//! If and Loop: bodies that see the names of the graph around them.

use super::call::{Call, Outputs};
use super::graph::Scope;
use super::value::{Result, Value};
use bn_tool::onnx::access::text;
use bn_tool::onnx::element::DataType;
use bn_tool::onnx::schema::GraphProto;
use ndarray::Axis;

/// If-1: the outputs of `then_branch` or `else_branch`.
pub fn if_else(scope: &Scope, call: &Call) -> Outputs {
    let branch = if call.input(0)?.single()? != 0.0 { "then_branch" } else { "else_branch" };
    run(scope, body(call, branch)?, Vec::new())
}

/// Loop-1: `(M, cond, v…) → (v…, scan…)`; the body is `(iteration, cond, v…) → (cond, v…, scan…)`.
pub fn repeat(scope: &Scope, call: &Call) -> Outputs {
    let body = body(call, "body")?;
    let limit = call.optional(0).map_or(Ok(f64::INFINITY), Value::single)?;
    let mut condition = call.optional(1).map_or(Ok(1.0), Value::single)?;
    let mut carried: Vec<Value> =
        (2..call.inputs.len()).map(|index| call.input(index).cloned()).collect::<Result<_>>()?;
    let mut scans = vec![Vec::new(); (body.output.len() - 1).saturating_sub(carried.len())];
    let mut iteration = 0.0;
    while iteration < limit && condition != 0.0 {
        let mut arguments = vec![Value::scalar(iteration, DataType::Int64), Value::scalar(condition, DataType::Bool)];
        arguments.extend(carried.iter().cloned());
        let mut results = run(scope, body, arguments)?;
        condition = results[0].single()?;
        for (scan, value) in scans.iter_mut().zip(results.split_off(1 + carried.len())) {
            scan.push(value);
        }
        carried = results.split_off(1);
        iteration += 1.0;
    }
    let scans = scans.iter().map(|scan| stack(scan));
    carried.into_iter().map(Ok).chain(scans).collect()
}

/// Scan outputs lie one after the other along a new first axis.
fn stack(values: &[Value]) -> Result<Value> {
    let first = values.first().ok_or("a scan output of no iteration")?;
    let views: Vec<_> = values.iter().map(|value| value.data.view()).collect();
    let data = ndarray::stack(Axis(0), &views).map_err(|error| error.to_string())?;
    Ok(Value::new(data, first.kind))
}

/// The graph of an attribute.
pub fn body<'a>(call: &'a Call, name: &str) -> Result<&'a GraphProto> {
    let attribute = call.node.attribute(name).and_then(|attribute| attribute.g.as_deref());
    attribute.ok_or_else(|| format!("there is no `{name}`"))
}

/// Evaluates a body with arguments.
pub fn run(outer: &Scope, graph: &GraphProto, arguments: Vec<Value>) -> Outputs {
    let mut scope = Scope::new(outer.machine, outer.opset, Some(outer));
    scope.define_initializers(graph)?;
    for (input, value) in graph.input.iter().zip(arguments) {
        scope.define(&text(&input.name).to_string(), value);
    }
    scope.run(&graph.node)?;
    graph.output.iter().map(|output| scope.value(&text(&output.name).to_string())).collect()
}
