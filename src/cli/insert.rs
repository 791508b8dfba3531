//! `bn-tool insert`

use super::Status;
use super::arguments::SelectionArguments;
use super::contain::Risk;
use super::error::Failure;
use super::initialize::{InitArguments, Initialized};
use super::result::{Attempt, Delivery, Outcome, ResultArguments};
use crate::onnx::schema::ModelProto;
use crate::report::{InsertSummary, human};
use crate::transform::insert::{InsertOptions, LayerKind, Site};
use clap::{Args, ValueEnum};

/// Insert a BatchNormalization between each affine layer and its activation.
///
/// Affine layers are Conv, ConvTranspose, Gemm, MatMul and MatMul + Add with constant weights;
/// activations all elementwise non-linearities, in one node or in several (SiLU, HardSwish, GELU,
/// Mish …). At first a BatchNormalization changes no bit of what the model computes; both models are
/// run, and the result is written only if their outputs are the same. For each layer that is left,
/// the report says why. `fold` takes all of it back.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool insert folded.onnx -o with_bn.onnx    # insert, verify, write
  bn-tool insert folded.onnx                    # show what would be done
  bn-tool insert folded.onnx --explain          # say what to do about layers that are left
  bn-tool insert folded.onnx --check            # exit status 1: there is a place to insert one
  bn-tool insert folded.onnx --op conv,gemm --exclude '/head/*' -o with_bn.onnx
  bn-tool insert folded.onnx --init calibrate --data images.npy -o with_bn.onnx
  bn-tool insert masked.onnx --init standardize --data x=x.npy --data mask=m.npy -o with_bn.onnx
  bn-tool insert folded.onnx --site input --init standardize --data images.npy -o with_bn.onnx
  bn-tool insert folded.onnx --site after-affine --training -o for_training.onnx
  bn-tool insert mlp.onnx --transpose -o with_bn.onnx
  bn-tool insert folded.onnx --strip-bias -o with_bn.onnx

Environment:
  BN_TOOL_MEMORY_LIMIT  how many megabytes running the models may take; default: what is available

Exit status:
  0  done: the result is written, or would be
  1  the outputs differ or cannot be compared (nothing is written), or --check found
     a place to insert one
  2  error: nothing is written")]
pub struct Options {
    #[command(flatten)]
    result: ResultArguments,

    #[command(flatten)]
    selection: SelectionArguments,

    /// Where to insert.
    #[arg(long, value_enum, default_value_t = SiteArgument::BeforeActivation)]
    site: SiteArgument,

    /// Only at these kinds of layers.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "OP,…")]
    op: Vec<KindArgument>,

    #[command(flatten)]
    init: InitArguments,

    /// ε of the BatchNormalizations.
    #[arg(long, value_name = "X", default_value_t = 1e-5)]
    epsilon: f32,

    /// How much of the running statistics a training step keeps.
    #[arg(long, value_name = "X", default_value_t = 0.9)]
    momentum: f32,

    /// Put the BatchNormalizations into training mode: they normalise by the statistics of each
    /// batch, so that outputs change and nothing is verified.
    #[arg(long)]
    training: bool,

    /// Where channels are another axis than 1, bring them there by a Transpose, and back by another.
    #[arg(long)]
    transpose: bool,

    /// Move the bias of each layer into the mean of its new BatchNormalization.
    #[arg(long)]
    strip_bias: bool,
}

/// Where to insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SiteArgument {
    /// Between an affine layer and its activation.
    BeforeActivation,
    /// Behind every affine layer.
    AfterAffine,
    /// In front of every affine layer (pre-activation).
    BeforeAffine,
    /// Behind every input of the model.
    Input,
}

/// Kinds of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindArgument {
    Conv,
    #[value(alias = "convtranspose")]
    ConvTranspose,
    Gemm,
    #[value(name = "matmul")]
    MatMul,
}

impl From<SiteArgument> for Site {
    fn from(site: SiteArgument) -> Site {
        match site {
            SiteArgument::BeforeActivation => Site::BeforeActivation,
            SiteArgument::AfterAffine => Site::AfterAffine,
            SiteArgument::BeforeAffine => Site::BeforeAffine,
            SiteArgument::Input => Site::Input,
        }
    }
}

impl From<KindArgument> for LayerKind {
    fn from(kind: KindArgument) -> LayerKind {
        match kind {
            KindArgument::Conv => LayerKind::Conv,
            KindArgument::ConvTranspose => LayerKind::ConvTranspose,
            KindArgument::Gemm => LayerKind::Gemm,
            KindArgument::MatMul => LayerKind::MatMul,
        }
    }
}

impl Options {
    /// What it risks, if it runs the models.
    pub(super) fn risk(&self) -> Option<Risk> {
        self.result.risk(self.init.measures())
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        self.init.check()?;
        let (delivery, model) = self.result.begin(None)?;
        let (mut initialized, mut attempt) =
            self.insert(&model, &delivery).map_err(|failure| failure.about(&self.result.file.model))?;
        if self.result.file.explain {
            initialized.inserted.report.explain();
        }
        let summary = InsertSummary {
            file: delivery.summary(&mut attempt),
            report: &initialized.inserted.report,
            init: self.init.name(),
            training: self.training,
            stripped_biases: initialized.stripped_biases,
            measured: initialized.measured.as_ref(),
            preserves: initialized.preserves,
            verification: attempt.verification.as_ref(),
        };
        delivery.print(&summary, summary.file.diff.as_ref(), summary.preserves && !attempt.is_same(), human::insert)?;
        let differs = summary.preserves && !attempt.is_same();
        let failed = differs || self.result.file.check && initialized.inserted.report.changed();
        Ok(if failed { Status::Differs } else { Status::Done })
    }

    fn options(&self) -> Result<InsertOptions, Failure> {
        let kinds = self.op.iter().map(|kind| (*kind).into()).collect();
        Ok(InsertOptions::new(self.selection.selection()?)
            .site(self.site.into())
            .kinds(kinds)
            .epsilon(self.epsilon)
            .momentum(self.momentum)
            .training(self.training)
            .transpose(self.transpose))
    }

    /// Inserts, verifies the result and saves it.
    fn insert(&self, model: &ModelProto, delivery: &Delivery) -> Result<(Initialized, Attempt), Failure> {
        let threads = self.result.verify.threads;
        let mut initialized =
            self.init.insert(model, self.options()?, self.result.file.check, threads, self.result.file.report.quiet)?;
        if self.strip_bias {
            initialized.strip_biases()?;
        }
        let changed = initialized.inserted.report.changed();
        let compares = changed && self.result.verifies() && !self.training;
        let attempt = delivery.deliver(&Outcome {
            model: &initialized.inserted.model,
            changed,
            original: compares.then_some(model),
            preserves: initialized.preserves,
            before: self.result.file.diff.then_some(model),
        })?;
        Ok((initialized, attempt))
    }
}
