//! What data to use, and what to do to it.

use super::image::{Channels, Interpolation, Resize};
use super::source::DataSource;
use crate::onnx::element::DataType;

/// What data to use, and what to do to it.
#[derive(Clone, Debug, PartialEq)]
pub struct DataOptions {
    /// Files and folders, and the inputs that they are for.
    pub sources: Vec<DataSource>,
    /// What is done to images, and to the numbers of arrays.
    pub images: ImageOptions,
    /// No more samples than these; of a shuffled dataset, so many at random.
    pub samples: Option<usize>,
    /// Shuffles the samples, with this seed.
    pub shuffle: Option<u64>,
    /// Only part `i` of `n`, from 0: a contiguous range of the runs.
    pub shard: Option<(usize, usize)>,
    /// Shards are cut at multiples of so many samples; at least 1.
    pub group: usize,
    /// The type of the elements of raw files; without it, the one that the input takes.
    pub element: Option<DataType>,
}

impl DataOptions {
    /// All samples of these sources, as they are.
    pub fn new(sources: Vec<DataSource>) -> DataOptions {
        let images = ImageOptions::default();
        DataOptions { sources, images, samples: None, shuffle: None, shard: None, group: 1, element: None }
    }
}

/// What is done to images and to the numbers of arrays. By default nothing is: an image is decoded,
/// its numbers are 0 to 255.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ImageOptions {
    /// The size that images are brought to.
    pub resize: Option<Resize>,
    /// How pixels are computed from others.
    pub interpolation: Interpolation,
    /// What is cut out of the middle: height and width in pixels.
    pub crop: Option<(usize, usize)>,
    /// The channels, in the order that the model takes; without them, gray where the model takes one,
    /// else RGB.
    pub channels: Option<Channels>,
    /// Where the channels of the model's input are; without it, where its shape says.
    pub layout: Option<Layout>,
    /// Where the channels of arrays of images are, if they are to be brought to where the model takes
    /// them.
    pub from_layout: Option<Layout>,
    /// What each number is multiplied by, first.
    pub scale: Option<f64>,
    /// What is subtracted then: one number, or one per channel in the order that the model takes.
    pub mean: Vec<f64>,
    /// What is divided by then: one number, or one per channel.
    pub std: Vec<f64>,
}

/// Where the channels of images are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[N, C, H, W]`: axis 1.
    Nchw,
    /// `[N, H, W, C]`: the last axis.
    Nhwc,
}

impl Layout {
    /// The axis of the channels, of so many.
    pub(super) fn axis(self, rank: usize) -> usize {
        if self == Layout::Nchw { 1 } else { rank.saturating_sub(1) }
    }

    /// As flags name it.
    pub fn name(self) -> &'static str {
        if self == Layout::Nchw { "nchw" } else { "nhwc" }
    }
}

/// What is usually done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// As torchvision prepares images for networks trained on ImageNet: the shorter side becomes 256,
    /// the middle 224 × 224 is kept, numbers are divided by 255, the mean of ImageNet is subtracted
    /// and its deviation divided by.
    Imagenet,
    /// 0 … 255 becomes 0 … 1.
    ZeroOne,
    /// 0 … 255 becomes −1 … 1.
    MinusOneOne,
}

impl Preset {
    /// The options that it stands for. Means and deviations are in the order red, green, blue.
    pub fn options(self) -> ImageOptions {
        let scaled = ImageOptions { scale: Some(1.0 / 255.0), ..ImageOptions::default() };
        match self {
            Preset::ZeroOne => scaled,
            Preset::MinusOneOne => ImageOptions { mean: vec![0.5], std: vec![0.5], ..scaled },
            Preset::Imagenet => ImageOptions {
                resize: Some(Resize::Shorter(256)),
                crop: Some((224, 224)),
                mean: vec![0.485, 0.456, 0.406],
                std: vec![0.229, 0.224, 0.225],
                ..scaled
            },
        }
    }
}
