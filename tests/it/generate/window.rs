//! Random attributes of Conv and ConvTranspose.

use super::attribute;
use bn_tool::onnx::schema::AttributeProto;
use proptest::collection::vec;
use proptest::prelude::*;

/// One spatial axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// How much longer the input is than the dilated kernel.
    pub slack: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub pads: [usize; 2],
    /// For ConvTranspose: less than the stride.
    pub output_padding: usize,
}

/// How the input is padded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Padding {
    None,
    Explicit,
    Auto(&'static str),
}

/// Spatial axes and group of a Conv or ConvTranspose.
#[derive(Clone, Debug)]
pub struct Window {
    pub axes: Vec<Axis>,
    pub padding: Padding,
    pub group: usize,
}

impl Window {
    /// The lengths of the kernel.
    pub fn kernel(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.kernel).collect()
    }

    /// The lengths of the input: at least that of the dilated kernel.
    pub fn input(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| (axis.kernel - 1) * axis.dilation + 1 + axis.slack).collect()
    }

    /// The attributes, without `output_padding`.
    pub fn attributes(&self) -> Vec<AttributeProto> {
        let list =
            |name: &str, of: fn(&Axis) -> usize| attribute::ints(name, &self.axes.iter().map(of).collect::<Vec<_>>());
        let mut attributes = vec![
            list("kernel_shape", |axis| axis.kernel),
            list("strides", |axis| axis.stride),
            list("dilations", |axis| axis.dilation),
            AttributeProto::int("group", self.group as i64),
        ];
        match self.padding {
            Padding::None => {}
            Padding::Auto(mode) => attributes.push(attribute::string("auto_pad", mode)),
            Padding::Explicit => {
                let side = |side: usize| self.axes.iter().map(move |axis| axis.pads[side]);
                attributes.push(attribute::ints("pads", &side(0).chain(side(1)).collect::<Vec<_>>()));
            }
        }
        attributes
    }

    /// The `output_padding` of a ConvTranspose.
    pub fn output_padding(&self) -> AttributeProto {
        attribute::ints("output_padding", &self.axes.iter().map(|axis| axis.output_padding).collect::<Vec<_>>())
    }
}

/// One to three axes, one to three groups.
pub fn windows() -> impl Strategy<Value = Window> {
    let padding = prop_oneof![
        Just(Padding::None),
        Just(Padding::Explicit),
        Just(Padding::Auto("VALID")),
        Just(Padding::Auto("SAME_UPPER")),
        Just(Padding::Auto("SAME_LOWER")),
    ];
    (vec(axes(), 1..=3), padding, 1..=3usize).prop_map(|(axes, padding, group)| Window { axes, padding, group })
}

fn axes() -> impl Strategy<Value = Axis> {
    // Padding less than the kernel, so that a ConvTranspose has an output left.
    let numbers = (0..=2usize, 1..=3usize, 1..=2usize, 1..=2usize, 0..=2usize, 0..=2usize, 0..=1usize);
    numbers.prop_map(|(slack, kernel, stride, dilation, begin, end, extra)| Axis {
        slack,
        kernel,
        stride,
        dilation,
        pads: [begin.min((kernel - 1) / 2), end.min((kernel - 1) / 2)],
        output_padding: extra.min(stride - 1),
    })
}
