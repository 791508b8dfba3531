//! Conv, Gemm and MatMul, read as one thing: a matrix product is a convolution without spatial
//! axes, its weight transposed.

use super::constant::{Layout, Source};
use super::sum::{Leaf, sole_output, sole_reader};
use super::window::Window;
use crate::graph::{Graph, NodeId, ValueId};
use crate::onnx::element::FloatType;
use crate::onnx::schema::AttributeProto;
use crate::refusal::{Code, Refusal};

/// `gain · weight ∗ input + bias`.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    pub kind: Kind,
    pub node: NodeId,
    pub input: ValueId,
    pub element: FloatType,
    weight: ValueId,
    /// What the product is multiplied with (`alpha` of Gemm).
    gain: f64,
    bias: Option<(ValueId, f64)>,
    /// Output channels, and input channels per group.
    pub channels: [usize; 2],
    pub group: usize,
    pub window: Window,
    /// Whether Gemm transposes its input.
    pub input_is_transposed: bool,
    /// Whether the weight is stored as `[inputs, outputs]`.
    rows_are_inputs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Conv,
    Gemm,
    MatMul,
}

const GEMM_ATTRIBUTES: [(&str, i32); 4] = [
    ("alpha", AttributeProto::FLOAT),
    ("beta", AttributeProto::FLOAT),
    ("transA", AttributeProto::INT),
    ("transB", AttributeProto::INT),
];

impl Kind {
    pub fn of(graph: &Graph, node: NodeId) -> Option<Kind> {
        let op = graph.op(node);
        [Kind::Conv, Kind::Gemm, Kind::MatMul].into_iter().find(|kind| op == kind.name())
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Conv => "Conv",
            Kind::Gemm => "Gemm",
            Kind::MatMul => "MatMul",
        }
    }
}

impl Operator {
    /// The operator that makes a leaf of a sum; `None` when it is not one of these.
    pub fn read(graph: &Graph, source: &Source, leaf: &Leaf) -> Option<Result<Operator, String>> {
        let node = graph.producer(leaf.value)?;
        let (kind, input) = (Kind::of(graph, node)?, graph.input(node, 0)?);
        Some(Reader { graph, source, node }.read(kind, input, leaf))
    }

    /// Checks that both can be one operator, but for their windows.
    ///
    /// # Errors
    /// Why not.
    pub fn check_alike(&self, other: &Operator) -> Result<(), String> {
        let is_conv = [self, other].map(|operator| operator.kind == Kind::Conv);
        Err(match () {
            () if is_conv[0] != is_conv[1] => "it is another operator",
            () if self.element != other.element => "its weight is of another type",
            () if self.group != other.group => "its group is another one",
            () if self.channels != other.channels => "it has other numbers of channels",
            () if self.input_is_transposed != other.input_is_transposed => "only one of them transposes its input",
            () => return Ok(()),
        }
        .into())
    }

    /// The shape of the stored weight, if its window were this one.
    pub fn shape(&self, window: &Window) -> Vec<usize> {
        let [outputs, inputs] = self.channels;
        let mut shape = if self.rows_are_inputs { vec![inputs, outputs] } else { vec![outputs, inputs] };
        shape.extend(window.axes.iter().map(|axis| axis.taps as usize));
        shape
    }

    /// Elements `[outputs, inputs, taps…]` as the weight is stored.
    pub fn stored(&self, kernel: Vec<f64>) -> Vec<f64> {
        let [outputs, inputs] = self.channels;
        if self.rows_are_inputs { transposed(&kernel, outputs, inputs) } else { kernel }
    }

    /// Whether it has a bias of its own.
    pub fn has_bias(&self) -> bool {
        self.bias.is_some()
    }

    /// One number per channel, with all factors; zero where there is no bias.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bias(&self, source: &Source) -> Result<Vec<f64>, String> {
        let channels = self.channels[0];
        let Some((value, gain)) = self.bias.filter(|(_, gain)| *gain != 0.0) else { return Ok(vec![0.0; channels]) };
        let bias = source.per_channel(value, self.element, &Layout { channels, after: 0, rank: 2 });
        let bias = bias.ok_or("its bias cannot be read")?;
        Ok(bias.into_iter().map(|number| gain * number).collect())
    }

    /// The weight as `[outputs, inputs, taps…]`, with all factors.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn kernel(&self, graph: &Graph, source: &Source) -> Result<Vec<f64>, String> {
        let refuse = |reason| Refusal::not_constant(graph, Code::WeightNotConstant, "its weight", reason).detail;
        let mut values = source.unrounded(self.weight, self.element).map_err(refuse)?;
        let [outputs, inputs] = self.channels;
        if self.rows_are_inputs {
            values = transposed(&values, inputs, outputs);
        }
        values.iter_mut().for_each(|value| *value *= self.gain);
        Ok(values)
    }
}

/// A matrix of so many rows, by columns.
fn transposed(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..rows * columns).map(|place| values[place % rows * columns + place / rows]).collect()
}

struct Reader<'a> {
    graph: &'a Graph,
    source: &'a Source<'a>,
    node: NodeId,
}

impl Reader<'_> {
    fn read(&self, kind: Kind, input: ValueId, leaf: &Leaf) -> Result<Operator, String> {
        if sole_reader(self.graph, leaf.value) != Some(leaf.place) || sole_output(self.graph, self.node).is_none() {
            return Err(format!("`{}` is read elsewhere, too", self.graph.name(leaf.value)));
        }
        match kind {
            Kind::Conv => self.conv(input),
            Kind::Gemm => self.gemm(input),
            Kind::MatMul => self.matrix(Kind::MatMul, input, false),
        }
    }

    fn conv(&self, input: ValueId) -> Result<Operator, String> {
        let (weight, element, shape) = self.weight()?;
        let [outputs, inputs, kernel @ ..] = &shape[..] else {
            return Err(format!("its weight has the shape {shape:?}"));
        };
        let group = match self.graph.proto(self.node).malformed_attribute(&[("group", AttributeProto::INT)]) {
            None => usize::try_from(self.graph.proto(self.node).int("group", 1)).unwrap_or(0),
            Some(_) => 0,
        };
        if kernel.is_empty() || group == 0 || !outputs.is_multiple_of(group) {
            return Err(format!("its weight has the shape {shape:?}, its group is {group}"));
        }
        Ok(Operator {
            kind: Kind::Conv,
            node: self.node,
            input,
            element,
            weight,
            gain: 1.0,
            bias: self.bias(element, Layout { channels: *outputs, after: 0, rank: 1 }, 1.0)?,
            channels: [*outputs, *inputs],
            group,
            window: Window::of_conv(self.graph, self.node, kernel)?,
            input_is_transposed: false,
            rows_are_inputs: false,
        })
    }

    fn gemm(&self, input: ValueId) -> Result<Operator, String> {
        let proto = self.graph.proto(self.node);
        if let Some(name) = proto.malformed_attribute(&GEMM_ATTRIBUTES) {
            return Err(format!("its attribute `{name}` is malformed"));
        }
        let matrix = self.matrix(Kind::Gemm, input, proto.int("transB", 0) != 0)?;
        let layout = Layout { channels: matrix.channels[0], after: 0, rank: 2 };
        Ok(Operator {
            gain: proto.float("alpha", 1.0).into(),
            bias: self.bias(matrix.element, layout, proto.float("beta", 1.0).into())?,
            input_is_transposed: proto.int("transA", 0) != 0,
            ..matrix
        })
    }

    fn matrix(&self, kind: Kind, input: ValueId, transposed: bool) -> Result<Operator, String> {
        let (weight, element, shape) = self.weight()?;
        let [rows, columns] = shape[..] else { return Err(format!("its weight has the shape {shape:?}")) };
        Ok(Operator {
            kind,
            node: self.node,
            input,
            element,
            weight,
            gain: 1.0,
            bias: None,
            channels: if transposed { [rows, columns] } else { [columns, rows] },
            group: 1,
            window: Window { axes: Vec::new() },
            input_is_transposed: false,
            rows_are_inputs: !transposed,
        })
    }

    fn weight(&self) -> Result<(ValueId, FloatType, Vec<usize>), String> {
        let weight = self.graph.input(self.node, 1).ok_or("its weight is missing")?;
        let refuse = |reason| Refusal::not_constant(self.graph, Code::WeightNotConstant, "its weight", reason).detail;
        let (element, shape) = self.source.constants.type_and_shape(weight).map_err(refuse)?;
        let element = element.float().ok_or_else(|| format!("its weight is of type {}", element.name()))?;
        if shape.contains(&0) { Err("its weight is empty".into()) } else { Ok((weight, element, shape)) }
    }

    /// The bias and what it is multiplied with.
    fn bias(&self, element: FloatType, layout: Layout, gain: f64) -> Result<Option<(ValueId, f64)>, String> {
        let Some(value) = self.graph.input(self.node, 2) else { return Ok(None) };
        // That of a Conv is a vector and not broadcast.
        let is_vector = |(_, shape): (_, Vec<usize>)| shape == [layout.channels];
        let fits = layout.rank > 1 || self.source.constants.type_and_shape(value).is_ok_and(is_vector);
        if gain != 0.0 && !(fits && self.source.is_per_channel(value, element, &layout)) {
            return Err(format!("its bias `{}` is not a constant per channel", self.graph.name(value)));
        }
        Ok(Some((value, gain)))
    }
}
