//! Parts of models.

use super::skeleton::{Skeleton, ValueId};
use crate::onnx::access::text;
use crate::onnx::schema::{GraphProto, ModelProto, ValueInfoProto};
use bstr::BStr;
use std::collections::HashMap;

/// The part of a model that makes `outputs` from `inputs`, and from nothing else but constants.
pub fn cut(model: &ModelProto, skeleton: &Skeleton, inputs: &[ValueId], outputs: &[ValueId]) -> ModelProto {
    let Some(graph) = &model.graph else { return ModelProto::default() };
    let part = Part::new(skeleton, inputs, outputs);
    let known: HashMap<&BStr, &ValueInfoProto> = graph.input.iter().map(|input| (text(&input.name), input)).collect();
    let info = |value: &ValueId| {
        let name = skeleton.name(*value);
        known.get(name).map_or_else(|| named(name), |info| (*info).clone())
    };
    let nodes = graph.node.iter().zip(&part.nodes).filter(|(_, kept)| **kept);
    let dense = graph.initializer.iter().filter(|tensor| part.reads(skeleton, text(&tensor.name)));
    let sparse = graph.sparse_initializer.iter().filter(|tensor| part.reads(skeleton, tensor.name()));
    let part = GraphProto {
        name: graph.name.clone(),
        node: nodes.map(|(node, _)| node.clone()).collect(),
        initializer: dense.cloned().collect(),
        sparse_initializer: sparse.cloned().collect(),
        input: inputs.iter().map(info).collect(),
        output: outputs.iter().map(|value| named(skeleton.name(*value))).collect(),
        ..Default::default()
    };
    ModelProto {
        ir_version: model.ir_version,
        opset_import: model.opset_import.clone(),
        functions: model.functions.clone(),
        graph: Some(part),
        ..Default::default()
    }
}

fn named(name: &BStr) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.to_owned()), ..Default::default() }
}

/// What belongs to a part.
struct Part {
    nodes: Vec<bool>,
    /// Values that are needed, and are not inputs of the part.
    values: Vec<bool>,
}

impl Part {
    fn new(skeleton: &Skeleton, inputs: &[ValueId], outputs: &[ValueId]) -> Self {
        let mut part = Part { nodes: vec![false; skeleton.nodes.len()], values: vec![false; skeleton.count()] };
        let mut given = vec![false; skeleton.count()];
        inputs.iter().for_each(|value| given[*value] = true);
        let mut work = outputs.to_vec();
        while let Some(value) = work.pop() {
            if given[value] || std::mem::replace(&mut part.values[value], true) {
                continue;
            }
            if let Some(node) = skeleton.maker(value)
                && !std::mem::replace(&mut part.nodes[node], true)
            {
                work.extend_from_slice(skeleton.reads(node));
            }
        }
        part
    }

    fn reads(&self, skeleton: &Skeleton, name: &BStr) -> bool {
        skeleton.find(name).is_some_and(|value| self.values[value])
    }
}
