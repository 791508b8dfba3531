//! What must be refused before tract sees it: operators that it lacks or would take for others,
//! and attributes that make it panic, exhaust the memory, or crash. What is no valid model at all
//! is found by [`onnx::check`](crate::onnx::check()).

use super::error::{EngineError, UnsupportedOperator};
use super::session;
use crate::onnx;
use crate::onnx::access::{is_standard_domain, standard_opset, text};
use crate::onnx::element_count;
use crate::onnx::schema::{GraphProto, ModelProto, NodeProto, TensorProto};
use bstr::{BStr, ByteSlice};
use std::collections::{HashMap, HashSet};

/// Larger pads, kernels and strides are refused: they only serve to exhaust the memory. The
/// product over the axes is limited, too.
const LARGEST_EXTENT: i64 = 1 << 16;
const LARGEST_VOLUME: i64 = 1 << 26;

/// Refuses what tract would crash on or silently run wrong; `known` tells which operators of
/// the standard domain it has.
///
/// # Errors
/// All operators that are not supported, else the first thing that is malformed.
pub fn check(model: &ModelProto, known: &dyn Fn(&str) -> bool) -> Result<(), EngineError> {
    let Some(graph) = &model.graph else { return Err(EngineError::Graph { what: "there is none".into() }) };
    onnx::check(model)?;
    match unsupported(model, known) {
        operators if operators.is_empty() => arguments(graph),
        operators => Err(EngineError::Unsupported { operators }),
    }
}

/// The operators of a model that tract lacks, those of subgraphs included: a node for each.
pub fn unsupported_operators(model: &ModelProto) -> Vec<UnsupportedOperator> {
    let onnx = session::onnx();
    unsupported(model, &|operator| session::has(&onnx, operator))
}

fn unsupported(model: &ModelProto, known: &dyn Fn(&str) -> bool) -> Vec<UnsupportedOperator> {
    let Some(graph) = &model.graph else { return Vec::new() };
    let mut check =
        Check { model, known, opset: standard_opset(&model.opset_import), used: HashSet::new(), unsupported: vec![] };
    check.collect_used(graph);
    check.graph(graph);
    check.unsupported
}

/// Refuses attributes and inputs that tract must not see.
fn arguments(graph: &GraphProto) -> Result<(), EngineError> {
    // Two numbers for each axis.
    let is_small = |tensor: &&TensorProto| element_count(&tensor.dims).is_some_and(|count| count <= 128);
    let constants = graph.initializer.iter().filter(is_small);
    let constants = constants.map(|tensor| (text(&tensor.name), tensor)).collect();
    for node in &graph.node {
        attributes(node)?;
        extents(node, &constants)?;
        node.subgraphs().try_for_each(arguments)?;
    }
    Ok(())
}

struct Check<'m> {
    model: &'m ModelProto,
    known: &'m dyn Fn(&str) -> bool,
    opset: i64,
    /// Every name that a node or a graph output reads, anywhere.
    used: HashSet<&'m BStr>,
    unsupported: Vec<UnsupportedOperator>,
}

impl<'m> Check<'m> {
    fn collect_used(&mut self, graph: &'m GraphProto) {
        self.used.extend(graph.output.iter().map(|output| text(&output.name)));
        for node in &graph.node {
            self.used.extend(node.input.iter().map(|input| input.as_bstr()));
            node.subgraphs().for_each(|subgraph| self.collect_used(subgraph));
        }
    }

    fn graph(&mut self, graph: &'m GraphProto) {
        for node in &graph.node {
            self.operator(node);
            node.subgraphs().for_each(|subgraph| self.graph(subgraph));
        }
    }

    /// Takes down the operator if it is not supported and not yet known to be so.
    fn operator(&mut self, node: &NodeProto) {
        let name = text(&node.op_type).to_str_lossy();
        let domain = text(&node.domain);
        let local = self.model.functions.iter().any(|function| {
            text(&function.name) == text(&node.op_type)
                && (text(&function.domain) == domain
                    || is_standard_domain(text(&function.domain)) && is_standard_domain(domain))
        });
        let operator = if !is_standard_domain(domain) {
            format!("{domain}::{name}")
        } else if self.saved_statistics(node) {
            format!("{name} with saved statistics")
        } else if local || !(self.known)(&name) {
            name.into_owned()
        } else {
            return;
        };
        if !self.unsupported.iter().any(|other| other.operator == operator) {
            self.unsupported.push(UnsupportedOperator { operator, node: node.label().into() });
        }
    }

    /// Whether someone reads what only the gradient of BatchNormalization needs (before
    /// opset 14): its meaning is up to the implementation.
    fn saved_statistics(&self, node: &NodeProto) -> bool {
        let reads = |output: &BStr| !output.is_empty() && self.used.contains(output);
        node.standard_op() == "BatchNormalization"
            && (self.opset < 14 && node.output.iter().skip(3).any(|output| reads(output.as_bstr())))
    }
}

/// Attributes that make tract panic or allocate without bound.
fn attributes(node: &NodeProto) -> Result<(), EngineError> {
    let operator = node.standard_op();
    if operator == "Transpose"
        && let Some(perm) = node.ints("perm")
        && !is_permutation(perm)
    {
        return Err(wrong(node, format!("perm = {perm:?} is not a permutation")));
    }
    for name in ["pads", "output_padding", "output_shape", "paddings"] {
        if let Some(values) = node.ints(name).filter(|values| !is_reasonable(values)) {
            return Err(wrong(node, format!("{name} = {values:?} is beyond reason")));
        }
    }
    for name in ["strides", "kernel_shape", "dilations"] {
        let positive = |values: &&[i64]| values.iter().all(|value| *value > 0) && is_reasonable(values);
        if let Some(values) = node.ints(name).filter(|values| !positive(values)) {
            return Err(wrong(node, format!("{name} = {values:?}, where positive numbers within reason are expected")));
        }
    }
    Ok(())
}

/// Initializers that make tract allocate without bound.
fn extents(node: &NodeProto, constants: &HashMap<&BStr, &TensorProto>) -> Result<(), EngineError> {
    let what = match node.standard_op().as_bytes() {
        b"Pad" => "pads",
        b"Tile" => "repeats",
        _ => return Ok(()),
    };
    let tensor = node.input.get(1).and_then(|name| constants.get(name.as_bstr()));
    match tensor.and_then(|tensor| tensor.int_values().ok()).filter(|values| !is_reasonable(values)) {
        Some(values) => Err(wrong(node, format!("{what} = {values:?} is beyond reason"))),
        None => Ok(()),
    }
}

fn is_reasonable(extents: &[i64]) -> bool {
    let volume = extents.iter().try_fold(1i64, |volume, extent| {
        let extent = extent.checked_abs().filter(|extent| *extent < LARGEST_EXTENT)?;
        volume.checked_mul(extent + 1).filter(|volume| *volume <= LARGEST_VOLUME)
    });
    volume.is_some()
}

fn is_permutation(perm: &[i64]) -> bool {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    sorted.iter().copied().eq(0..perm.len() as i64)
}

fn wrong(node: &NodeProto, what: String) -> EngineError {
    EngineError::Node { node: node.label().into(), operator: text(&node.op_type).into(), what }
}
