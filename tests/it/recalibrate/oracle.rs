//! What the statistics have to be, computed by the reference evaluator in f64, sample by sample.
//!
//! Tolerances. The tool computes activations in float32 (u = 2⁻²⁴), this file in f64. If nothing
//! cancelled, a number that comes into a BatchNormalization would be M (`reference::magnitude`); after k
//! roundings on the way it is off by no more than k·u·M. So a mean over numbers xᵢ is off by no more than
//! the mean e₁ of k·u·Mᵢ, and a deviation, being a norm of the centred numbers, by no more than their root
//! mean square e₂: the variance by 2σe₂ + e₂². The tool sums in f64, which adds nothing to speak of. What
//! is stored is rounded once to its type, which adds half an ulp. Everything upstream is taken from the
//! result itself, already rounded.

use super::data::{Data, Inputs};
use crate::reference::{self, Constants, NormInputs, Value};
use bn_tool::onnx::access::text;
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{GraphProto, ModelProto, NodeProto};
use ndarray::{ArrayD, Axis};
use std::collections::BTreeMap;

/// What came into one channel, and its magnitudes.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    pub values: Vec<f64>,
    pub magnitudes: Vec<f64>,
}

/// A BatchNormalization of a model that was run on data.
#[derive(Clone, Debug)]
pub struct Norm {
    pub channels: Vec<Channel>,
    /// What it stores, `[C]`.
    pub mean: Vec<f64>,
    pub variance: Vec<f64>,
    /// The types of both.
    elements: [FloatType; 2],
}

/// The mean and the population variance, straight from the definition.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

/// Runs a model over samples: the BatchNormalizations that were reached, by name.
pub fn norms(model: &ModelProto, data: &Data) -> Result<BTreeMap<String, Norm>, String> {
    let mut norms = BTreeMap::new();
    for sample in &data.samples {
        add(&mut norms, model, sample)?;
    }
    Ok(norms)
}

fn add(norms: &mut BTreeMap<String, Norm>, model: &ModelProto, inputs: &Inputs) -> Result<(), String> {
    let seen = reference::norm_inputs(model, inputs, None)?;
    // Not all operators have one.
    let magnitudes = reference::norm_inputs(model, inputs, Some(&Constants::of(model))).ok();
    for (name, visits) in &seen {
        for (number, visit) in visits.iter().enumerate() {
            let [x, _, _, mean, variance] = &visit[..] else { return Err(format!("`{name}` has not five inputs")) };
            let norm = norms.entry(name.clone()).or_insert_with(|| Norm::new(mean, variance));
            norm.add(&x.data, magnitude(magnitudes.as_ref(), name, number, &x.data));
        }
    }
    Ok(())
}

/// The magnitudes of what came in at a visit; where nobody knows, 16 times the largest number.
fn magnitude(of: Option<&NormInputs>, name: &str, visit: usize, x: &ArrayD<f64>) -> ArrayD<f64> {
    let known = of.and_then(|of| Some(&of.get(name)?.get(visit)?.first()?.data));
    let known = known.filter(|known| known.shape() == x.shape());
    let largest = x.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    known.cloned().unwrap_or_else(|| x.mapv(|_| 16.0 * largest))
}

impl Norm {
    fn new(mean: &Value, variance: &Value) -> Norm {
        let element = |value: &Value| value.kind.float().expect("statistics are floats");
        let numbers = |value: &Value| value.data.iter().copied().collect::<Vec<_>>();
        Norm {
            channels: vec![Channel::default(); mean.data.len()],
            mean: numbers(mean),
            variance: numbers(variance),
            elements: [element(mean), element(variance)],
        }
    }

    fn add(&mut self, x: &ArrayD<f64>, magnitudes: ArrayD<f64>) {
        for (index, channel) in self.channels.iter_mut().enumerate() {
            channel.values.extend(x.index_axis(Axis(1), index));
            channel.magnitudes.extend(magnitudes.index_axis(Axis(1), index));
        }
    }

    /// How far what is stored is from what came in, in deviations of that.
    pub fn off(&self, unbiased: bool) -> f64 {
        let of = |channel: &Channel| {
            let (mean, variance) = moments(&channel.values);
            let count = channel.values.len() as f64;
            (mean, if unbiased { variance * count / (count - 1.0) } else { variance })
        };
        let (mean, variance): (Vec<f64>, Vec<f64>) = self.channels.iter().map(of).unzip();
        apart((&self.mean, &self.variance), (&mean, &variance))
    }

    /// Whether what is stored is what came in, after so many roundings on the way; `unbiased` if it is to
    /// be divided by n − 1.
    pub fn check(&self, roundings: f64, unbiased: bool) -> Result<(), String> {
        for (index, channel) in self.channels.iter().enumerate() {
            let count = channel.values.len() as f64;
            let (mean, population) = moments(&channel.values);
            let correction = if unbiased { count / (count - 1.0) } else { 1.0 };
            let variance = population * correction;
            let unit = FloatType::F32.unit_roundoff() * roundings;
            let errors = channel.magnitudes.iter().map(|magnitude| unit * magnitude);
            let first = errors.clone().sum::<f64>() / count;
            let second = (errors.map(|error| error * error).sum::<f64>() / count).sqrt();
            let allowed = [first, (2.0 * population.sqrt() * second + second * second) * correction];
            let pairs = [("mean", self.mean[index], mean), ("variance", self.variance[index], variance)];
            for (((what, stored, found), allowed), element) in pairs.into_iter().zip(allowed).zip(self.elements) {
                let allowed = allowed + rounding(stored, element) + 1e-13 * found.abs();
                if (stored - found).abs() > allowed || stored.is_nan() {
                    return Err(format!("{what} of channel {index} is {stored:e}, not {found:e} ± {allowed:e}"));
                }
            }
        }
        Ok(())
    }
}

/// The largest |Δμ|/√(σ²+ε) or |Δσ|/√(σ²+ε) between statistics, with the σ of the second; ε is the default.
pub fn apart(a: (&[f64], &[f64]), b: (&[f64], &[f64])) -> f64 {
    let channels = (0..b.0.len()).map(|c| {
        let unit = (b.1[c] + f64::from(1e-5f32)).sqrt();
        let off = (a.0[c] - b.0[c]).abs().max((a.1[c].sqrt() - b.1[c].sqrt()).abs()) / unit;
        if a.0[c].is_nan() || a.1[c].is_nan() { f64::INFINITY } else { off }
    });
    channels.fold(0.0, f64::max)
}

/// The largest distance between what two models store.
pub fn distance(a: &BTreeMap<String, Norm>, b: &BTreeMap<String, Norm>) -> f64 {
    assert_eq!(a.len(), b.len());
    let each = a.iter().map(|(name, a)| apart((&a.mean, &a.variance), (&b[name].mean, &b[name].variance)));
    each.fold(0.0, f64::max)
}

/// How far a number that was rounded to a type can be from what it was.
fn rounding(value: f64, element: FloatType) -> f64 {
    let smallest = match element {
        FloatType::F16 => f64::powi(2.0, -24),
        FloatType::F32 => f64::from(f32::from_bits(1)),
        _ => 0.0,
    };
    let unit = element.unit_roundoff();
    unit / (1.0 - unit) * value.abs() + smallest / 2.0
}

/// An upper bound of the roundings that any number has seen: four for each node (BatchNormalization
/// rounds its two parameters, the product and the sum), and one for each term that a linear operator sums,
/// which is no more than its weight has elements.
pub fn roundings(model: &ModelProto) -> f64 {
    let graph = model.graph.as_ref().expect("there is a graph");
    let mut largest = BTreeMap::new();
    for tensor in &graph.initializer {
        largest.insert(text(&tensor.name).to_string(), tensor.dims.iter().product::<i64>() as f64);
    }
    of_graph(graph, &largest)
}

fn of_graph(graph: &GraphProto, elements: &BTreeMap<String, f64>) -> f64 {
    let of_node = |node: &NodeProto| {
        let is_linear = matches!(&**node.standard_op(), b"Conv" | b"ConvTranspose" | b"Gemm" | b"MatMul");
        let count = |name: &bstr::BString| elements.get(&name.to_string()).copied();
        // A weight that is computed is no larger than the largest constant.
        let all = || elements.values().copied().fold(0.0, f64::max);
        let terms = if is_linear { node.input.get(1).and_then(count).unwrap_or_else(all) } else { 0.0 };
        4.0 + terms + node.subgraphs().map(|graph| of_graph(graph, elements)).sum::<f64>()
    };
    graph.node.iter().map(of_node).sum()
}
