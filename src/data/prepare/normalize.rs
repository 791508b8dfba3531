//! y = (x · scale − mean) / std, per channel.

use crate::data::options::ImageOptions;

/// y = (x · scale − mean) / std, per channel, in f64: the result is rounded once.
#[derive(Clone, Debug)]
pub struct Normalize {
    scale: f64,
    /// One number, or one per channel; empty for 0.
    mean: Vec<f64>,
    /// One number, or one per channel; empty for 1.
    std: Vec<f64>,
    channels: usize,
    /// How many elements of a channel are behind each other.
    inner: usize,
}

/// Whether numbers are to be changed at all.
pub fn is_asked_for(images: &ImageOptions) -> bool {
    images.scale.is_some() || !images.mean.is_empty() || !images.std.is_empty()
}

impl Normalize {
    /// For arrays of this shape, channels on `axis`; an array without such an axis has one channel.
    ///
    /// # Errors
    /// When there are other numbers than one, or one per channel, or one that cannot be divided by.
    pub fn new(images: &ImageOptions, shape: &[usize], axis: usize) -> Result<Normalize, String> {
        let channels = shape.get(axis).copied().unwrap_or(1);
        let inner = shape.iter().skip(axis + 1).product::<usize>();
        for (flag, numbers) in [("mean", &images.mean), ("std", &images.std)] {
            if numbers.len() > 1 && numbers.len() != channels {
                return Err(format!("--{flag} has {} numbers, the data {channels} channels", numbers.len()));
            }
        }
        let scale = images.scale.unwrap_or(1.0);
        let finite = images.mean.iter().chain(&images.std).chain([&scale]).all(|number| number.is_finite());
        if !finite || images.std.contains(&0.0) {
            return Err("--scale, --mean and --std take finite numbers, --std none that is 0".into());
        }
        Ok(Normalize { scale, mean: images.mean.clone(), std: images.std.clone(), channels, inner })
    }

    /// Applies it to the elements of some samples.
    pub fn apply(&self, values: &mut [f64]) {
        let of = |numbers: &[f64], channel: usize| numbers.get(channel).or(numbers.first()).copied();
        for (index, channel) in values.chunks_mut(self.inner.max(1)).enumerate() {
            let index = index % self.channels;
            let (mean, std) = (of(&self.mean, index).unwrap_or(0.0), of(&self.std, index).unwrap_or(1.0));
            channel.iter_mut().for_each(|value| *value = (*value * self.scale - mean) / std);
        }
    }

    /// What it does, for people.
    pub fn described(&self) -> String {
        let list = |numbers: &[f64]| match numbers {
            [number] => shown(*number),
            numbers => format!("[{}]", numbers.iter().map(|number| shown(*number)).collect::<Vec<_>>().join(", ")),
        };
        let mut text = if self.scale == 1.0 { "x".into() } else { format!("x × {}", shown(self.scale)) };
        match &self.mean[..] {
            [] => {}
            [negative] if *negative < 0.0 => text = format!("{text} + {}", shown(-negative)),
            mean => text = format!("{text} − {}", list(mean)),
        }
        if !self.std.is_empty() {
            text = format!("({text}) / {}", list(&self.std));
        }
        text
    }
}

/// Six significant digits are enough to recognise a number.
fn shown(number: f64) -> String {
    let rounded: f64 = format!("{number:.5e}").parse().unwrap_or(number);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::options::Preset;

    #[test]
    fn each_channel_has_its_own_numbers() {
        let images = ImageOptions { scale: Some(2.0), mean: vec![1.0, 2.0], std: vec![4.0], ..ImageOptions::default() };
        let first = Normalize::new(&images, &[1, 2, 3], 1).expect("it fits");
        let mut values = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0];
        first.apply(&mut values);
        assert_eq!(values, [0.25, 0.75, 1.25, 0.0, 0.5, 1.0]);
        let last = Normalize::new(&images, &[1, 3, 2], 2).expect("it fits");
        let mut values = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0];
        last.apply(&mut values);
        assert_eq!(values, [0.25, 0.0, 0.75, 0.5, 1.25, 1.0]);
        assert_eq!(first.described(), "(x × 2 − [1, 2]) / 4");
    }

    /// `ToTensor` and `Normalize` of torchvision, in float64, of pixel 124.
    #[test]
    fn the_presets_are_what_they_are_called() {
        let of = |preset: Preset, shape: &[usize]| {
            let mut values = vec![124.0; shape.iter().product()];
            Normalize::new(&preset.options(), shape, 1).expect("it fits").apply(&mut values);
            values
        };
        assert!((of(Preset::ZeroOne, &[1, 1])[0] - 124.0 / 255.0).abs() < 1e-15);
        let ends = Normalize::new(&Preset::MinusOneOne.options(), &[1, 2], 1).expect("it fits");
        let mut values = [0.0, 255.0];
        ends.apply(&mut values);
        assert_eq!(values, [-1.0, 1.0]);
        let wanted = [0.00556554_f64, 0.13515406, 0.35677560];
        let got = of(Preset::Imagenet, &[1, 3]);
        assert!(got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-6), "{got:?}");
    }

    #[test]
    fn numbers_that_cannot_be_meant_are_refused() {
        let new = |mean: &[f64], std: &[f64], scale: f64| {
            let images =
                ImageOptions { scale: Some(scale), mean: mean.into(), std: std.into(), ..ImageOptions::default() };
            Normalize::new(&images, &[1, 2, 3], 1)
        };
        assert!(new(&[1.0, 2.0, 3.0], &[], 1.0).expect_err("refused").contains("3 numbers, the data 2 channels"));
        assert!(
            new(&[], &[0.0], 1.0).is_err()
                && new(&[f64::NAN], &[], 1.0).is_err()
                && new(&[], &[], f64::INFINITY).is_err()
        );
    }
}
