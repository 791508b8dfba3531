//! Carrying out the plan.

use super::InsertError;
use super::form;
use super::options::InsertOptions;
use super::parameters::Parameters;
use super::plan::{Decision, Insertion, Norm, Place};
use super::report::{InsertOutcome, LayerReport};
use crate::graph::{Graph, NodeId, Use, ValueId};
use crate::onnx::schema::{AttributeProto, TensorProto};
use bstr::BString;

/// Inserts what was decided; says what became of each layer.
///
/// # Errors
/// When a parameter does not fit its type.
pub(super) fn apply(
    graph: &mut Graph,
    decisions: Vec<Decision>,
    options: &InsertOptions,
) -> Result<Vec<LayerReport>, InsertError> {
    graph.reserve_node_names();
    let mut layers: Vec<LayerReport> = Vec::with_capacity(decisions.len());
    for Decision { name, operator, outcome } in decisions {
        let outcome = match outcome {
            Ok(Insertion::New(norm)) => insert(graph, &name, &norm, options)?,
            Ok(Insertion::Shared(first)) => layers[first].outcome.clone(),
            Err(refusal) => InsertOutcome::Kept { refusal },
        };
        layers.push(LayerReport { name, operator, outcome });
    }
    Ok(layers)
}

fn insert(graph: &mut Graph, layer: &str, norm: &Norm, options: &InsertOptions) -> Result<InsertOutcome, InsertError> {
    let name = graph.fresh_name(&format!("{layer}_bn"));
    let parameters = add_parameters(graph, &name, norm, options)?;
    let node = match &norm.place {
        Place::Behind(node) => behind(graph, *node, &name, norm, &parameters),
        Place::InFront(value, readers) => Some(in_front(graph, *value, readers, &name, norm, &parameters)),
    };
    let Some(node) = node else { return Ok(InsertOutcome::nothing()) };
    for attribute in form::attributes(norm.opset, options) {
        graph.set_attribute(node, attribute);
    }
    if options.training {
        for statistic in form::statistics(norm.opset) {
            let output = graph.fresh_name(&format!("{name}_{statistic}"));
            graph.add_output(node, output);
        }
    }
    graph.set_node_name(node, name.clone());
    Ok(InsertOutcome::Inserted {
        norm: name.to_string(),
        channels: norm.channels.count,
        activation: norm.activation.clone(),
        transposed: norm.channels.axis != 1,
    })
}

/// Scale, bias, mean and variance as constants, `[C]` each.
fn add_parameters(
    graph: &mut Graph,
    name: &BString,
    norm: &Norm,
    options: &InsertOptions,
) -> Result<[ValueId; 4], InsertError> {
    let element = form::parameters(norm.element, norm.opset, &options.values);
    let Parameters { scale, bias, mean, variance } =
        Parameters::new(&name.to_string(), norm.channels.count, element, options)?;
    let all = [("scale", scale), ("bias", bias), ("mean", mean), ("var", variance)];
    Ok(all.map(|(what, values)| {
        let fresh = graph.fresh_name(&format!("{name}_{what}"));
        graph.add_constant_to(norm.scope, TensorProto::floats(fresh, element, &[values.len()], &values))
    }))
}

/// Puts the node behind another one, whose output it takes over.
fn behind(
    graph: &mut Graph,
    producer: NodeId,
    name: &BString,
    norm: &Norm,
    parameters: &[ValueId; 4],
) -> Option<NodeId> {
    let output = graph.output(producer, 0)?;
    let base = format!("{}_before_bn", graph.name(output));
    let before = graph.fresh_name(&base);
    let Some([to, back]) = norm.channels.permutations() else {
        return graph.insert_behind(producer, "BatchNormalization", parameters, before);
    };
    let transpose = graph.insert_behind(producer, "Transpose", &[], before)?;
    let input = graph.fresh_name(&format!("{name}_input"));
    let node = graph.insert_behind(transpose, "BatchNormalization", parameters, input)?;
    let output = graph.fresh_name(&format!("{name}_output"));
    let transpose_back = graph.insert_behind(node, "Transpose", &[], output)?;
    describe_transposes(graph, name, [(transpose, to), (transpose_back, back)]);
    Some(node)
}

/// Puts the node between a value and some of its readers.
fn in_front(
    graph: &mut Graph,
    value: ValueId,
    readers: &[Use],
    name: &BString,
    norm: &Norm,
    parameters: &[ValueId; 4],
) -> NodeId {
    let base = format!("{}_bn", graph.name(value));
    let insert = |graph: &mut Graph, op: &str, from: ValueId, rest: &[ValueId], base: &str| {
        let output = graph.fresh_name(base);
        graph.insert_on(norm.scope, op, &[&[from], rest].concat(), output)
    };
    let made = |graph: &Graph, node: NodeId, before: ValueId| graph.output(node, 0).unwrap_or(before);
    let (node, last) = match norm.channels.permutations() {
        None => {
            let node = insert(graph, "BatchNormalization", value, parameters, &base);
            (node, node)
        }
        Some([to, back]) => {
            let transpose = insert(graph, "Transpose", value, &[], &format!("{name}_input"));
            let input = made(graph, transpose, value);
            let node = insert(graph, "BatchNormalization", input, parameters, &format!("{name}_output"));
            let output = made(graph, node, value);
            let transpose_back = insert(graph, "Transpose", output, &[], &base);
            describe_transposes(graph, name, [(transpose, to), (transpose_back, back)]);
            (node, transpose_back)
        }
    };
    let normalised = made(graph, last, value);
    readers.iter().for_each(|usage| graph.set_input(usage.node, usage.slot as usize, normalised));
    node
}

/// Names the Transposes around a node, and says how they permute.
fn describe_transposes(graph: &mut Graph, name: &BString, transposes: [(NodeId, Vec<i64>); 2]) {
    for ((node, permutation), suffix) in transposes.into_iter().zip(["transpose", "transpose_back"]) {
        graph.set_attribute(node, AttributeProto::ints("perm", permutation));
        let fresh = graph.fresh_name(&format!("{name}_{suffix}"));
        graph.set_node_name(node, fresh);
    }
}
