//! Sparse tensors, which tract does not have.

use super::error::EngineError;
use crate::onnx::element::DataType;
use crate::onnx::element_count;
use crate::onnx::schema::{SparseTensorProto, TensorProto};

/// Sparse tensors of more elements are refused: a few bytes would become gigabytes.
const LARGEST_DENSE: usize = 1 << 28;

/// The dense form of a sparse tensor: `indices` are linear `[NNZ]` or coordinates `[NNZ, rank]`.
pub fn densified(sparse: &SparseTensorProto) -> Result<TensorProto, EngineError> {
    let problem = |what: &str| EngineError::Graph { what: format!("sparse tensor `{}`: {what}", sparse.name()) };
    let (Some(values), Some(indices)) = (&sparse.values, &sparse.indices) else { return Err(problem("incomplete")) };
    if element_count(&sparse.dims).is_none_or(|count| count > LARGEST_DENSE) {
        return Err(problem("too large to be made dense"));
    }
    let mut dense = TensorProto { dims: sparse.dims.clone(), name: values.name.clone(), ..Default::default() };
    dense.data_type = values.data_type;
    let shape = dense.shape()?;
    let size = values.element().and_then(DataType::bits).unwrap_or_default() as usize / 8;
    let source = values.little_endian()?.to_bytes()?;
    let positions = indices.int_values()?;
    let width = if indices.dims.len() == 2 { shape.len() } else { 1 };
    if size == 0 || positions.len() != source.len() / size * width {
        return Err(problem("its indices do not match its values"));
    }
    let count = shape.iter().product::<usize>();
    let mut bytes = vec![0; count * size];
    for (element, position) in source.chunks_exact(size).zip(positions.chunks_exact(width.max(1))) {
        let linear = match position {
            [linear] if width == 1 => Some(*linear),
            many => many
                .iter()
                .zip(&shape)
                .try_fold(0i64, |sum, (index, dim)| sum.checked_mul(*dim as i64)?.checked_add(*index)),
        };
        let start = linear.and_then(|linear| usize::try_from(linear).ok()).filter(|start| *start < count);
        let start = start.ok_or_else(|| problem("an index is outside its shape"))? * size;
        bytes[start..start + size].copy_from_slice(element);
    }
    dense.set_elements(bytes.into());
    Ok(dense)
}
