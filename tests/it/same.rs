//! Whether a folded model computes what the original did.

use crate::reference::{self, Constants};
use bn_tool::onnx::access::text;
use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::schema::{GraphProto, ModelProto, NodeProto};
use bstr::BString;
use ndarray::ArrayD;
use std::collections::{BTreeMap, BTreeSet};

/// Values by the names of inputs or outputs.
type Values = BTreeMap<String, ArrayD<f64>>;

/// Asserts that a folded model differs from the original by one rounding of each weight that is
/// new, and no more.
///
/// Both models are evaluated in f64. With u the unit roundoff of its type, a weight that was
/// rounded once errs by at most `u/(1−u) · (|w'| + smallest normal)`; what becomes of these errors
/// is computed, not estimated (`reference/magnitude.rs`). Evaluation itself errs by `n · 2⁻⁵³` of
/// what it sums.
pub fn assert_same(original: &ModelProto, folded: &ModelProto, inputs: &Values) {
    if let Err(difference) = compare(original, folded, inputs) {
        panic!("{difference}");
    }
}

/// # Errors
/// The first difference, or why the original cannot be evaluated.
pub fn compare(original: &ModelProto, folded: &ModelProto, inputs: &Values) -> Result<(), String> {
    difference(original, folded, inputs)?.map_or(Ok(()), Err)
}

/// The first difference, if there is one.
///
/// # Errors
/// Why the original cannot be evaluated, or there is no bound.
pub fn difference(original: &ModelProto, folded: &ModelProto, inputs: &Values) -> Result<Option<String>, String> {
    let expected = reference::evaluate(original, inputs).map_err(|error| format!("the original: {error}"))?;
    let actual = match reference::evaluate(folded, inputs) {
        Ok(actual) => actual,
        Err(error) => return Ok(Some(format!("the folded model: {error}"))),
    };
    if expected.keys().ne(actual.keys()) {
        return Ok(Some(format!("outputs {:?} became {:?}", expected.keys(), actual.keys())));
    }
    let expected: Values =
        expected.into_iter().filter(|(name, expected)| !identical(expected, &actual[name])).collect();
    if expected.is_empty() {
        return Ok(None);
    }
    let bounds = Bounds::new(&computing(original, &expected), &computing(folded, &expected), inputs)?;
    let checked = expected.iter().try_for_each(|(name, expected)| bounds.check(name, expected, &actual[name]));
    Ok(checked.err())
}

/// The part of a model that computes these outputs: there may be no bound for others.
fn computing(model: &ModelProto, outputs: &Values) -> ModelProto {
    let mut part = model.clone();
    let graph = part.graph.as_mut().expect("there is a graph");
    graph.output.retain(|output| outputs.contains_key(&text(&output.name).to_string()));
    let mut needed: BTreeSet<BString> = graph.output.iter().filter_map(|output| output.name.clone()).collect();
    let mut kept: Vec<NodeProto> = Vec::new();
    for node in std::mem::take(&mut graph.node).into_iter().rev() {
        if node.output.iter().any(|output| needed.contains(output)) {
            read_by(&node, &mut needed);
            kept.push(node);
        }
    }
    graph.node = kept.into_iter().rev().collect();
    part
}

/// Every name that a node and its subgraphs read.
fn read_by(node: &NodeProto, names: &mut BTreeSet<BString>) {
    names.extend(node.input.iter().cloned());
    for subgraph in node.subgraphs() {
        names.extend(subgraph.output.iter().filter_map(|output| output.name.clone()));
        subgraph.node.iter().for_each(|inner| read_by(inner, names));
    }
}

fn identical(a: &ArrayD<f64>, b: &ArrayD<f64>) -> bool {
    a.shape() == b.shape() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

/// How often errors are added so that what they become does not drown: at f16 and bf16 once.
const TIMES: f64 = (1u64 << 12) as f64;

/// How far each output may be off.
struct Bounds {
    /// Relative to the magnitudes of both: they were evaluated.
    evaluation: f64,
    original: Values,
    folded: Values,
    /// What the roundings of the weights make, absolutely.
    rounding: Values,
}

impl Bounds {
    fn new(original: &ModelProto, folded: &ModelProto, inputs: &Values) -> Result<Self, String> {
        // What is rounded to few digits can come out as it was.
        let exact = Constants::of(original);
        let exact = if has_short_floats(folded) { exact.retain(&steady(folded)) } else { exact };
        let summed = constants(original) + inputs.values().map(ArrayD::len).sum::<usize>();
        let nodes = original.graph.as_ref().map_or(0, |graph| graph.node.len());
        let times = if has_short_floats(folded) { 1.0 } else { TIMES };
        let small = reference::magnitude(folded, inputs, &exact, 0.0)?;
        let large = reference::magnitude(folded, inputs, &exact, times)?;
        let grown = |(name, large): (String, ArrayD<f64>)| {
            let error = (large - &small[&name]) / times;
            (name, error)
        };
        Ok(Bounds {
            evaluation: (summed + 16 + 4 * nodes) as f64 * FloatType::F64.unit_roundoff(),
            original: reference::magnitude(original, inputs, &exact, 0.0)?,
            rounding: large.into_iter().map(grown).collect(),
            folded: small,
        })
    }

    fn check(&self, name: &str, expected: &ArrayD<f64>, actual: &ArrayD<f64>) -> Result<(), String> {
        if expected.shape() != actual.shape() {
            return Err(format!("`{name}` was {:?} and became {:?}", expected.shape(), actual.shape()));
        }
        for (at, want) in expected.indexed_iter() {
            let (have, before, after) = (actual[&at], self.original[name][&at], self.folded[name][&at]);
            let bound = self.rounding[name][&at] + self.evaluation * (before + after);
            let same = (have - want).abs() <= bound || have == *want || (have.is_nan() && want.is_nan());
            if !same {
                let off = (have - want).abs() / bound;
                return Err(format!("`{name}`{at:?} was {want} and became {have}, {off:.3} times the bound {bound:e}"));
            }
        }
        Ok(())
    }
}

/// The number of BatchNormalization nodes, with those of subgraphs.
pub fn batch_norms(graph: &GraphProto) -> usize {
    let own = graph.node.iter().filter(|node| node.standard_op() == "BatchNormalization").count();
    own + graph.node.iter().flat_map(|node| node.subgraphs()).map(batch_norms).sum::<usize>()
}

/// An upper bound of how many numbers any output sums: all the constants there are.
fn constants(model: &ModelProto) -> usize {
    fn of(graph: &GraphProto) -> usize {
        let count = |dims: &[i64]| dims.iter().product::<i64>().unsigned_abs() as usize;
        let initializers: usize = graph.initializer.iter().map(|tensor| count(&tensor.dims)).sum();
        let attributes =
            graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.t.as_ref());
        let nodes: usize = attributes.map(|tensor| count(&tensor.dims)).sum();
        initializers + nodes + graph.node.iter().flat_map(|node| node.subgraphs()).map(of).sum::<usize>()
    }
    model.graph.as_ref().map_or(0, of)
}

/// The names of means, variances and divisors, which nothing rounds: they stay.
fn steady(model: &ModelProto) -> BTreeSet<String> {
    fn add(nodes: &[NodeProto], names: &mut BTreeSet<String>) {
        for node in nodes.iter().rev() {
            let name = |slot: usize| node.input.get(slot).map(ToString::to_string);
            if node.standard_op() == "BatchNormalization" {
                names.extend([3, 4].into_iter().filter_map(name));
            }
            if node.standard_op() == "Div" {
                names.extend(name(1));
            }
            let made = |names: &BTreeSet<String>| node.output.iter().any(|output| names.contains(&output.to_string()));
            if matches!(&**node.standard_op(), b"Identity" | b"Cast") && made(names) {
                names.extend(name(0));
            }
            node.subgraphs().for_each(|graph| add(&graph.node, names));
        }
    }
    let mut names = BTreeSet::new();
    model.functions.iter().for_each(|function| add(&function.node, &mut names));
    model.graph.iter().for_each(|graph| add(&graph.node, &mut names));
    names
}

/// Whether any constant is f16 or bf16, where times more than one rounding are no small error.
fn has_short_floats(model: &ModelProto) -> bool {
    fn of(graph: &GraphProto) -> bool {
        let attributes =
            graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.t.as_deref());
        let mut tensors = graph.initializer.iter().chain(attributes);
        let short = |element: FloatType| element.unit_roundoff() > FloatType::F32.unit_roundoff();
        tensors.any(|tensor| tensor.element().and_then(DataType::float).is_some_and(short))
            || graph.node.iter().flat_map(|node| node.subgraphs()).any(of)
    }
    model.graph.as_ref().is_some_and(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Builder, Storage};
    use ndarray::arr2;

    /// `[1, 2] · w`, where nothing cancels: the output is its own magnitude.
    fn product(w: [f64; 4], element: FloatType) -> (ModelProto, Values) {
        let mut builder = Builder::new(17);
        builder.input("x", element, &[1, 2]);
        builder.constant("w", element, &[2, 2], &w, Storage::Raw);
        builder.node("MatMul", &["x", "w"], "y", Vec::new());
        (builder.model("y", element, 2, 8), Values::from([("x".into(), arr2(&[[1.0, 2.0]]).into_dyn())]))
    }

    #[test]
    fn one_rounding_is_the_same_and_two_are_not() {
        for element in [FloatType::F16, FloatType::Bf16, FloatType::F32] {
            let (unit, w) = (element.unit_roundoff(), [1.0, 1.5, 1.25, 1.75]);
            let (rounded, inputs) = product(w, element);
            let before = |roundings: f64| product(w.map(|w| w * (1.0 + roundings * unit)), FloatType::F64).0;
            assert_same(&before(1.0), &rounded, &inputs);
            assert_same(&before(-0.99), &rounded, &inputs);
            assert!(compare(&before(1.1), &rounded, &inputs).is_err());
            assert!(compare(&before(-1.1), &rounded, &inputs).is_err());
        }
    }

    #[test]
    fn swapped_channels_are_not_the_same() {
        let (original, inputs) = product([1.0, 1.5, 1.25, 1.75], FloatType::F16);
        let (swapped, _) = product([1.5, 1.0, 1.75, 1.25], FloatType::F16);
        let difference = compare(&original, &swapped, &inputs).expect_err("they differ");
        assert!(difference.contains("`y`"), "{difference}");
    }

    #[test]
    fn rounding_below_the_normal_numbers_is_absolute() {
        // 2⁻²⁵ + ε rounds to the smallest f16, 2⁻²⁴: off by a half of itself.
        let (rounded, inputs) = product([f64::powi(2.0, -24); 4], FloatType::F16);
        let (original, _) = product([f64::powi(2.0, -25) * 1.001; 4], FloatType::F64);
        assert_same(&original, &rounded, &inputs);
    }
}
