//! Sparse tensors: values, and indices that ascend inside of the shape.

use super::error::{SparseProblem, TensorProblem};
use super::tensor;
use crate::onnx::element::DataType;
use crate::onnx::schema::{SparseTensorProto, TensorProto};

pub(super) fn check(sparse: &SparseTensorProto) -> Result<(), SparseProblem> {
    let values = sparse.values.as_ref().ok_or(SparseProblem::NoPart("values"))?;
    let indices = sparse.indices.as_ref().ok_or(SparseProblem::NoPart("indices"))?;
    let size = in_part("its dimensions", tensor::count(&sparse.dims))?;
    in_part("its values", tensor::check(values))?;
    in_part("its indices", tensor::check(indices))?;
    let [stored] = values.dims[..] else { return Err(SparseProblem::ValuesRank) };
    if indices.element() != Some(DataType::Int64) {
        return Err(SparseProblem::IndexType);
    }
    let rank = sparse.dims.len();
    match indices.dims[..] {
        _ if indices.is_external() => Ok(()),
        [count] if count == stored => ascending(indices, &[size as i64]),
        [count, width] if count == stored && width == rank as i64 && rank > 0 => ascending(indices, &sparse.dims),
        _ => Err(SparseProblem::IndexShape { values: stored, rank }),
    }
}

fn in_part<T>(part: &'static str, result: Result<T, TensorProblem>) -> Result<T, SparseProblem> {
    result.map_err(|problem| SparseProblem::Part { part, problem })
}

/// Checks rows of coordinates, one for each axis.
fn ascending(indices: &TensorProto, dims: &[i64]) -> Result<(), SparseProblem> {
    let unreadable = |error: &dyn ToString| SparseProblem::Unreadable(error.to_string());
    let payload = indices.little_endian().map_err(|error| unreadable(&error))?;
    // Rows of coordinates are ordered as their places are; no row is less than all others.
    let (mut row, mut last, mut verdict) = (Vec::new(), Vec::new(), Ok(()));
    let each = |piece: &[u8]| {
        for coordinate in piece.as_chunks().0.iter().map(|le| i64::from_le_bytes(*le)) {
            if verdict.is_ok() && !(0..dims[row.len()]).contains(&coordinate) {
                verdict = Err(SparseProblem::OutOfRange(coordinate));
            }
            if verdict.is_err() {
                return;
            }
            row.push(coordinate);
            if row.len() == dims.len() {
                if last >= row {
                    verdict = Err(SparseProblem::Unordered);
                }
                std::mem::swap(&mut last, &mut row);
                row.clear();
            }
        }
    };
    payload.for_each_piece(each).map_err(|error| unreadable(&error))?;
    verdict
}
