//! Writes a ResNet-152 with BatchNormalization and random weights (240 MB; twice as wide: 1 GB):
//! something large to measure with.
//!
//! ```text
//! cargo run --release --example resnet152 -- resnet152.onnx
//! cargo run --release --example resnet152 -- wide.onnx 2
//! ```
//!
//! He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1.

use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::save;
use bn_tool::onnx::schema::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: resnet152 OUT.onnx [WIDTH]")?;
    let width = std::env::args().nth(2).map_or(Ok(1), |width| width.parse())?;
    save(&resnet152(width), Path::new(&path))?;
    Ok(())
}

/// The network under construction.
struct Network {
    graph: GraphProto,
    random: Pcg64Mcg,
}

/// A ResNet-152 whose layers are `wide` times as wide.
fn resnet152(wide: usize) -> ModelProto {
    let graph = GraphProto { name: Some("resnet152".into()), ..Default::default() };
    let mut network = Network { graph, random: Pcg64Mcg::new(152) };
    network.graph.input.push(image("image", &[1, 3, 224, 224]));
    let mut channels = 64 * wide;
    let stem = network.conv_norm("stem", "image", [channels, 3, 7], 2);
    let stem = network.node("Relu", "stem.relu", &[&stem], vec![]);
    let pool = vec![ints("kernel_shape", [3; 2]), ints("strides", [2; 2]), ints("pads", [1; 4])];
    let mut value = network.node("MaxPool", "pool", &[&stem], pool);
    for (layer, blocks) in [3, 8, 36, 3].into_iter().enumerate() {
        let width = (wide * 64) << layer;
        for block in 0..blocks {
            let stride = if layer > 0 && block == 0 { 2 } else { 1 };
            value = network.bottleneck(&format!("layer{layer}.{block}"), &value, channels, width, stride);
            channels = width * 4;
        }
    }
    let pooled = network.node("GlobalAveragePool", "mean", &[&value], vec![]);
    let flat = network.node("Flatten", "flat", &[&pooled], vec![]);
    let weight = network.weight("fc.weight", &[1000, channels]);
    let transposed = vec![AttributeProto::int("transB", 1)];
    let scores = network.node("Gemm", "scores", &[&flat, &weight], transposed);
    network.graph.output.push(image(&scores, &[1, 1000]));
    let opset_import = vec![OperatorSetIdProto { version: Some(17), ..Default::default() }];
    ModelProto { ir_version: Some(8), graph: Some(network.graph), opset_import, ..Default::default() }
}

impl Network {
    fn bottleneck(&mut self, name: &str, input: &str, channels: usize, width: usize, stride: i64) -> String {
        let mut value = input.to_owned();
        for (index, (shape, stride)) in
            [([width, channels, 1], 1), ([width, width, 3], stride), ([width * 4, width, 1], 1)].into_iter().enumerate()
        {
            value = self.conv_norm(&format!("{name}.conv{index}"), &value, shape, stride);
            if index < 2 {
                value = self.node("Relu", &format!("{name}.relu{index}"), &[&value], vec![]);
            }
        }
        let shortcut = match channels == width * 4 {
            true => input.to_owned(),
            false => self.conv_norm(&format!("{name}.down"), input, [width * 4, channels, 1], stride),
        };
        let sum = self.node("Add", &format!("{name}.sum"), &[&value, &shortcut], vec![]);
        self.node("Relu", &format!("{name}.out"), &[&sum], vec![])
    }

    /// Conv `[C_out, C_in, k, k]` without bias, then BatchNormalization.
    fn conv_norm(&mut self, name: &str, input: &str, [out, channels, kernel]: [usize; 3], stride: i64) -> String {
        let weight = self.weight(&format!("{name}.weight"), &[out, channels, kernel, kernel]);
        let pad = (kernel / 2) as i64;
        let attributes = vec![ints("strides", [stride; 2]), ints("pads", [pad; 4])];
        let value = self.node("Conv", &format!("{name}.conv"), &[input, &weight], attributes);
        let parameters = ["scale", "bias", "mean", "var"].map(|parameter| {
            let values: Vec<f64> = (0..out).map(|_| self.random.random_range(0.5..1.5)).collect();
            let name = format!("{name}.{parameter}");
            self.graph.initializer.push(TensorProto::floats(name.clone(), FloatType::F32, &[out], &values));
            name
        });
        let [scale, bias, mean, var] = &parameters;
        self.node("BatchNormalization", &format!("{name}.bn"), &[&value, scale, bias, mean, var], vec![])
    }

    fn weight(&mut self, name: &str, shape: &[usize]) -> String {
        let inputs: usize = shape[1..].iter().product();
        let bound = (3.0 / inputs as f64).sqrt();
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| self.random.random_range(-bound..bound)).collect();
        self.graph.initializer.push(TensorProto::floats(name, FloatType::F32, shape, &values));
        name.to_owned()
    }

    fn node(&mut self, op: &str, name: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let input = inputs.iter().map(|input| (*input).into()).collect();
        let (output, name_field, op_type) = (vec![name.into()], Some(name.into()), Some(op.into()));
        self.graph.node.push(NodeProto { input, output, name: name_field, op_type, attribute, ..Default::default() });
        name.to_owned()
    }
}

fn ints<const N: usize>(name: &str, values: [i64; N]) -> AttributeProto {
    AttributeProto { name: Some(name.into()), ints: values.to_vec().into(), r#type: Some(7), ..Default::default() }
}

fn image(name: &str, shape: &[i64]) -> ValueInfoProto {
    let dim = |length: &i64| Dimension { dim_value: Some(*length), ..Default::default() };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect(), ..Default::default() });
    let tensor_type = TensorTypeProto { elem_type: Some(DataType::Float.code()), shape, ..Default::default() };
    let r#type = Some(TypeProto { tensor_type: Some(tensor_type), ..Default::default() });
    ValueInfoProto { name: Some(name.into()), r#type, ..Default::default() }
}
