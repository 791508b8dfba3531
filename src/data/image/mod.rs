//! Images as samples: decoded, brought to their channels, resized, cropped, in that order.

mod decode;
mod pixels;
mod resize;

use super::DataError;
use super::bind::Wanted;
use super::dense::Samples;
use super::manifest::FileManifest;
use super::options::{ImageOptions, Layout};
use crate::onnx::element::DataType;
use crate::onnx::stable_file::StableFile;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub use decode::is_image;
pub use pixels::Channels;
pub use resize::{Interpolation, Resize};

/// A file of an image is no larger, in bytes.
const LARGEST_FILE: u64 = 1 << 28;

/// Images in files, one sample each, as uint8.
pub struct Images {
    paths: Vec<PathBuf>,
    files: FileManifest,
    channels: Channels,
    layout: Layout,
    /// Whether the input has an axis for channels.
    has_axis: bool,
    options: ImageOptions,
    /// Samples first.
    shape: Vec<usize>,
}

impl Images {
    /// The images in these files, of which there must be one; `named` is what the user named. The first
    /// says what size they have.
    ///
    /// # Errors
    /// When a file is not there, or the first is no image that can be read.
    pub fn new(
        named: &Path,
        paths: Vec<PathBuf>,
        wanted: &Wanted,
        options: &ImageOptions,
    ) -> Result<Images, DataError> {
        let mut bytes = 0;
        for path in &paths {
            bytes += fs::metadata(path).map_err(DataError::io(path))?.len();
        }
        let first = paths.first().ok_or_else(|| DataError::format(named, "there are no images in it"))?.clone();
        let files = FileManifest { path: named.display().to_string(), files: paths.len(), bytes };
        let has_axis = wanted.axes.as_ref().is_none_or(|axes| axes.len() != 3);
        let layout = wanted.layout(options);
        let takes = wanted.axes.as_ref().filter(|_| has_axis).and_then(|axes| *axes.get(layout.axis(axes.len()))?);
        let channels = match (options.channels, takes) {
            (Some(channels), _) => channels,
            (None, Some(1)) => Channels::Gray,
            (None, _) if !has_axis => Channels::Gray,
            (None, _) => Channels::Rgb,
        };
        if !has_axis && channels != Channels::Gray {
            return Err(wanted.misfit(&first, "the input has no axis for channels; --channels gray".into()));
        }
        let mut images =
            Images { paths, files, channels, layout, has_axis, options: options.clone(), shape: Vec::new() };
        let (height, width, _) = images.decoded(&first)?;
        images.shape = images.shape_of(height, width);
        Ok(images)
    }

    fn shape_of(&self, height: usize, width: usize) -> Vec<usize> {
        let (samples, channels) = (self.paths.len(), self.channels.count());
        match self.layout {
            _ if !self.has_axis => vec![samples, height, width],
            Layout::Nchw => vec![samples, channels, height, width],
            Layout::Nhwc => vec![samples, height, width, channels],
        }
    }

    /// Height, width and pixels of an image, channels where the model takes them.
    fn decoded(&self, path: &Path) -> Result<(usize, usize, Vec<u8>), DataError> {
        let failed = DataError::io(path);
        let file = File::open(path).and_then(StableFile::new).map_err(&failed)?;
        if file.len() > LARGEST_FILE {
            return Err(DataError::format(path, format!("an image of {} bytes is beyond reason", file.len())));
        }
        let mut bytes = vec![0; file.len() as usize];
        file.read_at(0, &mut bytes).map_err(&failed)?;
        let image = decode::decode(&bytes).map_err(|what| DataError::format(path, what))?;
        let image = image.with(self.channels);
        let image = match self.options.resize {
            Some(resize) => {
                let (height, width) = resize.target(image.height, image.width);
                let resized = resize::resized(image, height, width, self.options.interpolation);
                resized.map_err(|what| DataError::format(path, what))?
            }
            None => image,
        };
        let image = match self.options.crop {
            Some((height, width)) => image.cropped(height, width).map_err(|what| DataError::format(path, what))?,
            None => image,
        };
        let (height, width) = (image.height, image.width);
        let planes = self.layout == Layout::Nchw && self.has_axis;
        Ok((height, width, if planes { image.into_planes() } else { image.pixels }))
    }
}

impl Samples for Images {
    fn path(&self) -> &Path {
        &self.paths[0]
    }

    fn element(&self) -> DataType {
        DataType::Uint8
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn rows(&self, first: usize, count: usize) -> Result<Vec<u8>, DataError> {
        let missing = || {
            DataError::format(self.path(), format!("there are no images {first} to {}", first.saturating_add(count)))
        };
        let paths = first.checked_add(count).and_then(|end| self.paths.get(first..end)).ok_or_else(missing)?;
        let mut bytes = Vec::new();
        for path in paths {
            let (height, width, pixels) = self.decoded(path)?;
            let shape = self.shape_of(height, width);
            if shape[1..] != self.shape[1..] {
                let (own, wanted) = (&shape[1..], &self.shape[1..]);
                let what = format!(
                    "it is {own:?}, `{}` is {wanted:?}; --resize and --crop make all alike",
                    self.paths[0].display()
                );
                return Err(DataError::format(path, what));
            }
            bytes.extend(pixels);
        }
        Ok(bytes)
    }

    fn files(&self) -> FileManifest {
        self.files.clone()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = vec![self.channels.name().to_owned()];
        steps.extend(self.options.resize.map(|resize| format!("{resize} ({})", self.options.interpolation.name())));
        steps.extend(self.options.crop.map(|(height, width)| format!("the middle {height}×{width}")));
        steps.push(self.layout.name().into());
        steps
    }

    fn are_images(&self) -> bool {
        true
    }
}
