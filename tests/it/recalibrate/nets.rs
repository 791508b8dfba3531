//! Small random networks, from a seed.

use crate::generate::{Builder, Numbers, Storage, attribute};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{AttributeProto, ModelProto};

const F32: FloatType = FloatType::F32;

/// A network under construction.
struct Net {
    builder: Builder,
    numbers: Numbers,
    count: usize,
}

/// From x `[1, 2, size, size]`: so many random steps on images of `channels`, a BatchNormalization behind
/// most of them, and a head of rank 2 that ends with one. There are at least three.
pub fn random(seed: u64, steps: usize, channels: usize, size: usize) -> ModelProto {
    let mut net = Net { builder: Builder::new(17), numbers: Numbers(seed), count: 0 };
    net.builder.input("x", F32, &[1, 2, size, size]);
    let first = net.conv("x", 2, channels);
    let mut values = vec![net.norm(&first, channels)];
    for _ in 0..steps {
        let last = values.last().expect("there is one").clone();
        let mut next = match net.numbers.below(6) {
            0 => net.add("Relu", &[&last]),
            1 => net.add("Tanh", &[&last]),
            2 => {
                let other = values[net.numbers.below(values.len())].clone();
                net.add("Add", &[&last, &other])
            }
            _ => net.conv(&last, channels, channels),
        };
        if net.numbers.chance(60) {
            next = net.norm(&next, channels);
        }
        values.push(next);
    }
    let last = values.last().expect("there is one").clone();
    let last = net.conv(&last, channels, channels);
    let last = net.norm(&last, channels);
    let pooled = net.add("GlobalAveragePool", &[&last]);
    let flat = net.add("Flatten", &[&pooled]);
    let weight = net.constant(&[channels, 3], -1.0, 1.0);
    let scores = net.add("MatMul", &[&flat, &weight]);
    let last = net.norm(&scores, 3);
    net.builder.node("Identity", &[&last], "y", Vec::new());
    net.builder.model("y", F32, 2, 8)
}

impl Net {
    fn fresh(&mut self, of: &str) -> String {
        self.count += 1;
        format!("{of}_{}", self.count)
    }

    fn constant(&mut self, shape: &[usize], low: f64, high: f64) -> String {
        let name = self.fresh("c");
        let values = self.numbers.uniform(shape.iter().product(), low, high, F32);
        self.builder.constant(&name, F32, shape, &values, Storage::Raw);
        name
    }

    fn add(&mut self, operator: &str, inputs: &[&str]) -> String {
        self.with(operator, inputs, Vec::new())
    }

    fn with(&mut self, operator: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let name = self.fresh(operator);
        self.builder.node(operator, inputs, &name, attributes);
        name
    }

    /// A Conv with kernels of 1 or 3, that keeps the size.
    fn conv(&mut self, input: &str, from: usize, to: usize) -> String {
        let pad = self.numbers.below(2);
        let kernel = 1 + 2 * pad;
        let weight = self.constant(&[to, from, kernel, kernel], -0.8, 1.0);
        let bias = self.constant(&[to], -1.0, 1.0);
        self.with("Conv", &[input, &weight, &bias], vec![attribute::ints("pads", &[pad; 4])])
    }

    fn norm(&mut self, input: &str, channels: usize) -> String {
        let bounds = [(0.5, 1.5), (-0.5, 0.5), (-1.0, 1.0), (0.3, 3.0)];
        let parameters = bounds.map(|(low, high)| self.constant(&[channels], low, high));
        let parameters = parameters.each_ref().map(String::as_str);
        self.add("BatchNormalization", &[&[input], &parameters[..]].concat())
    }
}
