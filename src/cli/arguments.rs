//! Flags that several commands share.

use super::error::Failure;
use super::write_report;
use crate::onnx::external::Storage;
use crate::report::json;
use crate::transform::selection::Selection;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Which nodes to work on.
#[derive(Args)]
pub struct SelectionArguments {
    /// Work only on nodes whose name matches; may be repeated.
    ///
    /// These are BatchNormalizations, of `fold` also arithmetic with constants, of `insert` layers. A glob: `*` matches any characters, `/` too. A node without a name goes by its first
    /// output. A pattern that matches nothing is an error.
    #[arg(long, value_name = "GLOB")]
    select: Vec<String>,

    /// Leave out nodes whose name matches; may be repeated.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

impl SelectionArguments {
    /// The selection.
    pub fn selection(&self) -> Result<Selection, Failure> {
        Ok(Selection::new(&self.select, &self.exclude)?)
    }
}

/// Where the result goes.
#[derive(Args)]
pub struct OutputArguments {
    /// Write the result here: binary, or ONNX text if the name ends in .onnxtxt; `-` is
    /// standard output. Without it, nothing is written (a dry run).
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// Replace the model itself, atomically.
    #[arg(long, conflicts_with = "output")]
    in_place: bool,

    /// Put the weights in this file beside OUT.
    ///
    /// Without it, weights stay where they are: in the model, or in data files beside it, of
    /// which those that change get a new name. Weights of a model above 2 GiB, which protobuf
    /// does not allow, go to OUT.data.
    #[arg(long, value_name = "FILE")]
    external_data: Option<String>,

    /// Take weights from data files into the model.
    #[arg(long, conflicts_with = "external_data")]
    inline: bool,
}

impl OutputArguments {
    /// The file to write, if any.
    pub fn target(&self, model: &Path) -> Result<Option<PathBuf>, Failure> {
        if !self.in_place {
            return Ok(self.output.clone());
        }
        if model == Path::new("-") {
            return Err(Failure::Usage("standard input cannot be replaced in place; use `-o OUT`".into()));
        }
        Ok(Some(model.to_path_buf()))
    }

    /// Where the weights go.
    pub fn storage(&self) -> Storage {
        match &self.external_data {
            Some(name) => Storage::External(name.clone()),
            None if self.inline => Storage::Inline,
            None => Storage::Keep,
        }
    }
}

/// A number from 1 on.
pub fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a positive number".into())
}

/// A finite number from 0 on.
pub fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number >= 0.0 && number.is_finite());
    number.ok_or_else(|| "expected a number that is not negative".into())
}

/// How the report looks.
#[derive(Args)]
pub struct ReportArguments {
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Print nothing but errors.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more: every BatchNormalization, however many there are, and all that was measured.
    #[arg(short, long)]
    pub verbose: bool,
}

impl ReportArguments {
    /// Writes a report to standard output: as JSON, or what `human` says.
    pub fn print<S: Serialize>(&self, summary: &S, human: impl FnOnce(&S, bool) -> String) -> Result<(), Failure> {
        match self.format {
            Format::Json => write_report(&json::to_text(summary), false),
            Format::Human if self.quiet => Ok(()),
            Format::Human => write_report(&human(summary, self.verbose), false),
        }
    }
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs; the schema is stable and documented in docs/json.md.
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Sets it for all that is printed.
    pub fn apply(self) {
        match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}
