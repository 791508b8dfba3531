//! Making of an array what an input takes: axes, numbers, types. Nothing is done but what is asked for,
//! or what loses nothing; what is done is told.

mod convert;
mod fit;
mod normalize;
mod transpose;

use super::DataError;
use super::bind::Wanted;
use super::dense::Samples;
use super::manifest::InputManifest;
use super::options::ImageOptions;
use crate::onnx::element::DataType;
use convert::{converted, convertible};
use normalize::Normalize;
use transpose::Transpose;

pub use convert::integers;
pub use fit::{fit, stored_shape};

/// The samples for an input, as it takes them.
pub struct Prepared {
    /// What the input takes.
    pub wanted: Wanted,
    samples: Box<dyn Samples>,
    /// The type that the input takes.
    element: DataType,
    /// The lengths of the axes, samples first, as the input takes them.
    shape: Vec<usize>,
    transpose: Option<Transpose>,
    normalize: Option<Normalize>,
}

/// Prepares the samples of all inputs. Flags for numbers are for the images; where there are none, for
/// the floating-point inputs of the highest rank.
///
/// # Errors
/// When samples do not fit their input, or there is nothing that a flag could be for.
pub fn prepare(bound: Vec<(Box<dyn Samples>, Wanted)>, images: &ImageOptions) -> Result<Vec<Prepared>, DataError> {
    let prepared = bound.into_iter().map(|(samples, wanted)| Prepared::new(samples, wanted, images));
    let mut prepared: Vec<Prepared> = prepared.collect::<Result<_, _>>()?;
    if !normalize::is_asked_for(images) {
        return Ok(prepared);
    }
    let floats = prepared.iter().filter(|input| input.element.float().is_some());
    let rank = |input: &Prepared| if input.samples.are_images() { usize::MAX } else { input.shape.len().min(3) };
    let Some(highest) = floats.map(rank).max() else {
        return Err(DataError::options("--scale, --mean and --std are for floating-point inputs, the model has none"));
    };
    for input in &mut prepared {
        if rank(input) == highest && input.element.float().is_some() {
            let axis = input.wanted.layout(images).axis(input.shape.len());
            let normalize = Normalize::new(images, &input.shape, axis);
            let misfit = |what| input.wanted.misfit(input.samples.path(), what);
            input.normalize = Some(normalize.map_err(misfit)?);
        }
    }
    Ok(prepared)
}

impl Prepared {
    fn new(samples: Box<dyn Samples>, wanted: Wanted, images: &ImageOptions) -> Result<Prepared, DataError> {
        let from = images.from_layout.filter(|_| !samples.are_images());
        let transpose = from.and_then(|from| Transpose::new(samples.shape(), from, wanted.layout(images)));
        let shape = transpose.as_ref().map_or_else(|| samples.shape().to_vec(), Transpose::shape);
        let element = wanted.element.unwrap_or(samples.element());
        let fits = wanted.fits(&shape);
        if !fits || !convertible(samples.element(), element) {
            let own = format!("{} {:?}", samples.element().name(), samples.shape());
            let hint = fit::hint(&*samples, &wanted, images).filter(|_| !fits);
            let hint = hint.or_else(|| fits.then(|| "its numbers could not all be kept; convert them".into()));
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            let what = format!("it is {own}, the input takes {}{hint}", wanted.described());
            return Err(wanted.misfit(samples.path(), what));
        }
        if shape[0] == 0 {
            return Err(wanted.misfit(samples.path(), "it holds no samples".into()));
        }
        Ok(Prepared { wanted, samples, element, shape, transpose, normalize: None })
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.shape[0]
    }

    /// The type that the input takes.
    pub fn element(&self) -> DataType {
        self.element
    }

    /// The lengths of the axes of one sample.
    pub fn inner(&self) -> &[usize] {
        &self.shape[1..]
    }

    /// The shape of a run of so many samples. An input that is a single number has no axis for them.
    pub fn run_shape(&self, batch: usize) -> Vec<usize> {
        let lengths = std::iter::once(batch).chain(self.inner().iter().copied());
        if self.wanted.is_number() { Vec::new() } else { lengths.collect() }
    }

    /// So many samples, from `first` on, as the input takes them: little-endian, in row-major order.
    ///
    /// # Errors
    /// When they cannot be read, or a number does not fit.
    pub fn rows(&self, first: usize, count: usize) -> Result<Vec<u8>, DataError> {
        let bytes = self.samples.rows(first, count)?;
        let from = self.samples.element();
        let size = from.bits().unwrap_or(8) as usize / 8;
        let bytes = match &self.transpose {
            Some(transpose) => transpose.apply(&bytes, size),
            None => bytes,
        };
        let converted = converted(bytes, from, self.element, self.normalize.as_ref());
        converted.map_err(|what| self.misfit(what))
    }

    /// The data does not fit.
    pub fn misfit(&self, what: String) -> DataError {
        self.wanted.misfit(self.samples.path(), what)
    }

    /// What the input gets.
    pub fn manifest(&self) -> InputManifest {
        InputManifest {
            name: self.wanted.name.to_string(),
            files: vec![self.samples.files()],
            samples: self.samples(),
            preprocessing: self.steps().join(", "),
        }
    }

    fn steps(&self) -> Vec<String> {
        let (from, to) = (self.samples.element(), self.element);
        let mut steps = self.samples.steps();
        steps.extend(self.transpose.as_ref().map(Transpose::described));
        steps.extend(self.normalize.as_ref().map(Normalize::described));
        if from != to {
            let scaled = if from.float().is_none() && self.normalize.is_none() { ", not scaled" } else { "" };
            steps.push(format!("{} to {}{scaled}", from.name(), to.name()));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::{Dense, Header, Stored};
    use crate::data::options::{Layout, Preset};
    use crate::data::testing::{manifest, wanted};
    use crate::onnx::element::FloatType;
    use crate::onnx::payload::Payload;
    use std::path::Path;

    fn array(shape: &[usize]) -> Dense {
        let bytes: Vec<u8> = (0..shape.iter().product::<usize>()).map(|number| number as u8).collect();
        let (files, header) = (manifest(&bytes), Header::plain(DataType::Uint8, shape.to_vec()));
        Dense::new(Path::new("x.npy"), files, Stored::Plain(Payload::from(bytes)), 0, header).expect("consistent")
    }

    fn prepared(shape: &[usize], wanted: Wanted, images: &ImageOptions) -> Result<Prepared, DataError> {
        let samples = fit(array(shape), &wanted, images);
        Ok(prepare(vec![(Box::new(samples), wanted)], images)?.remove(0))
    }

    #[test]
    fn channels_move_and_numbers_are_scaled_as_asked() {
        let images = ImageOptions { from_layout: Some(Layout::Nhwc), ..Preset::MinusOneOne.options() };
        let input = prepared(&[1, 1, 2, 3], wanted("x", DataType::Float, &[0, 3, 1, 2]), &images).expect("it fits");
        let bytes = input.rows(0, 1).expect("there");
        let expected = [0.0, 3.0, 1.0, 4.0, 2.0, 5.0].map(|x: f64| (x * (1.0 / 255.0) - 0.5) / 0.5);
        assert_eq!(bytes, FloatType::F32.encode(&expected));
        let text = "nhwc to nchw, (x × 0.00392157 − 0.5) / 0.5, uint8 to float";
        assert_eq!(input.manifest().preprocessing, text);
    }

    #[test]
    fn what_does_not_fit_shows_both_and_suggests_a_flag() {
        let says = |shape: &[usize], wanted: Wanted, images: &ImageOptions, text: &str| {
            let error = prepared(shape, wanted, images).err().expect("refused").to_string();
            assert!(error.contains(text), "{error}");
        };
        let plain = ImageOptions::default();
        let x = |element, axes: &[usize]| wanted("x", element, axes);
        says(
            &[2, 4, 5, 3],
            x(DataType::Float, &[0, 3, 4, 5]),
            &plain,
            "it is uint8 [2, 4, 5, 3], the input takes float [?, 3, 4, 5]; --from-layout nhwc",
        );
        says(&[2, 3, 4, 5], x(DataType::Float, &[0, 4, 5, 3]), &plain, "--from-layout nchw");
        says(&[9], x(DataType::Float, &[0, 1]), &plain, "it is uint8 [9], the input takes float [?, 1]");
        says(&[9], x(DataType::String, &[0]), &plain, "uint8 [9], the input takes string [?]");
        says(&[0, 3], x(DataType::Float, &[0, 3]), &plain, "no samples");
        says(&[1, 3], x(DataType::Uint8, &[0, 3]), &Preset::ZeroOne.options(), "are for floating-point inputs");
        let imagenet = Preset::Imagenet.options();
        says(&[1, 1, 2, 2], x(DataType::Float, &[0, 1, 2, 2]), &imagenet, "--mean has 3 numbers, the data 1 channels");
    }

    #[test]
    fn what_loses_nothing_is_done_unasked_and_told() {
        let input =
            prepared(&[2, 3], wanted("ids", DataType::Int64, &[0, 3]), &ImageOptions::default()).expect("it fits");
        assert_eq!(input.rows(1, 1).expect("there"), [3i64, 4, 5].map(i64::to_le_bytes).concat());
        assert_eq!(input.manifest().preprocessing, "uint8 to int64, not scaled");
    }
}
