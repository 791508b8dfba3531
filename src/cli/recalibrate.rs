//! `bn-tool recalibrate`

use super::Status;
use super::contain::Risk;
use super::error::Failure;
use super::estimation::{MeasuredArguments, MethodArguments};
use super::progress::Progress;
use super::result::{Attempt, Delivery, FileArguments, Outcome};
use super::warning::warn_of_frozen;
use crate::data::{self, Dataset};
use crate::onnx::schema::ModelProto;
use crate::recalibrate::{RecalibrateOptions, Recalibrated, Top1, apply_collected, recalibrate, top1};
use crate::report::{AccuracyChange, RecalibrateSummary, human};
use crate::stats::file;
use crate::transform::freeze::Frozen;
use clap::Args;
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
  bn-tool recalibrate model.onnx --data images.npy            # show how far statistics are off
  bn-tool recalibrate model.onnx --data x.npy --labels y.npy  # top-1 before and after
  bn-tool recalibrate resnet.onnx --data images/ --preset imagenet -o recalibrated.onnx
  bn-tool recalibrate resnet.onnx --data images/ --resize 256 --crop 224 --scale 1/255 -o out.onnx
  bn-tool recalibrate train.onnx --freeze --data x.npy -o out.onnx    # training mode, too
  bn-tool recalibrate model.onnx --data x.npy --check                 # they fit
  bn-tool recalibrate pruned.onnx --data x.npy --check                # exit status 1: they do not

  # As PyTorch's update_bn does:
  bn-tool recalibrate model.onnx --data x.npy --method batch --variance unbiased -o out.onnx

Environment:
  BN_TOOL_MEMORY_LIMIT  how many megabytes running the model may take; default: what is available
  TMPDIR                where activations go that --memory does not hold; default: /tmp

Exit status:
  0  done: the result is written, or would be
  1  --check found statistics that are off by more than --stale
  2  error: nothing is written")]
pub struct Options {
    #[command(flatten)]
    file: FileArguments,

    #[command(flatten)]
    measured: MeasuredArguments,

    /// Take statistics from a file of `bn-tool stats` instead of measuring them.
    ///
    /// Those that were in place in its last pass, of which the residual is known; after a first pass alone,
    /// those that it measured.
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,

    #[command(flatten)]
    method: MethodArguments,

    /// The class of each sample, to tell the top-1 accuracy before and after.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,

    /// Other data to tell the accuracy on, prepared like --data; --labels are then for it.
    #[arg(long, value_name = "[NAME=]PATH", requires = "labels")]
    eval_data: Vec<String>,
}

impl Options {
    /// What it risks: it runs the model.
    pub(super) fn risk(&self) -> Risk {
        Risk { models: vec![self.file.model.clone()], way_out: "; nothing was written" }
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        let (delivery, model) = self.file.begin(None)?;
        self.recalibrate(&delivery, model).map_err(|failure| failure.about(&self.file.model))
    }

    fn recalibrate(&self, delivery: &Delivery, loaded: ModelProto) -> Result<Status, Failure> {
        let options = self.method.options(self.measured.selection()?)?;
        let before = self.file.diff.then(|| loaded.clone());
        let Frozen { model, frozen } = self.measured.freeze(loaded, &options.selection)?;
        warn_of_frozen(frozen.len());
        let data = self.open(&model)?;
        let Recalibrated { model: result, mut report } = self.estimate(&model, data.as_deref(), &options)?;
        let top1 = self.accuracy(&model, &result, data.as_deref())?;
        let changed = report.changed() || !frozen.is_empty();
        let outcome = Outcome { model: &result, changed, original: None, preserves: false, before: before.as_ref() };
        let mut attempt: Attempt = delivery.deliver(&outcome)?;
        if self.file.explain {
            report.explain();
        }
        let is_off = report.largest_change > self.method.stale;
        let data = data.as_ref().map(|data| data.manifest());
        let file = delivery.summary(&mut attempt);
        let summary = RecalibrateSummary { file, frozen: &frozen, report: &report, data, top1 };
        delivery.print(&summary, summary.file.diff.as_ref(), false, human::recalibrate)?;
        Ok(if self.file.check && is_off { Status::Differs } else { Status::Done })
    }

    /// The data, if there is any.
    fn open(&self, model: &ModelProto) -> Result<Option<Box<dyn Dataset>>, Failure> {
        match (self.measured.data.is_empty(), &self.stats) {
            (true, None) => Err(Failure::Usage("recalibrate needs --data to measure, or --stats".into())),
            (true, Some(_)) => Ok(None),
            (false, _) => Ok(Some(data::open(model, &self.measured.data()?)?)),
        }
    }

    fn estimate(
        &self,
        model: &ModelProto,
        data: Option<&dyn Dataset>,
        options: &RecalibrateOptions,
    ) -> Result<Recalibrated, Failure> {
        let data = match (&self.stats, data) {
            (None, Some(data)) => data,
            (Some(path), _) => return Ok(apply_collected(model, &file::read(path)?, options)?),
            (None, None) => return Err(Failure::Usage("there is no data".into())),
        };
        let progress = Progress::new("", self.file.report.quiet);
        let samples = |done: usize| (done * data.batch_size()).min(data.samples());
        Ok(recalibrate(model, data, options, &|what, done, _| progress.step(what, samples(done), data.samples()))?)
    }

    /// The accuracy before and after, if there are labels.
    fn accuracy(
        &self,
        before: &ModelProto,
        after: &ModelProto,
        data: Option<&dyn Dataset>,
    ) -> Result<Option<AccuracyChange>, Failure> {
        let Some(path) = &self.labels else { return Ok(None) };
        let labels = data::labels(path)?;
        let other = match self.eval_data.is_empty() {
            true => None,
            false => Some(data::open(before, &self.measured.data.options_for(&self.eval_data)?)?),
        };
        let Some(data) = other.as_deref().or(data) else {
            return Err(Failure::Usage("--labels with --stats needs --eval-data".into()));
        };
        let progress = Progress::new("classifying", self.file.report.quiet);
        let threads = self.method.resources.threads;
        let of = |model: &ModelProto| -> Result<Top1, Failure> {
            Ok(top1(model, data, &labels, threads, &|done, total| progress.set(done, total))?)
        };
        let on_calibration_data = other.is_none();
        Ok(Some(AccuracyChange { before: of(before)?, after: of(after)?, on_calibration_data }))
    }
}
