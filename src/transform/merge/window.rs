//! Where the taps of a kernel lie, and the smallest kernel that covers two others.

use crate::graph::{Graph, NodeId};
use crate::onnx::schema::AttributeProto;

/// The spatial axes of a kernel; none for a matrix product.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    pub axes: Vec<Axis>,
}

/// One axis: at output position o, tap j lies on input position
/// `o · stride + j · dilation − begin`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub taps: i64,
    pub stride: i64,
    pub dilation: i64,
    /// Padding before.
    pub begin: i64,
    /// Padding after.
    pub end: i64,
}

/// With numbers below this nothing overflows. (Longer axes are nobody's.)
const LARGEST: i64 = 1 << 30;

/// The attributes that place the taps.
const ATTRIBUTES: [(&str, i32); 5] = [
    ("kernel_shape", AttributeProto::INTS),
    ("strides", AttributeProto::INTS),
    ("dilations", AttributeProto::INTS),
    ("pads", AttributeProto::INTS),
    ("auto_pad", AttributeProto::STRING),
];

impl Window {
    /// The window of a Conv with a kernel of these lengths.
    ///
    /// # Errors
    /// What the attributes are not.
    pub fn of_conv(graph: &Graph, node: NodeId, kernel: &[usize]) -> Result<Window, String> {
        let proto = graph.proto(node);
        if let Some(name) = proto.malformed_attribute(&ATTRIBUTES) {
            return Err(format!("its attribute `{name}` is malformed"));
        }
        let list = |name: &str, length: usize, least: i64| {
            let numbers = proto.ints(name).map_or(vec![least; length], <[i64]>::to_vec);
            let is_valid = numbers.len() == length && numbers.iter().all(|number| (least..LARGEST).contains(number));
            if is_valid { Ok(numbers) } else { Err(format!("its attribute `{name}` is {numbers:?}")) }
        };
        let count = kernel.len();
        let (strides, dilations, pads) =
            (list("strides", count, 1)?, list("dilations", count, 1)?, list("pads", 2 * count, 0)?);
        let lengths: Option<Vec<i64>> =
            kernel.iter().map(|length| i64::try_from(*length).ok().filter(|length| *length < LARGEST)).collect();
        let taps = lengths.filter(|taps| proto.ints("kernel_shape").is_none_or(|shape| shape == taps));
        let taps = taps.ok_or("its kernel_shape is not that of its weight")?;
        let axis = |at: usize| Axis {
            taps: taps[at],
            stride: strides[at],
            dilation: dilations[at],
            begin: pads[at],
            end: pads[count + at],
        };
        let mut window = Window { axes: (0..count).map(axis).collect() };
        let auto = proto.attribute("auto_pad").and_then(|attribute| attribute.s.as_ref());
        window.pad_automatically(auto.map_or("NOTSET".into(), |mode| mode.to_string()).as_str())?;
        Ok(window)
    }

    /// The kernel of one tap that takes each element as it is.
    pub fn point(axes: usize) -> Window {
        Window { axes: vec![Axis { taps: 1, stride: 1, dilation: 1, begin: 0, end: 0 }; axes] }
    }

    /// How many taps there are.
    pub fn taps(&self) -> Option<usize> {
        self.axes.iter().try_fold(1usize, |product, axis| product.checked_mul(usize::try_from(axis.taps).ok()?))
    }

    /// The smallest window that covers two.
    ///
    /// # Errors
    /// Why none does.
    pub fn join(&self, other: &Window) -> Result<Window, String> {
        if self.axes.len() != other.axes.len() {
            return Err("its kernel has another rank".into());
        }
        let axes = self.axes.iter().zip(&other.axes).map(|(one, other)| one.join(other)).collect::<Result<_, _>>()?;
        Ok(Window { axes })
    }

    /// Where each tap of `part` is among the taps of this window, which covers it; both row-major.
    pub fn places(&self, part: &Window) -> Vec<usize> {
        let mut places = vec![0];
        for (whole, part) in self.axes.iter().zip(&part.axes) {
            let first = (whole.begin - part.begin) / whole.dilation;
            let on_axis = (first..first + part.taps).map(|tap| tap as usize);
            places = places
                .iter()
                .flat_map(|place| on_axis.clone().map(move |tap| place * whole.taps as usize + tap))
                .collect();
        }
        places
    }

    /// The attributes that say it, explicitly.
    pub fn attributes(&self) -> [AttributeProto; 4] {
        let each = |of: fn(&Axis) -> i64| self.axes.iter().map(of).collect::<Vec<_>>();
        [
            AttributeProto::ints("kernel_shape", each(|axis| axis.taps)),
            AttributeProto::ints("strides", each(|axis| axis.stride)),
            AttributeProto::ints("dilations", each(|axis| axis.dilation)),
            AttributeProto::ints("pads", [each(|axis| axis.begin), each(|axis| axis.end)].concat()),
        ]
    }

    fn pad_automatically(&mut self, mode: &str) -> Result<(), String> {
        for axis in &mut self.axes {
            (axis.begin, axis.end) = match mode {
                "NOTSET" => (axis.begin, axis.end),
                "VALID" => (0, 0),
                // The padding depends on the length of the input, but for these.
                "SAME_UPPER" | "SAME_LOWER" if axis.taps == 1 => (0, 0),
                "SAME_UPPER" if axis.stride == 1 && axis.dilation == 1 => ((axis.taps - 1) / 2, axis.taps / 2),
                "SAME_LOWER" if axis.stride == 1 && axis.dilation == 1 => (axis.taps / 2, (axis.taps - 1) / 2),
                _ => return Err(format!("its padding is {mode}, which depends on the input")),
            };
        }
        Ok(())
    }
}

impl Axis {
    /// How much longer the output is than the input, at stride 1.
    fn growth(&self) -> i64 {
        self.begin + self.end - (self.taps - 1) * self.dilation
    }

    fn join(&self, other: &Axis) -> Result<Axis, String> {
        if self.stride != other.stride {
            return Err("its strides are others".into());
        }
        if self.growth() != other.growth() {
            return Err("its output has other lengths".into());
        }
        let dilation = self.common_dilation(other).ok_or("its dilations are others")?;
        let (begin, end) = (self.begin.max(other.begin), self.end.max(other.end));
        if (begin - self.begin) % dilation != 0 || (begin - other.begin) % dilation != 0 {
            return Err("its taps lie between those of the other kernel".into());
        }
        let taps = (begin + end - self.growth()) / dilation + 1;
        Ok(Axis { taps, stride: self.stride, dilation, begin, end })
    }

    /// The distance between taps; of one tap there is none, and two of them make their own.
    fn common_dilation(&self, other: &Axis) -> Option<i64> {
        match (self.taps, other.taps) {
            (1, 1) if self.begin == other.begin => Some(self.dilation),
            (1, 1) => Some((self.begin - other.begin).abs()),
            (1, _) => Some(other.dilation),
            (_, 1) => Some(self.dilation),
            _ => (self.dilation == other.dilation).then_some(self.dilation),
        }
    }
}
