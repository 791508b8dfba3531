//! A value: numbers, and the element type they stand for.

use bn_tool::onnx::element::DataType;
use bn_tool::onnx::schema::{SparseTensorProto, TensorProto};
use ndarray::{ArrayD, IxDyn};

/// An array of any rank.
pub type Tensor = ArrayD<f64>;

/// A message that says what is wrong.
pub type Result<T> = std::result::Result<T, String>;

/// A shape of which there is memory for all elements: damaged models ask for others.
///
/// # Panics
/// When it is another one.
pub fn bounded(shape: &[usize]) -> &[usize] {
    let count = shape.iter().try_fold(1usize, |count, length| count.checked_mul(*length));
    assert!(count.is_some_and(|count| count <= 1 << 24), "{shape:?} is too large for the reference");
    shape
}

/// What flows between nodes.
#[derive(Clone, Debug)]
pub struct Value {
    pub data: Tensor,
    pub kind: DataType,
}

impl Value {
    pub fn new(data: Tensor, kind: DataType) -> Self {
        Value { data, kind }
    }

    pub fn from_vec(shape: &[usize], data: Vec<f64>, kind: DataType) -> Result<Self> {
        let data = ArrayD::from_shape_vec(IxDyn(shape), data).map_err(|error| error.to_string())?;
        Ok(Value { data, kind })
    }

    /// The elements of a dense tensor.
    pub fn from_tensor(tensor: &TensorProto) -> Result<Self> {
        let failed = |error: bn_tool::onnx::TensorError| error.to_string();
        let kind = tensor.element().ok_or("a tensor of an unknown element type")?;
        let shape = tensor.shape().map_err(failed)?;
        let bytes = tensor.little_endian().map_err(failed)?.to_bytes().map_err(|error| error.to_string())?;
        let mut data = decode(kind, &bytes)?;
        data.truncate(shape.iter().product());
        Value::from_vec(&shape, data, kind)
    }

    /// A sparse tensor: `indices` are positions in row-major order (`[nnz]`) or coordinates
    /// (`[nnz, rank]`).
    pub fn from_sparse(sparse: &SparseTensorProto) -> Result<Self> {
        let values = Value::from_tensor(sparse.values.as_ref().ok_or("a sparse tensor without values")?)?;
        let indices = Value::from_tensor(sparse.indices.as_ref().ok_or("a sparse tensor without indices")?)?;
        let shape: Vec<usize> = sparse.dims.iter().map(|dim| *dim as usize).collect();
        let mut data = vec![0.0; shape.iter().product()];
        for (entry, value) in values.data.iter().enumerate() {
            let position = match indices.data.ndim() {
                1 => indices.data[[entry]] as usize,
                _ => (0..shape.len()).fold(0, |at, axis| at * shape[axis] + indices.data[[entry, axis]] as usize),
            };
            *data.get_mut(position).ok_or("a sparse index out of range")? = *value;
        }
        Value::from_vec(&shape, data, values.kind)
    }

    pub fn scalar(value: f64, kind: DataType) -> Self {
        Value { data: ArrayD::from_elem(IxDyn(&[]), value), kind }
    }

    /// The only element.
    pub fn single(&self) -> Result<f64> {
        match self.data.len() {
            1 => Ok(*self.data.first().expect("there is one")),
            count => Err(format!("a scalar is expected, not {count} elements")),
        }
    }

    /// The elements as integers, in row-major order.
    pub fn ints(&self) -> Vec<i64> {
        self.data.iter().map(|value| *value as i64).collect()
    }

    /// Whether the elements are integers.
    pub fn is_integer(&self) -> bool {
        self.kind.float().is_none() && self.kind != DataType::Bool
    }
}

fn decode(kind: DataType, bytes: &[u8]) -> Result<Vec<f64>> {
    if let Some(float) = kind.float() {
        return Ok(float.decode(bytes));
    }
    Ok(match kind {
        DataType::Uint8 => bytes.iter().map(|byte| f64::from(*byte)).collect(),
        DataType::Bool => bytes.iter().map(|byte| f64::from(u8::from(*byte != 0))).collect(),
        DataType::Int8 => bytes.iter().map(|byte| f64::from(*byte as i8)).collect(),
        DataType::Uint16 => chunks(bytes, |le| f64::from(u16::from_le_bytes(le))),
        DataType::Int16 => chunks(bytes, |le| f64::from(i16::from_le_bytes(le))),
        DataType::Int32 => chunks(bytes, |le| f64::from(i32::from_le_bytes(le))),
        DataType::Uint32 => chunks(bytes, |le| f64::from(u32::from_le_bytes(le))),
        DataType::Int64 => chunks(bytes, |le| i64::from_le_bytes(le) as f64),
        DataType::Uint64 => chunks(bytes, |le| u64::from_le_bytes(le) as f64),
        // Two per byte, the first in the low bits.
        DataType::Uint4 => bytes.iter().flat_map(|byte| [byte & 15, byte >> 4].map(f64::from)).collect(),
        DataType::Int4 => {
            bytes.iter().flat_map(|byte| [(byte << 4) as i8 >> 4, *byte as i8 >> 4].map(f64::from)).collect()
        }
        other => return Err(format!("tensors of type {} are not implemented", other.name())),
    })
}

fn chunks<const N: usize>(bytes: &[u8], read: fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|chunk| read(*chunk)).collect()
}
