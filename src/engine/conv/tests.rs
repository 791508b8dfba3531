use crate::engine::testing::{ints, model, node};
use crate::engine::{Array, Session};
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{AttributeProto, ModelProto, NodeProto, TensorProto};
use proptest::prelude::*;

/// One Conv node.
#[derive(Clone, Debug)]
struct Case {
    batch: usize,
    groups: usize,
    /// Of a group.
    channels: usize,
    outputs: usize,
    image: Vec<usize>,
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    padding: Padding,
    bias: bool,
    /// Whether the weights are constants.
    constant: bool,
}

#[derive(Clone, Debug)]
enum Padding {
    /// Before and after, along each axis.
    Explicit(Vec<(usize, usize)>),
    Valid,
    SameUpper,
    SameLower,
}

fn cases() -> impl Strategy<Value = Case> {
    let axis = (1usize..12, 1usize..5, 1usize..4, 1usize..4, (0usize..4, 0usize..4));
    let channels = (1usize..3, 1usize..4, 1usize..4, prop_oneof![1usize..6, 6usize..20]);
    let kinds = (0u8..5, any::<bool>(), prop::bool::weighted(0.8));
    (channels, prop::collection::vec(axis, 1..=3), kinds).prop_map(
        |((batch, groups, channels, outputs), axes, kinds)| {
            let padding = match kinds.0 {
                0 => Padding::Valid,
                1 => Padding::SameUpper,
                2 => Padding::SameLower,
                _ => Padding::Explicit(axes.iter().map(|axis| axis.4).collect()),
            };
            Case {
                batch,
                groups,
                channels,
                outputs,
                image: axes.iter().map(|axis| axis.0).collect(),
                kernel: axes.iter().map(|axis| axis.1).collect(),
                strides: axes.iter().map(|axis| axis.2).collect(),
                dilations: axes.iter().map(|axis| axis.3).collect(),
                padding,
                bias: kinds.1,
                constant: kinds.2,
            }
        },
    )
}

impl Case {
    /// The padding before, and the length of the output, by the specification of Conv.
    fn axis(&self, axis: usize) -> (usize, usize) {
        let (image, stride) = (self.image[axis], self.strides[axis]);
        let reach = (self.kernel[axis] - 1) * self.dilations[axis] + 1;
        let fit = |padded: usize| if padded < reach { 0 } else { (padded - reach) / stride + 1 };
        let same = image.div_ceil(stride);
        let total = ((same - 1) * stride + reach).saturating_sub(image);
        match &self.padding {
            Padding::Explicit(pads) => (pads[axis].0, fit(image + pads[axis].0 + pads[axis].1)),
            Padding::Valid => (0, fit(image)),
            Padding::SameUpper => (total / 2, same),
            Padding::SameLower => (total - total / 2, same),
        }
    }

    fn shapes(&self) -> [Vec<usize>; 3] {
        let with = |first: usize, second: usize, rest: &[usize]| [&[first, second], rest].concat();
        let output: Vec<usize> = (0..self.image.len()).map(|axis| self.axis(axis).1).collect();
        let outputs = self.groups * self.outputs;
        [
            with(self.batch, self.groups * self.channels, &self.image),
            with(outputs, self.channels, &self.kernel),
            with(self.batch, outputs, &output),
        ]
    }

    /// Nested loops over all outputs and all they are sums of.
    fn expected(&self, x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
        let [image, kernel, output] = self.shapes();
        let place = |index: &[usize], shape: &[usize]| index.iter().zip(shape).fold(0, |at, (i, n)| at * n + i);
        let each = |shape: &[usize]| {
            let shape = shape.to_vec();
            (0..shape.iter().product()).map(move |mut at: usize| {
                let mut index = vec![0; shape.len()];
                for axis in (0..shape.len()).rev() {
                    (index[axis], at) = (at % shape[axis], at / shape[axis]);
                }
                index
            })
        };
        let mut y = Vec::new();
        for at in each(&output) {
            let mut sum = if self.bias { b[at[1]] } else { 0.0 };
            for tap in each(&kernel[1..]) {
                let from: Option<Vec<usize>> = (0..self.image.len())
                    .map(|axis| {
                        let padded = at[axis + 2] * self.strides[axis] + tap[axis + 1] * self.dilations[axis];
                        padded.checked_sub(self.axis(axis).0).filter(|at| *at < self.image[axis])
                    })
                    .collect();
                let Some(from) = from else { continue };
                let channel = at[1] / self.outputs * self.channels + tap[0];
                let weight = w[place(&[&[at[1]], &tap[..]].concat(), &kernel)];
                sum += weight * x[place(&[&[at[0], channel], &from[..]].concat(), &image)];
            }
            y.push(sum);
        }
        y
    }

    fn node(&self) -> NodeProto {
        let list = |name: &str, values: &[usize]| ints(name, &values.iter().map(|v| *v as i64).collect::<Vec<_>>());
        let automatic = |kind: &str| AttributeProto {
            name: Some("auto_pad".into()),
            s: Some(kind.as_bytes().to_vec().into()),
            r#type: Some(3),
            ..Default::default()
        };
        let padding = match &self.padding {
            Padding::Explicit(pads) => {
                let (before, after): (Vec<_>, Vec<_>) = pads.iter().copied().unzip();
                list("pads", &[before, after].concat())
            }
            Padding::Valid => automatic("VALID"),
            Padding::SameUpper => automatic("SAME_UPPER"),
            Padding::SameLower => automatic("SAME_LOWER"),
        };
        let group = AttributeProto::int("group", self.groups as i64);
        let attributes = vec![list("strides", &self.strides), list("dilations", &self.dilations), padding, group];
        node("Conv", if self.bias { "x w b" } else { "x w" }, "y", attributes)
    }

    fn model(&self, w: &[f64], b: &[f64], float: FloatType) -> ModelProto {
        let [image, kernel, _] = self.shapes();
        let axes: Vec<String> = image.iter().map(usize::to_string).collect();
        let axes: Vec<&str> = axes.iter().map(String::as_str).collect();
        let stored = if self.constant { "w" } else { "stored" };
        let mut constants = vec![TensorProto::floats(stored, float, &kernel, w)];
        constants.push(TensorProto::floats("b", float, &[b.len()], b));
        constants.push(TensorProto::floats("zero", float, &[], &[0.0]));
        let mut nodes = vec![self.node()];
        if !self.constant {
            // tract cannot know that they are: 0 · Σx is added.
            nodes.insert(0, node("ReduceSum", "x", "sum", vec![AttributeProto::int("keepdims", 0)]));
            nodes.insert(1, node("Mul", "sum zero", "nothing", vec![]));
            nodes.insert(2, node("Add", "stored nothing", "w", vec![]));
        }
        let element = if float == FloatType::F64 { DataType::Double } else { DataType::Float };
        model(17, (element, &axes), constants, nodes, "y")
    }

    fn check(&self, float: FloatType) {
        let [image, kernel, output] = self.shapes();
        // Multiples of 1/8 below 2: exact in f32, and so are their products.
        let numbers = |shape: &[usize], seed: usize| -> Vec<f64> {
            let count = shape.iter().product::<usize>();
            (0..count).map(|i| ((i * 37 + i / 5 + seed * 11) % 31) as f64 / 8.0 - 1.875).collect()
        };
        let (x, w, b) = (numbers(&image, 1), numbers(&kernel, 2), numbers(&kernel[..1], 3));
        let session =
            Session::compile(&self.model(&w, &b, float), std::slice::from_ref(&image), Some(float)).expect("compiles");
        assert!(session.operators().contains("Convolution"), "{}", session.operators());
        let input = Array::floats(float, image, &x).expect("consistent");
        let y = session.worker().expect("starts").run(&[input]).expect("runs").remove(0);
        assert_eq!(y.shape(), output);
        // Sums of numbers that are exact, and small enough that the sums are as well.
        assert!(y.values() == self.expected(&x, &w, &b), "{float:?}: {self:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_are_those_of_the_specification(case in cases()) {
        case.check(FloatType::F32);
        case.check(FloatType::F64);
    }
}

/// Of lengths that tiles, bands and copies of columns are made for.
#[test]
fn so_are_large_ones() {
    let plain = |groups, channels, outputs, image: &[usize], kernel: &[usize]| Case {
        batch: 1,
        groups,
        channels,
        outputs,
        image: image.to_vec(),
        kernel: kernel.to_vec(),
        strides: vec![1; image.len()],
        dilations: vec![1; image.len()],
        padding: Padding::SameUpper,
        bias: true,
        constant: true,
    };
    let strided = |case: Case| Case { strides: vec![2; case.image.len()], ..case };
    for case in [
        plain(1, 40, 41, &[13, 17], &[1, 1]),
        plain(1, 1, 35, &[64, 64], &[1, 1]),
        plain(1, 30, 9, &[90, 70], &[3, 3]),
        plain(24, 1, 1, &[29, 31], &[5, 5]),
        plain(9, 1, 2, &[40, 40], &[3, 3]),
        plain(1, 2, 3, &[3, 150], &[1, 9]),
        plain(1, 3, 16, &[1000], &[25]),
        plain(1, 3, 5, &[9, 20, 21], &[3, 3, 3]),
    ] {
        for case in [strided(case.clone()), case] {
            case.check(FloatType::F32);
            case.check(FloatType::F64);
        }
    }
}

/// Bands of rows, groups, and samples of a batch, all of which use the same memory.
#[test]
fn so_are_those_of_many_bands() {
    let case = |groups, channels, strides: [usize; 2], dilations: [usize; 2]| Case {
        batch: 2,
        groups,
        channels,
        outputs: 1,
        image: vec![200, 130],
        kernel: vec![3, 3],
        strides: strides.to_vec(),
        dilations: dilations.to_vec(),
        padding: Padding::SameUpper,
        bias: true,
        constant: true,
    };
    for case in [case(2, 6, [1, 1], [1, 1]), case(3, 6, [1, 1], [2, 3]), case(2, 6, [3, 2], [1, 1])] {
        case.check(FloatType::F32);
        case.check(FloatType::F64);
    }
}

#[test]
fn of_nothing_it_is_the_bias() {
    let of = |x: &str, weight: &str| {
        let text = format!(
            "<ir_version: 8, opset_import: [\"\" : 17]> g (float[1,2,4,4] x) => (y) <
               float zero = {{0}}, float[2] b = {{5, 7}}, int64[1] none = {{0}}, {weight}> {{
               sum = ReduceSum <keepdims = 0> (x)
               nothing = Mul (sum, zero)
               bias = Add (b, nothing)
               {x}
               y = Conv <pads = [2, 1, 2, 1]> (empty, w, bias)
             }}"
        );
        let session = Session::compile(&crate::onnx::text::parse(text).expect("a model"), &[vec![1, 2, 4, 4]], None);
        let x = Array::floats(FloatType::F32, vec![1, 2, 4, 4], &[1.0; 32]).expect("consistent");
        session.expect("compiles").worker().expect("starts").run(&[x]).expect("runs").remove(0)
    };
    let rows = of(
        "axis = Constant <value_ints = [2]> () empty = Slice (x, none, none, axis)",
        "float[2,2,3,3] w = {1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9}",
    );
    assert_eq!((rows.shape(), rows.values()), (&[1, 2, 2, 4][..], [[5.0; 8], [7.0; 8]].concat()));
}

/// The error of a sum of K products grows as √K roundings of what is summed.
#[test]
fn long_sums_are_accurate() {
    let (channels, outputs) = (4096, 3);
    let value = |i: usize| ((i as f64) * 0.7).sin();
    let x: Vec<f64> = (0..channels).map(|i| f64::from(value(i) as f32)).collect();
    let w: Vec<f64> = (0..channels * outputs).map(|i| f64::from(value(i + 5) as f32)).collect();
    let dims = [outputs, channels, 1];
    let constants = vec![TensorProto::floats("w", FloatType::F32, &dims, &w)];
    let model =
        model(17, (DataType::Float, &["1", "4096", "1"]), constants, vec![node("Conv", "x w", "y", vec![])], "y");
    for (float, unit) in [(FloatType::F32, f64::from(f32::EPSILON)), (FloatType::F64, f64::EPSILON)] {
        let session = Session::compile(&model, &[vec![1, channels, 1]], Some(float)).expect("compiles");
        let input = Array::floats(FloatType::F32, vec![1, channels, 1], &x).expect("consistent");
        let y = session.worker().expect("starts").run(&[input]).expect("runs").remove(0);
        for (y, w) in y.values().iter().zip(w.chunks(channels)) {
            let exact: f64 = x.iter().zip(w).map(|(x, w)| x * w).sum();
            let magnitude: f64 = x.iter().zip(w).map(|(x, w)| (x * w).abs()).sum();
            assert!((y - exact).abs() <= (channels as f64).sqrt() * unit * magnitude, "{y} for {exact}");
        }
    }
}

fn operators(text: &str) -> String {
    let model = crate::onnx::text::parse(text).expect("the text is a model");
    Session::compile(&model, &[vec![1, 1, 3, 3]], None).expect("it compiles").operators()
}

#[test]
fn integers_and_halves_stay_with_tract() {
    let integers = "<ir_version: 8, opset_import: [\"\" : 17]> g (uint8[1,1,3,3] x) => (y) <
        uint8[1,1,2,2] w = {1, 2, 3, 4}> { y = ConvInteger (x, w) }";
    assert!(!operators(integers).contains("Convolution"));
    let halves = "<ir_version: 8, opset_import: [\"\" : 17]> g (float16[1,1,3,3] x) => (y) <
        float16[1,1,2,2] w = {1, 2, 3, 4}> { y = Conv (x, w) }";
    assert!(!operators(halves).contains("Convolution"));
}

#[test]
fn weights_that_do_not_fit_are_an_error() {
    for (weight, group) in [([2, 3, 1, 1], 1), ([3, 1, 1, 1], 2), ([2, 2, 0, 1], 1)] {
        let count = weight.iter().product();
        let constants = vec![TensorProto::floats("w", FloatType::F32, &weight, &vec![1.0; count])];
        let conv = node("Conv", "x w", "y", vec![AttributeProto::int("group", group)]);
        let model = model(17, (DataType::Float, &["1", "2", "4", "4"]), constants, vec![conv], "y");
        let run = Session::compile(&model, &[vec![1, 2, 4, 4]], None).and_then(|session| {
            let input = Array::floats(FloatType::F32, vec![1, 2, 4, 4], &[1.0; 32]).expect("consistent");
            session.worker()?.run(&[input])
        });
        assert!(run.is_err(), "{weight:?} in {group} groups");
    }
}
