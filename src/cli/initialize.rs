//! What inserted BatchNormalizations compute at first: flags of `insert`.

use super::data::DataArguments;
use super::error::Failure;
use super::progress::Progress;
use crate::data;
use crate::graph::GraphError;
use crate::initialize::{Goal, Measured, Measuring, insert_measured};
use crate::onnx::schema::ModelProto;
use crate::report::MeasureSummary;
use crate::transform::insert::{InsertOptions, Inserted, insert};
use crate::transform::strip_bias::strip_where;
use clap::{Args, ValueEnum};
use std::collections::HashSet;

/// What inserted BatchNormalizations compute at first.
#[derive(Args)]
pub struct InitArguments {
    /// What the BatchNormalizations compute at first.
    #[arg(long, value_enum, default_value_t = Init::Identity)]
    init: Init,

    #[command(flatten)]
    data: DataArguments,
}

/// What inserted BatchNormalizations compute at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Init {
    /// What comes in, bit for bit.
    Identity,
    /// What comes in, up to rounding, with statistics measured on --data.
    Calibrate,
    /// What comes in less its mean, over its deviation, as measured on --data: outputs change.
    Standardize,
}

/// A model with BatchNormalizations that have their first parameters.
pub struct Initialized {
    /// The model, and what was inserted.
    pub inserted: Inserted,
    /// What statistics were measured of.
    pub measured: Option<MeasureSummary>,
    /// Whether it is to compute the same.
    pub preserves: bool,
    /// How many BatchNormalizations took the bias of their layer into their mean.
    pub stripped_biases: usize,
}

impl Initialized {
    /// Moves the bias of each layer into the mean of its new BatchNormalization.
    pub fn strip_biases(&mut self) -> Result<(), GraphError> {
        let report = &mut self.inserted.report;
        let norms: HashSet<&str> = report.layers.iter().filter_map(|layer| layer.outcome.norm()).collect();
        let stripped = strip_where(std::mem::take(&mut self.inserted.model), |name| norms.contains(name))?;
        report.nodes_after = stripped.report.nodes_after;
        (self.inserted.model, self.stripped_biases) = (stripped.model, stripped.report.stripped);
        Ok(())
    }
}

impl InitArguments {
    /// Whether the model is run to measure statistics.
    pub fn measures(&self) -> bool {
        self.init != Init::Identity
    }

    /// How it is called.
    pub fn name(&self) -> &'static str {
        match self.init {
            Init::Identity => "identity",
            Init::Calibrate => "calibrate",
            Init::Standardize => "standardize",
        }
    }

    /// Checks that there is data where it is needed, and only there.
    pub fn check(&self) -> Result<(), Failure> {
        match (self.measures(), self.data.is_empty()) {
            (true, true) => Err(Failure::Usage(format!("--init {} needs --data", self.name()))),
            (false, false) => Err(Failure::Usage("--data is for --init calibrate or standardize".into())),
            _ => Ok(()),
        }
    }

    /// Inserts, and measures what is needed for that, unless only the places are of interest.
    pub fn insert(
        &self,
        model: &ModelProto,
        options: InsertOptions,
        only_places: bool,
        threads: usize,
        quiet: bool,
    ) -> Result<Initialized, Failure> {
        let preserves = options.preserves() && self.init != Init::Standardize;
        let goal = match self.init {
            Init::Calibrate => Goal::Calibrate,
            Init::Standardize => Goal::Standardize,
            Init::Identity => {
                return Ok(Initialized {
                    inserted: insert(model, &options)?,
                    measured: None,
                    preserves,
                    stripped_biases: 0,
                });
            }
        };
        if only_places {
            return Ok(Initialized {
                inserted: insert(model, &options)?,
                measured: None,
                preserves,
                stripped_biases: 0,
            });
        }
        let data = data::open(model, &self.data.options()?)?;
        let progress = Progress::new("measuring", quiet);
        let memory = super::memory::half_of_what_is_free()?;
        let measuring = Measuring { data: &*data, threads, memory, progress: &|done, total| progress.set(done, total) };
        let (inserted, measured) = insert_measured(model, &options, goal, &measuring)?;
        let preprocessing = data.manifest().preprocessing();
        let measured = MeasureSummary { preprocessing, ..measured.into() };
        Ok(Initialized { inserted, measured: Some(measured), preserves, stripped_biases: 0 })
    }
}

impl From<Measured> for MeasureSummary {
    fn from(Measured { samples, passes, residual }: Measured) -> Self {
        MeasureSummary { samples, passes, residual, preprocessing: Vec::new() }
    }
}
