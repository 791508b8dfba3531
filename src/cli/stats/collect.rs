//! `bn-tool stats collect`

use crate::cli::arguments::{ReportArguments, positive};
use crate::cli::contain::Risk;
use crate::cli::error::Failure;
use crate::cli::estimation::{MeasuredArguments, ResourceArguments, VarianceArgument};
use crate::cli::progress::Progress;
use crate::cli::{Status, interrupt};
use crate::data::{self, DataOptions};
use crate::onnx::Source;
use crate::onnx::schema::ModelProto;
use crate::recalibrate::{Pass, RecalibrateOptions, collect};
use crate::report::{StatisticsSummary, human};
use crate::stats::{Collection, ShardId, file};
use clap::Args;
use std::path::PathBuf;

/// Make one pass over data, or a part of it, and write down what came into each BatchNormalization.
///
/// The first pass goes in groups of --batch-size samples, which are normalised by their own statistics. Each
/// later one needs the merged statistics of the pass before; what is in place in it is computed from these
/// and from the first group of all data, which every part reads. Merge the parts of a pass, and make passes
/// until `stats merge --tolerance` says that it is enough: what is in place then is what `recalibrate
/// --stats` writes into the model.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool stats collect model.onnx --data images/ --shard 1/2 -o part1.safetensors
  bn-tool stats collect model.onnx --data images/ --shard 2/2 -o part2.safetensors
  bn-tool stats merge part*.safetensors -o pass1.safetensors
  bn-tool stats collect model.onnx --data images/ --pass 2 --stats pass1.safetensors \\
    --shard 1/2 -o part1.safetensors

  # examples/shards.sh does all of it with several processes.

Environment:
  BN_TOOL_MEMORY_LIMIT  how many megabytes running the model may take; default: what is available

Exit status:
  0  done
  2  error: nothing is written")]
pub struct Options {
    /// The model: .onnx, ONNX text, or `-` for standard input.
    model: PathBuf,

    /// Write the statistics here.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    #[command(flatten)]
    measured: MeasuredArguments,

    /// Only part I of N, from 1: consecutive groups of samples.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<(usize, usize)>,

    /// The merged statistics of the pass before.
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,

    /// Which pass this is to be; an error if --stats are not those of the pass before.
    #[arg(long, value_name = "K", value_parser = positive)]
    pass: Option<usize>,

    /// How many samples make a group of the first pass.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    batch_size: usize,

    /// Divide the variance by n, or by n − 1; the same in all passes, and in `recalibrate --stats`.
    #[arg(long, value_enum, default_value_t = VarianceArgument::Population)]
    variance: VarianceArgument,

    #[command(flatten)]
    resources: ResourceArguments,

    #[command(flatten)]
    report: ReportArguments,
}

/// `I/N`, from 1, as a number from 0.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let parse = |text: &str| text.parse::<usize>().ok();
    let pair = text.split_once('/').and_then(|(index, of)| Some((parse(index)?, parse(of)?)));
    let pair = pair.filter(|(index, of)| (1..=*of).contains(index) && *of <= 1_000_000);
    pair.map(|(index, of)| (index - 1, of)).ok_or_else(|| "expected I/N, as in 1/4".into())
}

impl Options {
    /// What it risks: it runs the model.
    pub(super) fn risk(&self) -> Risk {
        Risk { models: vec![self.model.clone()], way_out: "; nothing was written" }
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        if self.measured.data.is_empty() {
            return Err(Failure::Usage("stats collect needs --data".into()));
        }
        interrupt::leave_nothing_behind();
        let model = Source::open(&self.model)?.model()?;
        let collection = self.collect(model).map_err(|failure| failure.about(&self.model))?;
        file::write(&collection, &self.output)?;
        let summary = StatisticsSummary::new(self.output.display().to_string(), &collection, |_| true);
        self.report.print(&summary, human::statistics)?;
        Ok(Status::Done)
    }

    fn collect(&self, loaded: ModelProto) -> Result<Collection, Failure> {
        let options = self.resources.options(self.measured.selection()?)?;
        let options = RecalibrateOptions { variance: self.variance.variance(), ..options };
        let model = self.measured.freeze(loaded, &options.selection)?.model;
        let previous = self.previous()?;
        let of_previous = previous.as_ref().and_then(|previous| previous.header.group);
        let group = of_previous.unwrap_or(self.batch_size);
        let all = self.measured.data()?;
        let first =
            DataOptions { samples: Some(all.samples.map_or(group, |samples| samples.min(group))), ..all.clone() };
        let shard = DataOptions { shard: self.shard, group, ..all };
        let (data, reference) = (data::open(&model, &shard)?, data::open(&model, &first)?);
        let pass = Pass { data: &*data, reference: &*reference, previous: previous.as_ref(), group };
        let progress = Progress::new("", self.report.quiet);
        let steps = |what: &'static str, done: usize, total: usize| progress.step(what, done, total);
        let mut collection = collect(&model, &pass, &options, &steps)?;
        let (index, of) = self.shard.unwrap_or((0, 1));
        collection.header.shards = vec![ShardId { data: 0, index, of }];
        collection.header.data = vec![data.manifest().clone()];
        Ok(collection)
    }

    fn previous(&self) -> Result<Option<Collection>, Failure> {
        let previous = self.stats.as_ref().map(|path| file::read(path)).transpose()?;
        let next = previous.as_ref().map_or(1, |previous| previous.header.pass as usize + 1);
        match self.pass {
            Some(pass) if pass != next && previous.is_none() => {
                Err(Failure::Usage(format!("pass {pass} needs --stats: the merged statistics of pass {}", pass - 1)))
            }
            Some(pass) if pass != next => Err(Failure::Usage(format!(
                "--stats are those of pass {}: the next is pass {next}, not {pass}",
                next - 1
            ))),
            _ => Ok(previous),
        }
    }
}
