//! What commands that transform a model do with the result.

use super::arguments::VerifyArguments;
use super::error::Failure;
use super::progress::Progress;
use crate::onnx::schema::ModelProto;
use crate::verify::{Verification, VerifyError, verify};
use std::path::Path;

/// Whether two paths lead to one file.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Compares a result with its original, before anything is written.
pub fn verify_before_writing(
    original: &ModelProto,
    result: &ModelProto,
    arguments: &VerifyArguments,
    quiet: bool,
) -> Result<Verification, Failure> {
    let progress = Progress::new("verifying", quiet);
    let result = verify(original, result, &arguments.options(), &|done, total| progress.set(done, total));
    result.map_err(|error| match error {
        VerifyError::Overflow(_) | VerifyError::UnknownDimension { .. } => error.into(),
        cannot_run => Failure::Unverified(cannot_run),
    })
}
