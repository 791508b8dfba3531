//! `bn-tool fold`

use super::Status;
use super::arguments::SelectionArguments;
use super::contain::Risk;
use super::data::DataArguments;
use super::error::Failure;
use super::prepare::TransformArguments;
use super::result::{Attempt, Delivery, Outcome, ResultArguments};
use super::warning::warn_of_frozen;
use crate::onnx::Source;
use crate::onnx::schema::ModelProto;
use crate::report::{FoldSummary, human};
use crate::transform::fold::{FoldOptions, Folded, fold_checked_owned};
use crate::transform::freeze::Frozen;
use crate::transform::specialize::Specialized;
use clap::Args;

/// Fold each BatchNormalization into the operators before or after it.
///
/// What folds is a BatchNormalization in inference mode, and Mul, Add, Sub, Div and Neg by constants: all
/// are maps s·x + t. Conv, ConvTranspose, Gemm, MatMul, Einsum and other normalisations with constant
/// weights take such a map in, those before it first, else all that read its output; what lies between
/// lets it pass where that is exact. Then both models are run on the same inputs, and the result is
/// written only if their outputs are the same. For each BatchNormalization that stays, the report says
/// why.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool fold model.onnx -o folded.onnx        # fold, verify, write
  bn-tool fold model.onnx                       # show what would be done
  bn-tool fold model.onnx --explain             # say what to do about those that stay
  bn-tool fold model.onnx --check               # exit status 1: there is something to fold
  bn-tool fold - -o - < model.onnx > out.onnx   # in a pipe
  bn-tool fold model.onnx --data images.npy -o folded.onnx
  bn-tool fold model.onnx --exclude '/head/*' -o folded.onnx
  bn-tool fold big.onnx -o folded.onnx --external-data folded.bin
  bn-tool fold exported_in_training.onnx --freeze -o folded.onnx
  bn-tool fold functions.onnx --specialize-functions --no-verify -o folded.onnx
  bn-tool fold model.onnx --merge-branches --pad-exact -o folded.onnx
  bn-tool fold model.onnx --no-affine -o folded.onnx
  bn-tool fold model.onnx --in-place

Environment:
  BN_TOOL_MEMORY_LIMIT  how many megabytes running the models may take; default: what is available

Exit status:
  0  done: the result is written, or would be
  1  the outputs differ or cannot be compared (nothing is written), or --check found
     something to fold
  2  error: nothing is written")]
pub struct Options {
    #[command(flatten)]
    result: ResultArguments,

    #[command(flatten)]
    selection: SelectionArguments,

    #[command(flatten)]
    data: DataArguments,

    #[command(flatten)]
    transform: TransformArguments,
}

/// What was done before the model was folded.
struct Prepared {
    /// The model as it was loaded, if the difference is to be shown.
    before: Option<ModelProto>,
    /// The model to compare the result with, if that is wanted: frozen, functions not yet copied.
    original: Option<ModelProto>,
    /// BatchNormalizations that were put into inference mode.
    frozen: Vec<String>,
    /// Copies of functions.
    copies: Vec<String>,
}

impl Options {
    /// What it risks, if it runs the models.
    pub(super) fn risk(&self) -> Option<Risk> {
        self.result.risk(false)
    }

    pub(super) fn run(&self) -> Result<Status, Failure> {
        let (delivery, loaded) = self.result.begin(Some(&self.data))?;
        let (mut folded, prepared, mut attempt) =
            self.fold(loaded, &delivery).map_err(|failure| failure.about(&self.result.file.model))?;
        if self.result.file.explain {
            folded.report.explain();
        }
        let summary = FoldSummary {
            file: delivery.summary(&mut attempt),
            frozen: &prepared.frozen,
            specialized: &prepared.copies,
            report: &folded.report,
            verification: attempt.verification.as_ref(),
        };
        delivery.print(&summary, summary.file.diff.as_ref(), !attempt.is_same(), human::fold)?;
        let failed =
            !attempt.is_same() || self.result.file.check && (folded.report.changed() || !prepared.frozen.is_empty());
        // The process is about to end. To free a large model piece by piece takes a tenth of the time.
        std::mem::forget((folded, prepared));
        Ok(if failed { Status::Differs } else { Status::Done })
    }

    /// Prepares the model, folds it, verifies the result and saves it.
    fn fold(&self, loaded: ModelProto, delivery: &Delivery) -> Result<(Folded, Prepared, Attempt), Failure> {
        let options = self.transform.options(self.selection.selection()?);
        let before = self.result.file.diff.then(|| loaded.clone());
        let Frozen { model, frozen } = self.transform.freeze(loaded, &options.selection)?;
        warn_of_frozen(frozen.len());
        let original = self.result.verifies().then(|| model.clone());
        let Specialized { model, copies } = self.transform.specialize(model, &options)?;
        let prepared = Prepared { before, original, frozen, copies };
        let mut first = Some(model);
        let model = || match first.take() {
            Some(model) => Ok(model),
            None => self.prepare_again(&delivery.source, &prepared, &options),
        };
        let attempt = |folded: &Folded| {
            let changed = folded.report.changed();
            // A model that was only frozen would be compared with itself.
            let original = prepared.original.as_ref().filter(|_| changed);
            let changed = changed || !prepared.frozen.is_empty();
            let before = prepared.before.as_ref();
            delivery.deliver(&Outcome { model: &folded.model, changed, original, preserves: true, before })
        };
        let (folded, attempt) = fold_checked_owned(model, options.clone(), attempt, Failure::overflow)?;
        Ok((folded, prepared, attempt))
    }

    /// The model that is folded, once more.
    fn prepare_again(
        &self,
        source: &Source,
        prepared: &Prepared,
        options: &FoldOptions,
    ) -> Result<ModelProto, Failure> {
        let frozen = match &prepared.original {
            Some(original) => original.clone(),
            None => self.transform.freeze(source.model()?, &options.selection)?.model,
        };
        Ok(self.transform.specialize(frozen, options)?.model)
    }
}
