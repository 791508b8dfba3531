//! Axes of length 1 that an array lacks, and what could be meant where it does not fit.

use crate::data::bind::Wanted;
use crate::data::dense::{Dense, Samples};
use crate::data::options::{ImageOptions, Layout};

/// The shape of a sample as it is stored with the channels where `from` says, if the model takes it in
/// this shape with the channels where `to` says.
pub fn stored_shape(inner: &[usize], from: Option<Layout>, to: Layout) -> Vec<usize> {
    let mut shape = inner.to_vec();
    if shape.len() > 1 {
        match (from, to) {
            (Some(Layout::Nhwc), Layout::Nchw) => shape.rotate_left(1),
            (Some(Layout::Nchw), Layout::Nhwc) => shape.rotate_right(1),
            _ => {}
        }
    }
    shape
}

/// The array with an axis of length 1 where it has one less than the input takes: in front if it is one
/// sample, else for the only channel. Nothing is done if neither fits.
pub fn fit(array: Dense, wanted: &Wanted, images: &ImageOptions) -> Dense {
    let shape = array.shape().to_vec();
    if wanted.axes.as_ref().is_none_or(|axes| axes.len() != shape.len() + 1) {
        return array;
    }
    let to = wanted.layout(images);
    let fits = |shape: &[usize]| {
        let as_taken = stored_shape(&shape[1..], Some(to), images.from_layout.unwrap_or(to));
        wanted.fits(&[&shape[..1], &as_taken].concat())
    };
    let sample = [&[1], &shape[..]].concat();
    if fits(&sample) {
        return array.reshaped(sample, None);
    }
    let mut with_channel = shape;
    with_channel.insert(images.from_layout.unwrap_or(to).axis(with_channel.len() + 1).min(with_channel.len()), 1);
    if with_channel.len() > 2 && fits(&with_channel) {
        let step = format!("a channel axis is added: {with_channel:?}");
        return array.reshaped(with_channel, Some(step));
    }
    array
}

/// What could be meant by samples that do not fit.
pub fn hint(samples: &dyn Samples, wanted: &Wanted, images: &ImageOptions) -> Option<String> {
    let (shape, axes) = (samples.shape(), wanted.axes.as_ref()?);
    let to = wanted.layout(images);
    if samples.are_images() {
        let first = if to == Layout::Nchw { 2 } else { 1 };
        let (height, width) = ((*axes.get(first)?)?, (*axes.get(first + 1)?)?);
        let squeezed = format!("--resize {height}x{width} makes it fit");
        let cut = format!("--resize {} --crop {height}x{width} keeps the proportions", height.max(width));
        return Some(format!("{squeezed}, {cut}"));
    }
    let from = if to == Layout::Nchw { Layout::Nhwc } else { Layout::Nchw };
    let turned = stored_shape(shape.get(1..)?, Some(to), from);
    let fits = images.from_layout.is_none() && wanted.fits(&[&shape[..1], &turned].concat());
    fits.then(|| format!("--from-layout {} moves the channels to where the model takes them", from.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::{Header, Stored};
    use crate::data::testing::{manifest, wanted};
    use crate::onnx::element::DataType;
    use crate::onnx::payload::Payload;
    use std::path::Path;

    #[test]
    fn shapes_are_turned_there_and_back() {
        use Layout::{Nchw, Nhwc};
        assert_eq!(stored_shape(&[3, 4, 5], Some(Nhwc), Nchw), [4, 5, 3]);
        assert_eq!(stored_shape(&[4, 5, 3], Some(Nchw), Nhwc), [3, 4, 5]);
        assert_eq!(stored_shape(&[3, 4, 5], Some(Nchw), Nchw), [3, 4, 5]);
        assert_eq!(stored_shape(&[3, 4, 5], None, Nchw), [3, 4, 5]);
        assert_eq!(stored_shape(&[3], Some(Nhwc), Nchw), [3]);
    }

    /// Shape of the file, axes of the input, where channels are in the file, shape in the end.
    #[test]
    fn one_axis_may_be_missing() {
        type Case = (&'static [usize], &'static [usize], Option<Layout>, &'static [usize]);
        let cases: [Case; 9] = [
            (&[3, 4, 5], &[0, 3, 4, 5], None, &[1, 3, 4, 5]),
            (&[4, 5, 3], &[0, 3, 4, 5], Some(Layout::Nhwc), &[1, 4, 5, 3]),
            (&[7, 4, 5], &[0, 1, 4, 5], None, &[7, 1, 4, 5]),
            (&[7, 4, 5], &[0, 4, 5, 1], None, &[7, 4, 5, 1]),
            (&[7, 4, 5], &[0, 1, 4, 5], Some(Layout::Nhwc), &[7, 4, 5, 1]),
            (&[7, 4, 5], &[0, 3, 4, 5], None, &[7, 4, 5]),
            (&[6], &[0, 6], None, &[1, 6]),
            (&[6], &[0, 1], None, &[6]),
            (&[2, 6], &[0, 6], None, &[2, 6]),
        ];
        for (shape, axes, from_layout, fitted) in cases {
            let bytes = vec![0; shape.iter().product()];
            let (files, header) = (manifest(&bytes), Header::plain(DataType::Uint8, shape.to_vec()));
            let array = Dense::new(Path::new("x"), files, Stored::Plain(Payload::from(bytes)), 0, header);
            let images = ImageOptions { from_layout, ..ImageOptions::default() };
            let array = fit(array.expect("consistent"), &wanted("x", DataType::Float, axes), &images);
            assert_eq!(array.shape(), fitted, "{shape:?} for {axes:?}");
        }
    }
}
