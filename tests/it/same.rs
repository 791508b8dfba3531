//! Whether a folded model computes what the original did.

use crate::reference;
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{GraphProto, ModelProto};
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Values by the names of inputs or outputs.
type Values = BTreeMap<String, ArrayD<f64>>;

/// Asserts that a folded model differs from the original by one rounding of each weight and no
/// more. `element` is the type of the weights.
///
/// Both models are evaluated in f64. With u the unit roundoff of the type, a weight that was
/// rounded once errs by at most `u/(1−u) · (|w'| + smallest normal)`, so that an output errs by
/// `u/(1−u) · (Σ |w'|·|x| + |b'|)` for each layer in a row; the sum is computed, not estimated.
/// Evaluation itself errs by `n · 2⁻⁵³` of what it sums.
pub fn assert_same(original: &ModelProto, folded: &ModelProto, inputs: &Values, element: FloatType) {
    if let Err(difference) = compare(original, folded, inputs, element) {
        panic!("{difference}");
    }
}

/// # Errors
/// The first difference, or why the original cannot be evaluated.
pub fn compare(original: &ModelProto, folded: &ModelProto, inputs: &Values, element: FloatType) -> Result<(), String> {
    difference(original, folded, inputs, element)?.map_or(Ok(()), Err)
}

/// The first difference, if there is one.
///
/// # Errors
/// Why the original cannot be evaluated, or there is no bound.
pub fn difference(
    original: &ModelProto,
    folded: &ModelProto,
    inputs: &Values,
    element: FloatType,
) -> Result<Option<String>, String> {
    let expected = reference::evaluate(original, inputs).map_err(|error| format!("the original: {error}"))?;
    let actual = match reference::evaluate(folded, inputs) {
        Ok(actual) => actual,
        Err(error) => return Ok(Some(format!("the folded model: {error}"))),
    };
    if expected.keys().ne(actual.keys()) {
        return Ok(Some(format!("outputs {:?} became {:?}", expected.keys(), actual.keys())));
    }
    if expected.iter().all(|(name, expected)| identical(expected, &actual[name])) {
        return Ok(None);
    }
    let bounds = Bounds::new(original, folded, inputs, element)?;
    let checked = expected.iter().try_for_each(|(name, expected)| bounds.check(name, expected, &actual[name]));
    Ok(checked.err())
}

fn identical(a: &ArrayD<f64>, b: &ArrayD<f64>) -> bool {
    a.shape() == b.shape() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

/// How far each output may be off.
struct Bounds {
    /// Relative to the magnitude of the folded model: the weights were rounded.
    rounding: f64,
    /// Relative to the magnitudes of both: they were evaluated.
    evaluation: f64,
    original: Values,
    folded: Values,
}

impl Bounds {
    fn new(original: &ModelProto, folded: &ModelProto, inputs: &Values, element: FloatType) -> Result<Self, String> {
        let count = |model: &ModelProto| model.graph.as_ref().map_or(0, batch_norms);
        let layers = count(original).saturating_sub(count(folded)).max(1) as i32;
        let unit = element.unit_roundoff();
        Ok(Bounds {
            rounding: (1.0 + unit / (1.0 - unit)).powi(layers) - 1.0,
            evaluation: (constants(original) + 16) as f64 * FloatType::F64.unit_roundoff(),
            original: reference::magnitude(original, inputs, 0.0)?,
            folded: reference::magnitude(folded, inputs, smallest_normal(element))?,
        })
    }

    fn check(&self, name: &str, expected: &ArrayD<f64>, actual: &ArrayD<f64>) -> Result<(), String> {
        if expected.shape() != actual.shape() {
            return Err(format!("`{name}` was {:?} and became {:?}", expected.shape(), actual.shape()));
        }
        for (at, want) in expected.indexed_iter() {
            let (have, before, after) = (actual[&at], self.original[name][&at], self.folded[name][&at]);
            let bound = self.rounding * after + self.evaluation * (before + after);
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

fn smallest_normal(element: FloatType) -> f64 {
    f64::powi(
        2.0,
        match element {
            FloatType::F16 => -14,
            FloatType::Bf16 | FloatType::F32 => -126,
            FloatType::F64 => -1022,
        },
    )
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
            assert_same(&before(1.0), &rounded, &inputs, element);
            assert_same(&before(-0.99), &rounded, &inputs, element);
            assert!(compare(&before(1.1), &rounded, &inputs, element).is_err());
            assert!(compare(&before(-1.1), &rounded, &inputs, element).is_err());
        }
    }

    #[test]
    fn swapped_channels_are_not_the_same() {
        let (original, inputs) = product([1.0, 1.5, 1.25, 1.75], FloatType::F16);
        let (swapped, _) = product([1.5, 1.0, 1.75, 1.25], FloatType::F16);
        let difference = compare(&original, &swapped, &inputs, FloatType::F16).expect_err("they differ");
        assert!(difference.contains("`y`"), "{difference}");
    }

    #[test]
    fn rounding_below_the_normal_numbers_is_absolute() {
        // 2⁻²⁵ + ε rounds to the smallest f16, 2⁻²⁴: off by a half of itself.
        let (rounded, inputs) = product([f64::powi(2.0, -24); 4], FloatType::F16);
        let (original, _) = product([f64::powi(2.0, -25) * 1.001; 4], FloatType::F64);
        assert_same(&original, &rounded, &inputs, FloatType::F16);
    }
}
