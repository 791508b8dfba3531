//! Arrays in files of nothing but elements: little-endian, in row-major order.

use super::DataError;
use super::bind::Wanted;
use super::dense::{Dense, Header, Stored};
use super::manifest::FileManifest;
use super::options::DataOptions;
use super::prepare::stored_shape;
use crate::onnx::payload::{FileSlice, Payload};
use crate::onnx::stable_file::StableFile;
use std::path::Path;
use std::sync::Arc;

/// One sample, or several behind each other, of the shape and type that the input takes.
///
/// # Errors
/// When the shape is not fixed, or the length no multiple of that of a sample.
pub fn open(
    path: &Path,
    files: FileManifest,
    file: &Arc<StableFile>,
    wanted: &Wanted,
    options: &DataOptions,
) -> Result<Dense, DataError> {
    let misfit = |what: String| wanted.misfit(path, what);
    let element = options.element.or(wanted.element);
    let element = element.ok_or_else(|| misfit("raw files need a type: the input has none; give --dtype".into()))?;
    let fixed: Option<Vec<usize>> = wanted.axes.as_ref().and_then(|axes| axes.iter().skip(1).copied().collect());
    let fixed = fixed.filter(|_| wanted.axes.as_ref().is_some_and(|axes| !axes.is_empty()));
    let unknown =
        || misfit(format!("raw files need an input of fixed shape, it takes {}; use .npy files", wanted.described()));
    let inner = stored_shape(&fixed.ok_or_else(unknown)?, options.images.from_layout, wanted.layout(&options.images));
    let sample = Header::plain(element, inner.clone()).bytes().filter(|bytes| *bytes > 0);
    let sample = sample.ok_or_else(|| misfit(format!("{} {inner:?} is no sample", element.name())))?;
    let samples = file.len() / sample as u64;
    if samples == 0 || !file.len().is_multiple_of(sample as u64) {
        let name = element.name();
        return Err(misfit(format!("it has {} bytes, a sample of {name} {inner:?} has {sample}", file.len())));
    }
    let slice = Payload::File(FileSlice::new(Arc::clone(file), 0, file.len()));
    let shape = std::iter::once(samples as usize).chain(inner).collect();
    Dense::new(path, files, Stored::Plain(slice), 0, Header::plain(element, shape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::Samples;
    use crate::data::options::Layout;
    use crate::data::testing::{self, wanted};
    use crate::onnx::element::DataType;

    fn open(bytes: &[u8], wanted: &Wanted, options: &DataOptions) -> Result<Dense, DataError> {
        super::open(Path::new("x.bin"), testing::manifest(bytes), &testing::file(bytes), wanted, options)
    }

    #[test]
    fn the_shape_and_type_are_those_of_the_input() {
        let mut options = DataOptions::new(Vec::new());
        let input = wanted("x", DataType::Float, &[0, 1, 2, 3]);
        assert_eq!(open(&[0; 48], &input, &options).expect("it opens").shape(), [2, 1, 2, 3]);
        options.element = Some(DataType::Uint8);
        options.images.from_layout = Some(Layout::Nhwc);
        let bytes = open(&[0; 6], &input, &options).expect("it opens");
        assert_eq!((bytes.shape(), bytes.element()), (&[1, 2, 3, 1][..], DataType::Uint8));
    }

    #[test]
    fn files_of_other_lengths_and_open_shapes_are_refused() {
        let options = DataOptions::new(Vec::new());
        let says = |bytes: &[u8], axes: &[usize], text: &str| {
            let error = open(bytes, &wanted("x", DataType::Float, axes), &options).expect_err("refused").to_string();
            assert!(error.contains(text), "{error}");
        };
        says(&[0; 7], &[0, 2], "it has 7 bytes, a sample of float [2] has 8");
        says(&[], &[0, 2], "it has 0 bytes");
        says(&[0; 8], &[0, 0], "need an input of fixed shape, it takes float [?, ?]");
        says(&[0; 8], &[], "fixed shape");
        says(&[0; 8], &[1, usize::MAX, usize::MAX], "is no sample");
    }
}
