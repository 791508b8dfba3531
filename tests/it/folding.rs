//! Folding without what would overflow, as the tool does.

use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::{SaveError, check_saves};
use bn_tool::transform::fold::{FoldError, FoldOptions, Folded, fold_checked};

/// Why a model cannot be folded, or what came of it cannot be saved.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Fold(#[from] FoldError),
    #[error(transparent)]
    Save(#[from] SaveError),
}

/// Folds; `attempted` is told of each attempt.
pub fn fold(model: &ModelProto, mut attempted: impl FnMut()) -> Result<Folded, Failed> {
    let overflow = |failed: &Failed| match failed {
        Failed::Save(error) => error.overflow().cloned(),
        Failed::Fold(_) => None,
    };
    let attempt = |folded: &Folded| {
        attempted();
        Ok::<_, Failed>(check_saves(&folded.model)?)
    };
    fold_checked(model, FoldOptions::default(), attempt, overflow).map(|(folded, _)| folded)
}
