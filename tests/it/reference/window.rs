//! Sliding windows: which input elements an output element of Conv or of a pool sees.

use super::call::Call;
use super::value::Result;

/// The geometry of a window over the spatial axes.
pub struct Window {
    pub kernel: Vec<usize>,
    /// The spatial lengths of the output.
    pub output: Vec<usize>,
    input: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    begin: Vec<i64>,
    end: Vec<i64>,
}

impl Window {
    /// Conv-22, MaxPool-22, AveragePool-22 (and before): `strides`, `dilations`, `pads`,
    /// `auto_pad` and `ceil_mode`, all optional.
    pub fn new(call: &Call, input: &[usize], kernel: &[usize]) -> Result<Self> {
        let mut window = Window {
            kernel: kernel.to_vec(),
            output: Vec::new(),
            input: input.to_vec(),
            strides: positive(call, "strides", input.len())?,
            dilations: positive(call, "dilations", input.len())?,
            begin: vec![0; input.len()],
            end: vec![0; input.len()],
        };
        let padding = call.string("auto_pad", "NOTSET");
        match padding.as_str() {
            "NOTSET" => window.explicit(&call.ints("pads"))?,
            "VALID" => {}
            "SAME_UPPER" => window.same(false),
            "SAME_LOWER" => window.same(true),
            other => return Err(format!("auto_pad={other}")),
        }
        // `VALID: ceil((input − extent + 1) / stride)` is the floor of explicit padding
        // (MaxPool-12, AveragePool-19; onnxruntime takes the ceiling).
        let ceil = call.flag("ceil_mode") && padding == "NOTSET";
        window.output = (0..input.len()).map(|axis| window.length(axis, ceil)).collect::<Result<_>>()?;
        Ok(window)
    }

    fn explicit(&mut self, pads: &Option<Vec<i64>>) -> Result<()> {
        let Some(pads) = pads else { return Ok(()) };
        if pads.len() != 2 * self.input.len() {
            return Err(format!("{} pads for {} spatial axes", pads.len(), self.input.len()));
        }
        self.begin = pads[..self.input.len()].to_vec();
        self.end = pads[self.input.len()..].to_vec();
        Ok(())
    }

    /// `output = ceil(input / stride)`; the odd element goes to the end, or to the beginning
    /// for SAME_LOWER.
    fn same(&mut self, lower: bool) {
        for axis in 0..self.input.len() {
            let windows = self.input[axis].div_ceil(self.strides[axis]) as i64;
            let reach = (windows - 1) * self.strides[axis] as i64 + self.extent(axis);
            let total = (reach - self.input[axis] as i64).max(0);
            let small = total / 2;
            (self.begin[axis], self.end[axis]) = if lower { (total - small, small) } else { (small, total - small) };
        }
    }

    /// The reach of the dilated kernel.
    fn extent(&self, axis: usize) -> i64 {
        ((self.kernel[axis] - 1) * self.dilations[axis] + 1) as i64
    }

    /// `floor((input + pads − extent) / stride + 1)`, or the ceiling of it. A window that
    /// would start in the padding at the end is ignored.
    fn length(&self, axis: usize, ceil: bool) -> Result<usize> {
        let (stride, input) = (self.strides[axis] as i64, self.input[axis] as i64);
        let room = input + self.begin[axis] + self.end[axis] - self.extent(axis);
        let mut length = room.div_euclid(stride) + 1;
        if ceil && room.rem_euclid(stride) != 0 && length * stride < input + self.begin[axis] {
            length += 1;
        }
        usize::try_from(length).map_err(|_| format!("the kernel is larger than axis {axis} of the input"))
    }

    /// Where a tap of the kernel lies for an output position, counted from the input's start.
    fn reach(&self, output: &[usize], tap: &[usize]) -> Vec<i64> {
        let at = |axis: usize| (output[axis] * self.strides[axis] + tap[axis] * self.dilations[axis]) as i64;
        (0..self.input.len()).map(|axis| at(axis) - self.begin[axis]).collect()
    }

    /// The input position under a tap, unless it is padding.
    pub fn source(&self, output: &[usize], tap: &[usize]) -> Option<Vec<usize>> {
        let inside = |(position, length): (i64, &usize)| usize::try_from(position).ok().filter(|at| at < length);
        self.reach(output, tap).into_iter().zip(&self.input).map(inside).collect()
    }

    /// Whether a tap lies on the input or its padding (a window of `ceil_mode` reaches beyond).
    pub fn is_padded(&self, output: &[usize], tap: &[usize]) -> bool {
        let reach = self.reach(output, tap);
        (0..reach.len()).all(|axis| reach[axis] < self.input[axis] as i64 + self.end[axis])
    }
}

/// One positive number per spatial axis, 1 by default.
pub fn positive(call: &Call, name: &str, rank: usize) -> Result<Vec<usize>> {
    let list = call.ints(name).unwrap_or_else(|| vec![1; rank]);
    let numbers: Vec<usize> = list.iter().filter_map(|one| usize::try_from(*one).ok().filter(|one| *one > 0)).collect();
    if numbers.len() == rank { Ok(numbers) } else { Err(format!("{name}={list:?} for {rank} spatial axes")) }
}
