//! `insert`.

mod commands;
mod fixtures;
mod others;
mod properties;

use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Shapes and bits of all outputs, by name.
fn bits(outputs: &BTreeMap<String, ArrayD<f64>>) -> BTreeMap<&str, (Vec<usize>, Vec<u64>)> {
    let bits = |array: &ArrayD<f64>| (array.shape().to_vec(), array.iter().map(|value| value.to_bits()).collect());
    outputs.iter().map(|(name, array)| (name.as_str(), bits(array))).collect()
}
