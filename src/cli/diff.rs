//! `bn-tool diff`

use super::error::Failure;
use super::{Status, write_report};
use crate::diff::{DiffOptions, HumanOptions, ModelDiff, diff, human, markdown, markdown_summary};
use crate::onnx::load;
use crate::report::{DiffExtent, DiffSummary, json};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Show what differs between two models: nodes, attributes, weights, interface, metadata.
///
/// Nodes are matched by their outputs, then by their names, then by what they compute, so that
/// what was only renamed is shown as renamed. Of weights that changed, the largest difference and
/// the relative norm ‖Δ‖/‖A‖ are given. Whatever differs, something is shown.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool diff model.onnx folded.onnx
  bn-tool diff model.onnx folded.onnx --summary
  bn-tool diff a.onnx b.onnx --context 2 | less -R
  bn-tool diff a.onnx b.onnx --format markdown > comment.md
  bn-tool diff a.onnx b.onnx --exit-code > changes.txt   # exit status 1: they differ
  git show HEAD:model.onnx | bn-tool diff - model.onnx

Signs:
  -  only in the first model     +  only in the second     ~  in both, and differs
  In lines of nodes, → leads from inputs to outputs, ⇒ from before to after.

Exit status:
  0  done, or with --exit-code: the models are the same
  1  with --exit-code: they differ
  2  error")]
pub struct Options {
    /// The first model: .onnx, ONNX text, or `-` for standard input.
    a: PathBuf,

    /// The second model.
    b: PathBuf,

    /// The form of the output.
    #[arg(long, value_enum, default_value_t = Form::Human)]
    format: Form,

    /// Show only how many nodes, operators, parameters and bytes there are before and after.
    #[arg(long)]
    summary: bool,

    /// Show N nodes that do not differ around each that does.
    #[arg(short = 'U', long, value_name = "N", default_value_t = 0)]
    context: usize,

    /// List all that was only renamed, however much it is.
    #[arg(short, long, conflicts_with = "summary")]
    verbose: bool,

    /// Exit with 1 if the models differ.
    #[arg(long)]
    exit_code: bool,
}

/// The form of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Human,
    /// For programs; the schema is stable and documented in docs/json.md.
    Json,
    /// A table for a pull-request comment.
    Markdown,
}

impl Options {
    pub(super) fn run(&self) -> Result<Status, Failure> {
        if self.a == Path::new("-") && self.b == Path::new("-") {
            return Err(Failure::Usage("only one of the two models can come from standard input".into()));
        }
        let (a, b) = (load(&self.a)?, load(&self.b)?);
        let changes = diff(&a, &b, &DiffOptions { context: self.context })?;
        let differs = !changes.is_empty();
        let text = match self.format {
            Form::Human => human(&changes, &self.human_options()),
            Form::Markdown if self.summary => markdown_summary(&changes),
            Form::Markdown => markdown(&changes),
            Form::Json => self.json(&changes),
        };
        // The process is about to end. To free large models piece by piece takes its time.
        std::mem::forget((a, b));
        write_report(&text, false)?;
        Ok(if self.exit_code && differs { Status::Differs } else { Status::Done })
    }

    fn human_options(&self) -> HumanOptions {
        // Colours are taken out again where they do not belong.
        HumanOptions { summary: self.summary, verbose: self.verbose, color: true }
    }

    fn json(&self, changes: &ModelDiff) -> String {
        json::to_text(&DiffSummary {
            a: self.a.display().to_string(),
            b: self.b.display().to_string(),
            differs: !changes.is_empty(),
            diff: match self.summary {
                true => DiffExtent::Summary { summary: &changes.summary },
                false => DiffExtent::All(changes),
            },
        })
    }
}
