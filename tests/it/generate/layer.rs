//! The linear operators: their shapes, and how they are written.

use super::builder::Builder;
use super::numbers::{Numbers, Storage};
use super::window::{Padding, Window, windows};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::AttributeProto;
use proptest::prelude::*;

/// A linear operator.
#[derive(Clone, Debug)]
pub enum Layer {
    /// `rows` output and `columns` input channels per group.
    Conv {
        window: Window,
        rows: usize,
        columns: usize,
        bias: Bias,
    },
    ConvTranspose {
        window: Window,
        rows: usize,
        columns: usize,
        bias: Bias,
    },
    /// `[M, K] · [K, N]`.
    Gemm {
        size: [usize; 3],
        transpose: [bool; 2],
        alpha: f32,
        beta: f32,
        c: Option<Shape>,
    },
    MatMul {
        size: [usize; 3],
    },
    MatMulAdd {
        size: [usize; 3],
        bias: Shape,
        constant_left: bool,
    },
}

/// The bias of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bias {
    Absent,
    /// An input called "".
    Unnamed,
    Present,
}

/// The shape of what is added to a product `[M, N]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Scalar,
    One,
    Vector,
    Row,
    Column,
    Matrix,
}

impl Shape {
    fn lengths(self, m: usize, n: usize) -> Vec<usize> {
        match self {
            Shape::Scalar => vec![],
            Shape::One => vec![1],
            Shape::Vector => vec![n],
            Shape::Row => vec![1, n],
            Shape::Column => vec![m, 1],
            Shape::Matrix => vec![m, n],
        }
    }
}

/// What building needs besides the operator.
pub struct Site<'a> {
    pub builder: &'a mut Builder,
    pub numbers: &'a mut Numbers,
    pub element: FloatType,
    /// Of the weight and of the bias.
    pub storage: [Storage; 2],
}

impl Site<'_> {
    fn weight(&mut self, shape: &[usize]) {
        let values = self.numbers.uniform(shape.iter().product(), -1.0, 1.0, self.element);
        self.builder.constant("w", self.element, shape, &values, self.storage[0]);
    }

    fn bias(&mut self, shape: &[usize]) {
        let values = self.numbers.uniform(shape.iter().product(), -1.0, 1.0, self.element);
        self.builder.constant("b", self.element, shape, &values, self.storage[1]);
    }
}

impl Layer {
    /// Whether the operator takes bf16 only from opset 22 on (the others from 13).
    pub fn is_convolution(&self) -> bool {
        matches!(self, Layer::Conv { .. } | Layer::ConvTranspose { .. })
    }

    /// The shape of the input `x`.
    pub fn input(&self) -> Vec<usize> {
        match self {
            Layer::Conv { window, columns, .. } => [&[2, window.group * columns], &window.input()[..]].concat(),
            Layer::ConvTranspose { window, columns, .. } => {
                let lengths: Vec<usize> = window.axes.iter().map(|axis| axis.slack + 1).collect();
                [&[2, window.group * columns], &lengths[..]].concat()
            }
            Layer::Gemm { size: [m, k, _], transpose: [true, _], .. } => vec![*k, *m],
            Layer::Gemm { size: [m, k, _], .. } => vec![*m, *k],
            Layer::MatMul { size: [m, k, _] } | Layer::MatMulAdd { size: [m, k, _], .. } => vec![*m, *k],
        }
    }

    /// The channels of the output.
    pub fn channels(&self) -> usize {
        match self {
            Layer::Conv { window, rows, .. } | Layer::ConvTranspose { window, rows, .. } => window.group * rows,
            Layer::Gemm { size, .. } | Layer::MatMul { size } | Layer::MatMulAdd { size, .. } => size[2],
        }
    }

    /// Adds constants and nodes; `x` is the input and `l` the output.
    pub fn build(&self, site: &mut Site) {
        match self {
            Layer::Conv { window, rows, columns, bias } => {
                site.weight(&[&[window.group * rows, *columns], &window.kernel()[..]].concat());
                convolution(site, "Conv", *bias, self.channels(), window.attributes());
            }
            Layer::ConvTranspose { window, rows, columns, bias } => {
                site.weight(&[&[window.group * columns, *rows], &window.kernel()[..]].concat());
                let attributes = [window.attributes(), vec![window.output_padding()]].concat();
                convolution(site, "ConvTranspose", *bias, self.channels(), attributes);
            }
            Layer::Gemm { size, transpose, alpha, beta, c } => gemm(site, *size, *transpose, [*alpha, *beta], *c),
            Layer::MatMul { size: [_, k, n] } => {
                site.weight(&[*k, *n]);
                site.builder.node("MatMul", &["x", "w"], "l", Vec::new());
            }
            Layer::MatMulAdd { size: [m, k, n], bias, constant_left } => {
                site.weight(&[*k, *n]);
                site.bias(&bias.lengths(*m, *n));
                site.builder.node("MatMul", &["x", "w"], "m", Vec::new());
                let old = site.builder.opset < 7;
                let attributes = if old { vec![AttributeProto::int("broadcast", 1)] } else { Vec::new() };
                // Before opset 7 only the right operand broadcasts.
                let operands = if *constant_left && !old { ["b", "m"] } else { ["m", "b"] };
                site.builder.node("Add", &operands, "l", attributes);
            }
        }
    }
}

fn convolution(site: &mut Site, op: &str, bias: Bias, channels: usize, attributes: Vec<AttributeProto>) {
    if bias == Bias::Present {
        site.bias(&[channels]);
    }
    let inputs: &[&str] = match bias {
        Bias::Absent => &["x", "w"],
        Bias::Unnamed => &["x", "w", ""],
        Bias::Present => &["x", "w", "b"],
    };
    site.builder.node(op, inputs, "l", attributes);
}

fn gemm(site: &mut Site, [m, k, n]: [usize; 3], transpose: [bool; 2], factors: [f32; 2], c: Option<Shape>) {
    let opset = site.builder.opset;
    site.weight(&if transpose[1] { [n, k] } else { [k, n] });
    // C must be there before opset 11, and may have any shape that broadcasts from 7 on.
    let c = match c {
        None if opset < 11 => Some(Shape::Vector),
        Some(Shape::Scalar | Shape::One | Shape::Column) if opset < 7 => Some(Shape::Matrix),
        other => other,
    };
    let mut attributes = vec![
        AttributeProto::float("alpha", factors[0]),
        AttributeProto::float("beta", factors[1]),
        AttributeProto::int("transA", transpose[0].into()),
        AttributeProto::int("transB", transpose[1].into()),
    ];
    attributes.extend((opset < 7).then(|| AttributeProto::int("broadcast", 1)));
    let mut inputs = vec!["x", "w"];
    if let Some(c) = c {
        site.bias(&c.lengths(m, n));
        inputs.push("b");
    }
    site.builder.node("Gemm", &inputs, "l", attributes);
}

/// Any linear operator.
pub fn layers() -> impl Strategy<Value = Layer> {
    prop_oneof![2 => convolutions(), 3 => products()]
}

fn convolutions() -> impl Strategy<Value = Layer> {
    let bias = prop::sample::select(vec![Bias::Absent, Bias::Unnamed, Bias::Present]);
    let numbers = (windows(), 1..=3usize, 1..=2usize, bias, any::<bool>());
    numbers.prop_map(|(mut window, rows, columns, bias, transpose)| {
        if !transpose {
            return Layer::Conv { window, rows, columns, bias };
        }
        // SAME_* of a dilated or shrinking ConvTranspose is read differently by everybody.
        if matches!(window.padding, Padding::Auto(mode) if mode != "VALID") {
            window.padding = Padding::None;
        }
        Layer::ConvTranspose { window, rows, columns, bias }
    })
}

fn products() -> impl Strategy<Value = Layer> {
    let size = || prop::array::uniform3(1..=4usize);
    let factor = || prop::sample::select(vec![1.0f32, 0.0, 0.25, -1.5]);
    // What the bias of a MatMul may be, and what else C of a Gemm.
    let row = vec![Shape::Scalar, Shape::One, Shape::Vector, Shape::Row];
    let any_shape = [&row[..], &[Shape::Column, Shape::Matrix]].concat();
    let c = prop::option::of(prop::sample::select(any_shape));
    prop_oneof![
        (size(), any::<[bool; 2]>(), factor(), factor(), c).prop_map(|(size, transpose, alpha, beta, c)| Layer::Gemm {
            size,
            transpose,
            alpha,
            beta,
            c
        }),
        size().prop_map(|size| Layer::MatMul { size }),
        (size(), prop::sample::select(row), any::<bool>()).prop_map(|(size, bias, constant_left)| Layer::MatMulAdd {
            size,
            bias,
            constant_left
        }),
    ]
}
