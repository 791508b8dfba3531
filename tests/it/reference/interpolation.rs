//! How Resize finds what an element of the output is made of, along one axis.

use super::call::Call;

/// The attributes of Resize that concern every axis alike.
pub struct Rule {
    mode: String,
    coordinates: String,
    nearest: String,
    cubic: f64,
    exclude_outside: bool,
}

/// One axis, before and after.
pub struct Axis {
    length: usize,
    pub resized: usize,
    scale: f64,
    pub roi: [f64; 2],
}

impl Rule {
    /// Upsample, and Resize before opset 11, divide positions by the scale and round down.
    pub fn new(call: &Call) -> Self {
        let old = call.opset < 11 || call.op() == "Upsample";
        let string = |name: &str, default: &str| call.string(name, default);
        Rule {
            mode: string("mode", "nearest"),
            coordinates: if old { "asymmetric".into() } else { string("coordinate_transformation_mode", "half_pixel") },
            nearest: if old { "floor".into() } else { string("nearest_mode", "round_prefer_floor") },
            cubic: call.float("cubic_coeff_a", -0.75),
            exclude_outside: call.flag("exclude_outside"),
        }
    }

    /// Positions (which may be outside) and weights around a coordinate.
    fn taps(&self, x: f64) -> Vec<(i64, f64)> {
        let floor = x.floor();
        let (base, rest) = (floor as i64, x - floor);
        match self.mode.as_str() {
            "linear" => vec![(base, 1.0 - rest), (base + 1, rest)],
            "cubic" => (-1..3).map(|step| (base + step, self.kernel((rest - step as f64).abs()))).collect(),
            _ => vec![(self.round(x), 1.0)],
        }
    }

    fn round(&self, x: f64) -> i64 {
        (match self.nearest.as_str() {
            "floor" => x.floor(),
            "ceil" => x.ceil(),
            "round_prefer_ceil" => (x + 0.5).floor(),
            _ => (x - 0.5).ceil(),
        }) as i64
    }

    /// Keys' cubic convolution kernel.
    fn kernel(&self, d: f64) -> f64 {
        let a = self.cubic;
        match d {
            d if d <= 1.0 => (a + 2.0) * d.powi(3) - (a + 3.0) * d.powi(2) + 1.0,
            d if d < 2.0 => a * d.powi(3) - 5.0 * a * d.powi(2) + 8.0 * a * d - 4.0 * a,
            _ => 0.0,
        }
    }
}

impl Axis {
    pub fn same(length: usize) -> Self {
        Axis { length, resized: length, scale: 1.0, roi: [0.0, 1.0] }
    }

    pub fn by(&mut self, scale: f64) {
        (self.scale, self.resized) = (scale, (self.length as f64 * scale).floor() as usize);
    }

    pub fn resize_to(&mut self, resized: usize) {
        (self.scale, self.resized) = (resized as f64 / self.length as f64, resized);
    }

    /// The taps of every position; none where the value is extrapolated.
    pub fn all(&self, rule: &Rule) -> Vec<Vec<(usize, f64)>> {
        (0..self.resized).map(|at| self.at(at as f64, rule)).collect()
    }

    fn at(&self, at: f64, rule: &Rule) -> Vec<(usize, f64)> {
        let (last, x) = (self.length as i64 - 1, self.original(at, rule));
        if rule.coordinates == "tf_crop_and_resize" && !(0.0..=last as f64).contains(&x) {
            return Vec::new();
        }
        let mut taps = rule.taps(x);
        if rule.exclude_outside {
            taps.retain(|(position, _)| (0..=last).contains(position));
            let total: f64 = taps.iter().map(|(_, weight)| weight).sum();
            taps.iter_mut().for_each(|(_, weight)| *weight /= total);
        }
        taps.into_iter().map(|(position, weight)| (position.clamp(0, last) as usize, weight)).collect()
    }

    /// The coordinate in the input of a position in the output.
    fn original(&self, at: f64, rule: &Rule) -> f64 {
        // ONNX's own tests take the exact product, and not the rounded length, for the one of the output.
        let (length, resized) = (self.length as f64, self.scale * self.length as f64);
        let half_pixel = (at + 0.5) / self.scale - 0.5;
        match rule.coordinates.as_str() {
            "asymmetric" => at / self.scale,
            "align_corners" if self.resized == 1 => 0.0,
            "align_corners" => at * (length - 1.0) / (resized - 1.0),
            "pytorch_half_pixel" if self.resized == 1 => 0.0,
            "half_pixel_symmetric" => {
                let adjustment = self.resized as f64 / resized;
                length / 2.0 * (1.0 - adjustment) + half_pixel
            }
            "tf_crop_and_resize" if self.resized == 1 => 0.5 * (self.roi[0] + self.roi[1]) * (length - 1.0),
            "tf_crop_and_resize" => {
                let [start, end] = self.roi.map(|bound| bound * (length - 1.0));
                start + at * (end - start) / (resized - 1.0)
            }
            _ => half_pixel,
        }
    }
}
