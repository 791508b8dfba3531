//! Pixels in memory.

/// The channels that a model takes, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red, as OpenCV has them.
    Bgr,
    /// Brightness, as ITU-R BT.601 has it.
    Gray,
}

impl Channels {
    /// How many there are.
    pub fn count(self) -> usize {
        if self == Channels::Gray { 1 } else { 3 }
    }

    /// As flags name them.
    pub fn name(self) -> &'static str {
        match self {
            Channels::Rgb => "rgb",
            Channels::Bgr => "bgr",
            Channels::Gray => "gray",
        }
    }
}

/// An image of 8 bits per channel: `[height, width, channels]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
    /// 1 to 4: gray, gray and alpha, RGB, RGB and alpha.
    pub channels: usize,
    /// Row by row, the channels of a pixel together.
    pub pixels: Vec<u8>,
}

impl Image {
    /// With other channels; what is transparent counts as if it were not.
    pub fn with(self, channels: Channels) -> Image {
        let pixels = match (self.channels, channels) {
            (1, Channels::Gray) | (3, Channels::Rgb) => self.pixels,
            (own, Channels::Gray) => self.pixels.chunks_exact(own).map(gray).collect(),
            (own, Channels::Rgb) => self.pixels.chunks_exact(own).flat_map(rgb).collect(),
            (own, Channels::Bgr) => self
                .pixels
                .chunks_exact(own)
                .flat_map(|pixel| {
                    let [red, green, blue] = rgb(pixel);
                    [blue, green, red]
                })
                .collect(),
        };
        Image { channels: channels.count(), pixels, ..self }
    }

    /// The middle, as torchvision's `CenterCrop` finds it.
    ///
    /// # Errors
    /// When the image is smaller.
    pub fn cropped(self, height: usize, width: usize) -> Result<Image, String> {
        if height > self.height || width > self.width {
            let own = format!("{}×{}", self.height, self.width);
            return Err(format!("it is {own}, too small for --crop {height}x{width}; --resize makes it larger"));
        }
        let (top, left) = (middle(self.height - height), middle(self.width - width));
        let row = |row: usize| {
            let start = ((top + row) * self.width + left) * self.channels;
            &self.pixels[start..start + width * self.channels]
        };
        let pixels = (0..height).flat_map(|index| row(index).iter().copied()).collect();
        Ok(Image { height, width, channels: self.channels, pixels })
    }

    /// Channel by channel: `[channels, height, width]`.
    pub fn into_planes(self) -> Vec<u8> {
        if self.channels == 1 {
            return self.pixels;
        }
        let plane = |channel| self.pixels.iter().skip(channel).step_by(self.channels).copied();
        (0..self.channels).flat_map(plane).collect()
    }
}

/// Half of the rest, and of an odd one what is even, as Python rounds.
fn middle(rest: usize) -> usize {
    rest / 2 + usize::from(rest % 4 == 3)
}

fn rgb(pixel: &[u8]) -> [u8; 3] {
    match pixel {
        [red, green, blue, ..] => [*red, *green, *blue],
        [gray, ..] => [*gray; 3],
        [] => [0; 3],
    }
}

/// Brightness in the fixed point of Pillow (`L24` in `libImaging/Convert.c`).
fn gray(pixel: &[u8]) -> u8 {
    match pixel {
        [red, green, blue, ..] => {
            let sum = u32::from(*red) * 19595 + u32::from(*green) * 38470 + u32::from(*blue) * 7471;
            ((sum + 0x8000) >> 16) as u8
        }
        pixel => pixel.first().copied().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(height: usize, width: usize, channels: usize) -> Image {
        let pixels = (0..height * width * channels).map(|number| number as u8).collect();
        Image { height, width, channels, pixels }
    }

    /// Pillow 13: `Image.new("RGB", (1, 1), (200, 100, 50)).convert("L")` is 124, `(7, 99, 250)` 89.
    #[test]
    fn channels_are_converted() {
        let rgba = Image { height: 1, width: 2, channels: 4, pixels: vec![200, 100, 50, 0, 7, 99, 250, 9] };
        assert_eq!(rgba.clone().with(Channels::Rgb).pixels, [200, 100, 50, 7, 99, 250]);
        assert_eq!(rgba.clone().with(Channels::Bgr).pixels, [50, 100, 200, 250, 99, 7]);
        assert_eq!(rgba.with(Channels::Gray).pixels, [124, 89]);
        let gray = Image { height: 1, width: 2, channels: 2, pixels: vec![5, 255, 6, 0] };
        assert_eq!(gray.clone().with(Channels::Rgb).pixels, [5, 5, 5, 6, 6, 6]);
        assert_eq!(gray.with(Channels::Gray).pixels, [5, 6]);
    }

    /// torchvision: `int(round((h - th) / 2.0))`.
    #[test]
    fn the_middle_is_that_of_torchvision() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(middle), [0, 0, 1, 2, 2, 2, 3, 4]);
        assert_eq!(image(3, 4, 1).cropped(1, 2).expect("large enough").pixels, [5, 6]);
        assert!(image(3, 4, 1).cropped(4, 2).expect_err("too small").contains("--resize"));
    }

    #[test]
    fn planes_are_channel_by_channel() {
        assert_eq!(image(1, 2, 3).into_planes(), [0, 3, 1, 4, 2, 5]);
    }
}
