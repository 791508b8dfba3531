//! How statistics are estimated: flags of `recalibrate` and `stats collect`.

use super::arguments::{SelectionArguments, not_negative, positive};
use super::data::{DataArguments, SampleArguments};
use super::error::Failure;
use super::memory;
use super::prepare::freeze_if;
use crate::data::DataOptions;
use crate::onnx::schema::ModelProto;
use crate::recalibrate::{Average, Check, FixedPoint, Method, RecalibrateOptions};
use crate::stats::Variance;
use crate::transform::freeze::Frozen;
use crate::transform::selection::Selection;
use clap::{Args, ValueEnum};

/// Which BatchNormalizations are measured, and on what.
#[derive(Args)]
pub struct MeasuredArguments {
    #[command(flatten)]
    selection: SelectionArguments,

    /// First put BatchNormalizations that are in training mode into inference mode.
    ///
    /// One whose batch statistics somebody reads stays as it is.
    #[arg(long)]
    freeze: bool,

    #[command(flatten)]
    pub data: DataArguments,

    #[command(flatten)]
    samples: SampleArguments,
}

impl MeasuredArguments {
    /// Which BatchNormalizations.
    pub fn selection(&self) -> Result<Selection, Failure> {
        self.selection.selection()
    }

    /// Freezes, if that is wanted.
    pub fn freeze(&self, model: ModelProto, selection: &Selection) -> Result<Frozen, Failure> {
        freeze_if(self.freeze, model, selection)
    }

    /// What on.
    pub fn data(&self) -> Result<DataOptions, Failure> {
        Ok(self.samples.apply(self.data.options()?))
    }
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

    /// End when statistics change less, in deviations (--method fixed-point).
    #[arg(long, value_name = "X", default_value_t = 1e-3, value_parser = not_negative)]
    tolerance: f64,

    /// How far statistics may be off before --check says so, in deviations.
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = not_negative)]
    pub stale: f64,

    /// How many samples run through the result to check it: a sixteenth of them, or all.
    #[arg(long, value_enum, default_value_t = CheckArgument::Sample)]
    check_residual: CheckArgument,

    #[command(flatten)]
    pub resources: ResourceArguments,
}

/// What measuring may use.
#[derive(Args)]
#[command(next_help_heading = "Method")]
pub struct ResourceArguments {
    /// How much memory activations may take that wait for others (512M, 4G). Default: half of what is free.
    ///
    /// What goes beyond is put aside on disk, or, where that would be slower, the fixed-point method is used.
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    memory: Option<u64>,

    /// How many threads to use; 0 for one per core. The result does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
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

/// What the variance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VarianceArgument {
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

fn momentum(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number| (0.0..1.0).contains(number))
        .ok_or_else(|| "expected 0 or more, less than 1".into())
}

impl VarianceArgument {
    /// What it means.
    pub fn variance(self) -> Variance {
        match self {
            VarianceArgument::Population => Variance::Population,
            VarianceArgument::Unbiased => Variance::Unbiased,
        }
    }
}

impl ResourceArguments {
    /// The options of the exact method with these resources.
    pub fn options(&self, selection: Selection) -> Result<RecalibrateOptions, Failure> {
        let memory = self.memory.map_or_else(memory::half_of_what_is_free, Ok)?;
        Ok(RecalibrateOptions { selection, threads: self.threads, ..RecalibrateOptions::new(memory) })
    }
}

impl MethodArguments {
    /// All options.
    pub fn options(&self, selection: Selection) -> Result<RecalibrateOptions, Failure> {
        Ok(RecalibrateOptions {
            method: self.method(),
            variance: self.variance.variance(),
            check: match self.check_residual {
                CheckArgument::Sample => Check::Sample,
                CheckArgument::Full => Check::Full,
            },
            ..self.resources.options(selection)?
        })
    }

    fn method(&self) -> Method {
        let average = match self.average {
            AverageArgument::Cumulative => Average::Cumulative,
            AverageArgument::Ema => Average::Exponential { momentum: self.momentum },
        };
        let passes = FixedPoint { group: self.batch_size, max_passes: self.max_passes, tolerance: self.tolerance };
        match self.method {
            MethodArgument::Exact => Method::Exact { otherwise: passes },
            MethodArgument::FixedPoint => Method::FixedPoint(passes),
            MethodArgument::Batch => Method::Batch { size: self.batch_size, average },
        }
    }
}
