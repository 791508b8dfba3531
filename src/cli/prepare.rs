//! What is folded, and what is done to a model before: flags of `fold`.

use super::error::Failure;
use crate::onnx::schema::ModelProto;
use crate::transform::fold::FoldOptions;
use crate::transform::freeze::{Frozen, freeze};
use crate::transform::selection::Selection;
use crate::transform::specialize::{Specialized, specialize};
use clap::Args;

/// What is folded, and what is done before.
#[derive(Args)]
pub struct TransformArguments {
    /// First put BatchNormalizations that are in training mode into inference mode.
    ///
    /// They then normalise by their stored statistics, so that outputs change. One whose batch
    /// statistics somebody reads stays as it is. The result is compared with the frozen model.
    #[arg(long)]
    freeze: bool,

    /// First make copies of local functions for the constants that they are called with.
    ///
    /// Weights, parameters and attributes that a call passes become part of the copy, where they
    /// can be folded. Functions in which this folds nothing stay as they are.
    #[arg(long)]
    specialize_functions: bool,

    /// Leave Mul, Add, Sub, Div and Neg by constants as they are.
    #[arg(long)]
    no_affine: bool,

    /// Where padding blocks folding into the convolution after it, leave an Add of the shift and
    /// fold the scale.
    #[arg(long)]
    pad_exact: bool,

    /// Add up parallel branches of one input, of Conv, Gemm or MatMul, into one operator.
    #[arg(long)]
    merge_branches: bool,
}

/// Freezes, if that is wanted.
pub fn freeze_if(wanted: bool, model: ModelProto, selection: &Selection) -> Result<Frozen, Failure> {
    if !wanted {
        return Ok(Frozen { model, frozen: Vec::new() });
    }
    Ok(freeze(model, selection)?)
}

impl TransformArguments {
    /// What is folded.
    pub fn options(&self, selection: Selection) -> FoldOptions {
        FoldOptions::new(selection)
            .affine(!self.no_affine)
            .pad_exact(self.pad_exact)
            .merge_branches(self.merge_branches)
    }

    /// Freezes, if that is wanted.
    pub fn freeze(&self, model: ModelProto, selection: &Selection) -> Result<Frozen, Failure> {
        freeze_if(self.freeze, model, selection)
    }

    /// Specialises functions, if that is wanted.
    pub fn specialize(&self, model: ModelProto, options: &FoldOptions) -> Result<Specialized, Failure> {
        if !self.specialize_functions {
            return Ok(Specialized { model, copies: Vec::new() });
        }
        Ok(specialize(model, options)?)
    }
}
