//! `bn-tool recalibrate`

use super::Status;
use super::arguments::SelectionArguments;
use super::contain::Risk;
use super::error::Failure;
use super::memory;
use super::progress::Progress;
use super::result::{Attempt, Delivery, FileArguments, Outcome};
use super::warning::warn_of_frozen;
use crate::data::{self, DataSource, Dataset};
use crate::onnx::schema::ModelProto;
use crate::recalibrate::{
    Average, Check, FixedPoint, Method, RecalibrateOptions, Recalibrated, Top1, recalibrate, top1,
};
use crate::report::{AccuracyChange, RecalibrateSummary, human};
use crate::stats::Variance;
use crate::transform::freeze::{Frozen, freeze};
use crate::verify::VerifyOptions;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Estimate the running mean and variance of each BatchNormalization anew, on data.
///
/// Use it where the statistics that a model stores are not those of what comes in: after weights were
/// averaged, pruned, quantised or merged, or where the data has shifted. Where they fit, it changes
/// nothing worth having. γ, β and all weights stay as they are. 1000 to 2000 samples without labels are
/// enough; they should be like those that the model will see.
///
/// For each BatchNormalization the report says how far its statistics moved, or why they stay. At the end
/// samples run through the result, and the residual says how far what comes in is from what is stored.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool recalibrate model.onnx --data images.npy -o recalibrated.onnx
  bn-tool recalibrate model.onnx --data images.npy                show how far statistics are off
  bn-tool recalibrate model.onnx --data x.npy --labels y.npy      top-1 before and after
  bn-tool recalibrate model.onnx --data images/ --preset imagenet --resize 256 --crop 224 -o out.onnx
  bn-tool recalibrate model.onnx --data x.npy --method batch --variance unbiased -o out.onnx
                                                                  as PyTorch's update_bn does
  bn-tool recalibrate train.onnx --freeze --data x.npy -o out.onnx   take training mode along
  bn-tool recalibrate model.onnx --data x.npy --check             exit with 1 if they are off

Environment:
  BN_TOOL_MEMORY_LIMIT  how many megabytes running the model may take; default: what is available
  TMPDIR                where activations go that --memory does not hold; default: /tmp

Exit status:
  0  done: the result is written, or would be
  1  --check found statistics that are off by more than --tolerance
  2  error")]
pub struct Options {
    #[command(flatten)]
    file: FileArguments,

    #[command(flatten)]
    selection: SelectionArguments,

    /// First put BatchNormalizations that are in training mode into inference mode.
    ///
    /// One whose batch statistics somebody reads stays as it is.
    #[arg(long)]
    freeze: bool,

    /// What to measure on: an array in a .npy file, one sample per position of its first axis. NAME=FILE
    /// gives it to the input of that name; may be repeated.
    #[arg(long, value_name = "[NAME=]FILE", required = true)]
    data: Vec<String>,

    #[command(flatten)]
    method: MethodArguments,

    /// The class of each sample, to tell the top-1 accuracy before and after.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,

    /// Other data to tell the accuracy on; --labels are then for it.
    #[arg(long, value_name = "[NAME=]FILE", requires = "labels")]
    eval_data: Vec<String>,
}

/// How statistics are estimated.
#[derive(Args)]
#[command(next_help_heading = "Method")]
pub struct MethodArguments {
    /// How statistics are estimated.
    #[arg(long, value_enum, default_value_t = MethodArgument::Exact)]
    method: MethodArgument,

    /// Divide the variance by n, or by n − 1.
    #[arg(long, value_enum, default_value_t = VarianceArgument::Population)]
    variance: VarianceArgument,

    /// How statistics of batches are put together (--method batch).
    #[arg(long, value_enum, default_value_t = AverageArgument::Cumulative)]
    average: AverageArgument,

    /// How much of the old a new batch keeps (--average ema): ONNX's sense, PyTorch's is 1 minus it.
    #[arg(long, value_name = "X", default_value_t = 0.9, value_parser = momentum)]
    momentum: f64,

    /// How many samples make a batch (--method batch), or a group of the first pass (--method fixed-point).
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    batch_size: usize,

    /// How many passes to make at most (--method fixed-point).
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = positive)]
    max_passes: usize,

    /// End when statistics change less, in deviations (--method fixed-point); what --check lets pass.
    #[arg(long, value_name = "X", default_value_t = 1e-3, value_parser = not_negative)]
    tolerance: f64,

    /// How many samples run through the result to check it: a sixteenth of them, or all.
    #[arg(long, value_enum, default_value_t = CheckArgument::Sample)]
    check_residual: CheckArgument,

    /// How much memory activations may take that wait for others (512M, 4G). Default: half of what is free.
    ///
    /// What goes beyond is put aside on disk, or, where that would be slower, the fixed-point method is used.
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    memory: Option<u64>,

    /// How many threads to use; 0 for one per core. The result does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MethodArgument {
    /// All samples side by side, one BatchNormalization after the other: exact, in one pass.
    Exact,
    /// Passes with statistics in place until they do not change any more: for more data than memory.
    FixedPoint,
    /// Batches that are normalised by their own statistics, as in training.
    Batch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VarianceArgument {
    /// Divided by n.
    Population,
    /// Divided by n − 1, as PyTorch does.
    Unbiased,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AverageArgument {
    /// The mean over all batches: with --variance unbiased, PyTorch's update_bn.
    Cumulative,
    /// An exponential moving average that begins with the first batch.
    Ema,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CheckArgument {
    /// A sixteenth.
    Sample,
    /// All.
    Full,
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a positive number".into())
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number >= 0.0 && number.is_finite());
    number.ok_or_else(|| "expected a number that is not negative".into())
}

fn momentum(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number| (0.0..1.0).contains(number))
        .ok_or_else(|| "expected 0 or more, less than 1".into())
}

impl MethodArguments {
    fn method(&self) -> Method {
        let average = match self.average {
            AverageArgument::Cumulative => Average::Cumulative,
            AverageArgument::Ema => Average::Exponential { momentum: self.momentum },
        };
        match self.method {
            MethodArgument::Exact => Method::Exact,
            MethodArgument::FixedPoint => Method::FixedPoint(FixedPoint {
                group: self.batch_size,
                max_passes: self.max_passes,
                tolerance: self.tolerance,
            }),
            MethodArgument::Batch => Method::Batch { size: self.batch_size, average },
        }
    }
}

impl Options {
    /// What it risks: it runs the model.
    pub(super) fn risk(&self) -> Risk {
        Risk { models: vec![self.file.model.clone()], way_out: "; nothing was written" }
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        let (delivery, model) = self.file.begin(VerifyOptions::default())?;
        self.recalibrate(&delivery, model).map_err(|failure| failure.about(&self.file.model))
    }

    fn recalibrate(&self, delivery: &Delivery, loaded: ModelProto) -> Result<Status, Failure> {
        let options = self.options()?;
        let before = self.file.diff.then(|| loaded.clone());
        let Frozen { model, frozen } = match self.freeze {
            true => freeze(loaded, &options.selection)?,
            false => Frozen { model: loaded, frozen: Vec::new() },
        };
        warn_of_frozen(frozen.len());
        let data = open(&model, &self.data)?;
        let Recalibrated { model: result, mut report } = self.measure(&model, &*data, &options)?;
        let top1 = self.accuracy(&model, &result, &*data)?;
        let changed = report.changed() || !frozen.is_empty();
        let outcome = Outcome { model: &result, changed, original: None, preserves: false, before: before.as_ref() };
        let mut attempt: Attempt = delivery.deliver(&outcome)?;
        if self.file.explain {
            report.explain();
        }
        let is_off = report.largest_change > self.method.tolerance;
        let summary =
            RecalibrateSummary { file: delivery.summary(&mut attempt), frozen: &frozen, report: &report, top1 };
        delivery.print(&summary, summary.file.diff.as_ref(), false, human::recalibrate)?;
        Ok(if self.file.check && is_off { Status::Differs } else { Status::Done })
    }

    fn measure(
        &self,
        model: &ModelProto,
        data: &dyn Dataset,
        options: &RecalibrateOptions,
    ) -> Result<Recalibrated, Failure> {
        let progress = Progress::new("", self.file.report.quiet);
        let samples = |done: usize| (done * data.batch_size()).min(data.samples());
        Ok(recalibrate(model, data, options, &|what, done, _| progress.step(what, samples(done), data.samples()))?)
    }

    fn options(&self) -> Result<RecalibrateOptions, Failure> {
        let MethodArguments { threads, .. } = self.method;
        let memory = self.method.memory.map_or_else(memory::half_of_what_is_free, Ok)?;
        Ok(RecalibrateOptions {
            selection: self.selection.selection()?,
            method: self.method.method(),
            variance: match self.method.variance {
                VarianceArgument::Population => Variance::Population,
                VarianceArgument::Unbiased => Variance::Unbiased,
            },
            memory,
            threads,
            check: match self.method.check_residual {
                CheckArgument::Sample => Check::Sample,
                CheckArgument::Full => Check::Full,
            },
        })
    }

    /// The accuracy before and after, if there are labels.
    fn accuracy(
        &self,
        before: &ModelProto,
        after: &ModelProto,
        data: &dyn Dataset,
    ) -> Result<Option<AccuracyChange>, Failure> {
        let Some(path) = &self.labels else { return Ok(None) };
        let labels = data::labels(path)?;
        let other = if self.eval_data.is_empty() { None } else { Some(open(before, &self.eval_data)?) };
        let data = other.as_deref().unwrap_or(data);
        let progress = Progress::new("classifying", self.file.report.quiet);
        let of = |model: &ModelProto| -> Result<Top1, Failure> {
            Ok(top1(model, data, &labels, self.method.threads, &|done, total| progress.set(done, total))?)
        };
        let on_calibration_data = self.eval_data.is_empty();
        Ok(Some(AccuracyChange { before: of(before)?, after: of(after)?, on_calibration_data }))
    }
}

fn open(model: &ModelProto, sources: &[String]) -> Result<Box<dyn Dataset>, Failure> {
    let sources: Vec<DataSource> = sources.iter().map(|text| DataSource::parse(text)).collect();
    Ok(data::open(model, &sources)?)
}
