//! Resizing, to the bit as Pillow does it.
//!
//! `Image.resize` of Pillow, and so `Resize` of torchvision, is a convolution whose window grows with the
//! factor by which an image shrinks ("antialias"), first along rows, then along columns, each rounded to
//! 8 bits: <https://github.com/python-pillow/Pillow/blob/11.3.x/src/libImaging/Resample.c>. (Pillow 13
//! takes columns first for some sizes: results can differ by one there.)

use super::pixels::Image;
use std::fmt;

/// Weights are integers of so many bits behind the point.
const PRECISION: u32 = 32 - 8 - 2;

/// No image is resized to more pixels.
const MOST_PIXELS: usize = 1 << 27;

/// The size that an image is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// The shorter side becomes so long, the other in proportion, rounded down.
    Shorter(usize),
    /// Height and width, whatever the proportions.
    Exact(usize, usize),
}

impl Resize {
    /// Height and width that an image of this height and width becomes.
    pub fn target(self, height: usize, width: usize) -> (usize, usize) {
        let other = |side: usize, longer: usize, shorter: usize| {
            (side as u128 * longer as u128 / shorter.max(1) as u128) as usize
        };
        match self {
            Resize::Exact(height, width) => (height, width),
            Resize::Shorter(side) if height < width => (side, other(side, width, height)),
            Resize::Shorter(side) => (other(side, height, width), side),
        }
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Resize::Shorter(side) => write!(f, "the shorter side resized to {side}"),
            Resize::Exact(height, width) => write!(f, "resized to {height}×{width}"),
        }
    }
}

/// How pixels are computed from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// Linear between two pixels; what torchvision does unless told otherwise.
    #[default]
    Bilinear,
    /// Cubic between four pixels, a = −0.5.
    Bicubic,
}

impl Interpolation {
    /// As flags name it.
    pub fn name(self) -> &'static str {
        if self == Interpolation::Bilinear { "bilinear" } else { "bicubic" }
    }

    /// How far a pixel is seen, in pixels.
    fn support(self) -> f64 {
        if self == Interpolation::Bilinear { 1.0 } else { 2.0 }
    }

    /// The weight of a pixel at this distance.
    fn weight(self, distance: f64) -> f64 {
        const A: f64 = -0.5;
        let x = distance.abs();
        match self {
            Interpolation::Bilinear if x < 1.0 => 1.0 - x,
            Interpolation::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Interpolation::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            _ => 0.0,
        }
    }
}

/// An image in another size.
///
/// # Errors
/// When there are no pixels to compute it from, or too many to compute.
pub fn resized(image: Image, height: usize, width: usize, by: Interpolation) -> Result<Image, String> {
    let count = height.checked_mul(width).filter(|count| (1..=MOST_PIXELS).contains(count));
    if count.is_none() || image.height.saturating_mul(width) > MOST_PIXELS {
        return Err(format!("it is {}×{} and cannot be resized to {height}×{width}", image.height, image.width));
    }
    let Image { channels, .. } = image;
    let mut image = image;
    if width != image.width {
        let windows = windows(image.width, width, by);
        let row = |row: &[u8]| convolved(&windows, row, channels);
        let pixels = image.pixels.chunks_exact(image.width * channels).flat_map(row).collect();
        image = Image { width, pixels, ..image };
    }
    if height != image.height {
        // A column of rows is a row of very wide pixels.
        let windows = windows(image.height, height, by);
        image = Image { height, pixels: convolved(&windows, &image.pixels, width * channels), ..image };
    }
    Ok(image)
}

/// Which pixels make a new one: the first of them, and their weights.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

/// For each of `to` pixels, those of `from` that make it.
fn windows(from: usize, to: usize, by: Interpolation) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = by.support() * stretch;
    let window = |index: usize| {
        let center = (index as f64 + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(from);
        let weight = |pixel: usize| by.weight((pixel as f64 - center + 0.5) * (1.0 / stretch));
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| {
            let weight = if sum == 0.0 { *weight } else { weight / sum };
            // Away from zero where it is in the middle.
            (weight * f64::from(1 << PRECISION) + 0.5f64.copysign(weight)) as i32
        };
        Window { first, weights: weights.iter().map(fixed).collect() }
    };
    (0..to).map(window).collect()
}

/// New pixels of a line, each of so many bytes.
fn convolved(windows: &[Window], line: &[u8], bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(windows.len() * bytes);
    let mut sums = vec![0i64; bytes];
    for Window { first, weights } in windows {
        sums.fill(1 << (PRECISION - 1));
        for (weight, pixel) in weights.iter().zip(line[first * bytes..].chunks_exact(bytes)) {
            for (sum, byte) in sums.iter_mut().zip(pixel) {
                *sum += i64::from(*weight) * i64::from(*byte);
            }
        }
        out.extend(sums.iter().map(|sum| (sum >> PRECISION).clamp(0, 255) as u8));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Interpolation::{Bicubic, Bilinear};
    use super::*;
    use flate2::Crc;

    /// Bytes of a linear congruential generator.
    fn noise(height: usize, width: usize, channels: usize) -> Image {
        let mut state = 1u64;
        let byte = |_| {
            state = (state * 1_103_515_245 + 12345) & 0x7fff_ffff;
            (state >> 16) as u8
        };
        Image { height, width, channels, pixels: (0..height * width * channels).map(byte).collect() }
    }

    /// `zlib.crc32(image.resize((width, height), how).tobytes())` of Pillow 11.3, where `image` is the same
    /// noise.
    #[test]
    fn each_bit_is_that_of_pillow() {
        let cases = [
            ((7, 5, 3), (3, 4), Bilinear, 0x9ad4_b152),
            ((7, 5, 3), (3, 4), Bicubic, 0xe300_986b),
            ((16, 24, 1), (33, 8), Bilinear, 0x085a_dd85),
            ((16, 24, 1), (33, 8), Bicubic, 0x354e_bf51),
            ((120, 200, 3), (32, 53), Bilinear, 0x0b43_9c08),
            ((120, 200, 3), (32, 53), Bicubic, 0x6930_d717),
            ((3, 4, 3), (9, 9), Bilinear, 0x4c5d_ae5b),
            ((3, 4, 3), (9, 9), Bicubic, 0xb9f1_975c),
            ((9, 9, 1), (9, 4), Bilinear, 0xdc9d_98f3),
            ((1, 1, 3), (2, 2), Bicubic, 0x572e_c716),
            ((301, 2, 1), (7, 5), Bicubic, 0x1546_f425),
        ];
        for ((height, width, channels), (to_height, to_width), by, expected) in cases {
            let image = resized(noise(height, width, channels), to_height, to_width, by).expect("resized");
            assert_eq!((image.height, image.width, image.channels), (to_height, to_width, channels));
            let mut crc = Crc::new();
            crc.update(&image.pixels);
            assert_eq!(crc.sum(), expected, "{height}×{width}×{channels} to {to_height}×{to_width} {by:?}");
        }
    }

    /// torchvision: `new_short, new_long = size, int(size * long / short)`.
    #[test]
    fn the_shorter_side_becomes_what_is_asked_for() {
        assert_eq!(Resize::Shorter(256).target(375, 500), (256, 341));
        assert_eq!(Resize::Shorter(256).target(500, 375), (341, 256));
        assert_eq!(Resize::Shorter(8).target(8, 8), (8, 8));
        assert_eq!(Resize::Exact(3, 4).target(100, 1), (3, 4));
    }

    #[test]
    fn sizes_beyond_reason_are_refused() {
        for (height, width) in [(0, 1), (1 << 16, 1 << 16), (usize::MAX, 2)] {
            assert!(resized(noise(2, 2, 1), height, width, Bilinear).is_err());
        }
    }
}
