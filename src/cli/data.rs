//! Flags that say what data models run on.

use super::arguments::positive;
use super::error::Failure;
use crate::data::{Channels, DataOptions, DataSource, ImageOptions, Interpolation, Layout, Preset, Resize};
use crate::onnx::element::DataType;
use clap::{Args, ValueEnum};

/// What data models run on, and what is done to it.
#[derive(Args)]
#[command(next_help_heading = "Data")]
pub struct DataArguments {
    /// The data: .npy, .npz, safetensors, .pb, IDX or raw files, images, folders of these, or a .txt
    /// file that lists files; may be repeated.
    ///
    /// Each position of the first axis, and each image, is a sample. NAME=PATH gives it to the input of that name; an archive gives each
    /// input the array of its name; ARCHIVE/NAME is one array of it.
    #[arg(long, value_name = "[NAME=]PATH")]
    data: Vec<String>,

    /// The usual preprocessing of images; other flags override parts of it.
    #[arg(long, requires = "data", value_enum, value_name = "PRESET")]
    preset: Option<PresetArgument>,

    /// Resize images: the shorter side to N, or to HxW.
    #[arg(long, requires = "data", value_name = "N|HxW", value_parser = resize)]
    resize: Option<Resize>,

    /// How images are resized; always antialiased.
    #[arg(long, requires = "data", value_enum, value_name = "HOW")]
    interpolation: Option<InterpolationArgument>,

    /// Keep the middle of images: N×N or HxW pixels.
    #[arg(long, requires = "data", value_name = "N|HxW", value_parser = crop)]
    crop: Option<(usize, usize)>,

    /// The channels that the model takes. Default: gray where it takes one, else rgb.
    #[arg(long, requires = "data", value_enum)]
    channels: Option<ChannelsArgument>,

    /// Where the model takes the channels of images. Default: as its shape says.
    #[arg(long, requires = "data", value_enum)]
    layout: Option<LayoutArgument>,

    /// Where the channels of arrays are, to move them to where the model takes them.
    #[arg(long, requires = "data", value_enum, value_name = "LAYOUT")]
    from_layout: Option<LayoutArgument>,

    /// Multiply numbers by X, which may be a fraction, such as 1/255.
    #[arg(long, requires = "data", value_name = "X", value_parser = number, allow_negative_numbers = true)]
    scale: Option<f64>,

    /// Then subtract this: one number, or one per channel.
    #[arg(long, requires = "data", value_name = "X,…", value_delimiter = ',', value_parser = number, allow_hyphen_values = true)]
    mean: Vec<f64>,

    /// Then divide by this: one number, or one per channel.
    #[arg(long, requires = "data", value_name = "X,…", value_delimiter = ',', value_parser = number, allow_hyphen_values = true)]
    std: Vec<f64>,

    /// The type of the elements of raw files. Default: what the input takes.
    #[arg(long, requires = "data", value_name = "TYPE", value_parser = element)]
    dtype: Option<DataType>,
}

/// Which samples of the data are used.
#[derive(Args)]
#[command(next_help_heading = "Data")]
pub struct SampleArguments {
    /// Use no more than N samples.
    #[arg(long, value_name = "N", value_parser = positive)]
    samples: Option<usize>,

    /// Shuffle the samples first.
    #[arg(long)]
    shuffle: bool,

    /// The seed of the shuffle.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// What is usually done to images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PresetArgument {
    /// --resize 256 --crop 224 --scale 1/255 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225.
    Imagenet,
    /// --scale 1/255.
    ZeroOne,
    /// --scale 1/255 --mean 0.5 --std 0.5.
    MinusOneOne,
}

/// How images are resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InterpolationArgument {
    Bilinear,
    Bicubic,
}

/// The channels that a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ChannelsArgument {
    Rgb,
    Bgr,
    Gray,
}

/// Where channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LayoutArgument {
    /// Axis 1.
    Nchw,
    /// The last axis.
    Nhwc,
}

impl DataArguments {
    /// Whether no data is named.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The options: all samples, in their order.
    pub fn options(&self) -> Result<DataOptions, Failure> {
        self.options_for(&self.data)
    }

    /// The same for other data.
    pub fn options_for(&self, data: &[String]) -> Result<DataOptions, Failure> {
        let sources = data.iter().map(|text| DataSource::parse(text)).collect();
        Ok(DataOptions { images: self.images()?, element: self.dtype, ..DataOptions::new(sources) })
    }

    fn images(&self) -> Result<ImageOptions, Failure> {
        let preset = self.preset.map_or_else(ImageOptions::default, |preset| Preset::from(preset).options());
        let channels = self.channels.map(Channels::from);
        // The numbers of a preset are for red, green and blue.
        let ordered = |mut numbers: Vec<f64>| {
            if channels == Some(Channels::Bgr) {
                numbers.reverse();
            }
            numbers
        };
        let given =
            |numbers: &Vec<f64>, preset: Vec<f64>| if numbers.is_empty() { ordered(preset) } else { numbers.clone() };
        if channels == Some(Channels::Gray) && preset.mean.len() == 3 && (self.mean.is_empty() || self.std.is_empty()) {
            return Err(Failure::Usage(
                "--preset imagenet is for three channels; give --mean and --std for gray".into(),
            ));
        }
        Ok(ImageOptions {
            resize: self.resize.or(preset.resize),
            interpolation: self.interpolation.map_or(preset.interpolation, Interpolation::from),
            crop: self.crop.or(preset.crop),
            channels,
            layout: self.layout.map(Layout::from),
            from_layout: self.from_layout.map(Layout::from),
            scale: self.scale.or(preset.scale),
            mean: given(&self.mean, preset.mean),
            std: given(&self.std, preset.std),
        })
    }
}

impl SampleArguments {
    /// The same options, for these samples.
    pub fn apply(&self, options: DataOptions) -> DataOptions {
        DataOptions { samples: self.samples, shuffle: self.shuffle.then_some(self.seed), ..options }
    }
}

impl From<PresetArgument> for Preset {
    fn from(preset: PresetArgument) -> Preset {
        match preset {
            PresetArgument::Imagenet => Preset::Imagenet,
            PresetArgument::ZeroOne => Preset::ZeroOne,
            PresetArgument::MinusOneOne => Preset::MinusOneOne,
        }
    }
}

impl From<InterpolationArgument> for Interpolation {
    fn from(interpolation: InterpolationArgument) -> Interpolation {
        match interpolation {
            InterpolationArgument::Bilinear => Interpolation::Bilinear,
            InterpolationArgument::Bicubic => Interpolation::Bicubic,
        }
    }
}

impl From<ChannelsArgument> for Channels {
    fn from(channels: ChannelsArgument) -> Channels {
        match channels {
            ChannelsArgument::Rgb => Channels::Rgb,
            ChannelsArgument::Bgr => Channels::Bgr,
            ChannelsArgument::Gray => Channels::Gray,
        }
    }
}

impl From<LayoutArgument> for Layout {
    fn from(layout: LayoutArgument) -> Layout {
        match layout {
            LayoutArgument::Nchw => Layout::Nchw,
            LayoutArgument::Nhwc => Layout::Nhwc,
        }
    }
}

/// `N` or `HxW`, in pixels.
fn size(text: &str) -> Option<(usize, Option<usize>)> {
    let side = |text: &str| text.parse().ok().filter(|side| (1..=1 << 16).contains(side));
    match text.split_once('x') {
        Some((height, width)) => Some((side(height)?, Some(side(width)?))),
        None => Some((side(text)?, None)),
    }
}

const SIZE: &str = "expected a size in pixels, as in 224 or 224x320";

fn resize(text: &str) -> Result<Resize, String> {
    let exact = |(height, width): (usize, Option<usize>)| match width {
        Some(width) => Resize::Exact(height, width),
        None => Resize::Shorter(height),
    };
    size(text).map(exact).ok_or_else(|| SIZE.into())
}

fn crop(text: &str) -> Result<(usize, usize), String> {
    size(text).map(|(height, width)| (height, width.unwrap_or(height))).ok_or_else(|| SIZE.into())
}

fn number(text: &str) -> Result<f64, String> {
    let parse = |text: &str| text.trim().parse::<f64>().ok();
    let number = match text.split_once('/') {
        Some((a, b)) => parse(a).zip(parse(b)).map(|(a, b)| a / b),
        None => parse(text),
    };
    number.filter(|number| number.is_finite()).ok_or_else(|| "expected a number or a fraction, as in 1/255".into())
}

fn element(text: &str) -> Result<DataType, String> {
    let short = |text: &str| match text {
        "float32" => Some(DataType::Float),
        "float64" => Some(DataType::Double),
        other => DataType::from_name(other),
    };
    let known = short(text).filter(|element| element.bits().is_some_and(|bits| bits >= 8));
    known.ok_or_else(|| "expected a type such as float32, float16, uint8 or int64".into())
}
