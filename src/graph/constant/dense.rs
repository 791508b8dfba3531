//! A constant tensor in memory, as f64.

use crate::onnx::TensorError;
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{SparseTensorProto, TensorProto};

/// The length of an axis of which nothing is known: no tensor has it.
pub(super) const UNKNOWN: usize = usize::MAX;

/// So far away, an integer only means the end of an axis.
const FAR: u64 = 1 << 62;

/// Elements as f64, row-major, and the type that they are rounded to. Integers above 2⁵³ are
/// not exact and therefore not accepted, but for those of which the last digits mean nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// The type of the elements.
    pub element: DataType,
    /// The lengths of the axes.
    pub shape: Vec<usize>,
    /// The elements.
    pub values: Vec<f64>,
}

impl Dense {
    /// The elements of a tensor of floats or integers.
    ///
    /// # Errors
    /// When the tensor is malformed, external, or of another type.
    pub fn from_tensor(tensor: &TensorProto) -> Result<Dense, TensorError> {
        let malformed = |what| TensorError::Malformed { tensor: tensor.name.clone().unwrap_or_default(), what };
        let element = tensor.element().ok_or_else(|| malformed("an unknown element type"))?;
        let shape = tensor.shape()?;
        let values = match element {
            DataType::Int32 | DataType::Int64 => {
                let values = tensor.int_values()?;
                let is_inexact = |value: &i64| (1 << 53 < value.unsigned_abs()) && (value.unsigned_abs() < FAR);
                if values.iter().any(is_inexact) {
                    return Err(malformed("an integer above 2^53"));
                }
                values.into_iter().map(|value| value as f64).collect()
            }
            DataType::Bool | DataType::Uint8 => {
                tensor.little_endian()?.to_bytes()?.iter().map(|byte| f64::from(*byte)).collect()
            }
            _ => tensor.float_values()?,
        };
        Ok(Dense { element, shape, values })
    }

    /// A sparse tensor with its zeros. The indices are linear (`[NNZ]`) or one row of
    /// coordinates per element (`[NNZ, rank]`).
    ///
    /// # Errors
    /// When the tensor is malformed.
    pub fn from_sparse(sparse: &SparseTensorProto) -> Result<Dense, TensorError> {
        let name = sparse.name().to_owned();
        let malformed = |what| TensorError::Malformed { tensor: name.clone(), what };
        let (Some(values), Some(indices)) = (&sparse.values, &sparse.indices) else {
            return Err(malformed("a sparse tensor without values or indices"));
        };
        let dims = TensorProto { dims: sparse.dims.clone(), ..Default::default() };
        let shape = dims.shape().map_err(|_| malformed("its dimensions overflow"))?;
        let stored = Dense::from_tensor(values)?;
        let per_element = match indices.shape()?[..] {
            [count] if count == stored.values.len() => 1,
            [count, rank] if count == stored.values.len() && rank == shape.len() && rank > 0 => rank,
            _ => return Err(malformed("indices of another shape than [NNZ] or [NNZ, rank]")),
        };
        let indices = indices.int_values()?;
        let mut out = vec![0.0; shape.iter().product()];
        for (value, index) in stored.values.iter().zip(indices.chunks_exact(per_element)) {
            let place = linear_index(index, &shape).and_then(|place| out.get_mut(place));
            *place.ok_or_else(|| malformed("an index outside its shape"))? = *value;
        }
        Ok(Dense { element: stored.element, shape, values: out })
    }

    /// The type as a floating-point type.
    pub fn float(&self) -> Option<FloatType> {
        self.element.float()
    }

    /// Rounds the elements to their type.
    pub fn rounded(mut self) -> Self {
        if let Some(float) = self.float() {
            self.values.iter_mut().for_each(|value| *value = float.round(*value));
        }
        self
    }

    /// The elements as integers, if that is what they are.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let is_integer = matches!(self.element, DataType::Int64 | DataType::Int32);
        is_integer.then(|| self.values.iter().map(|value| *value as i64).collect())
    }
}

/// One number is a linear index; several are coordinates.
fn linear_index(index: &[i64], shape: &[usize]) -> Option<usize> {
    if let [linear] = index {
        return usize::try_from(*linear).ok();
    }
    if index.len() != shape.len() {
        return None;
    }
    index.iter().zip(shape).try_fold(0usize, |place, (coordinate, length)| {
        let coordinate = usize::try_from(*coordinate).ok().filter(|coordinate| coordinate < length)?;
        Some(place * length + coordinate)
    })
}
