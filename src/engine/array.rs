//! The values that go into and come out of a model.

use crate::onnx::element::{DataType, FloatType};
use tract_onnx::prelude::{DatumType, Tensor, TractResult};
use tract_onnx::tract_hir::internal::{TractErrorContext, bail, ensure};

/// A dense tensor: little-endian elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    element: DataType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Array {
    /// Little-endian elements; `None` when there are not as many as the shape says.
    pub fn new(element: DataType, shape: Vec<usize>, bytes: Vec<u8>) -> Option<Self> {
        let count = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))?;
        let size = element.bits().filter(|bits| *bits >= 8)? as usize / 8;
        (count.checked_mul(size)? == bytes.len()).then_some(Array { element, shape, bytes })
    }

    /// Floats, each rounded once to its type.
    pub fn floats(element: FloatType, shape: Vec<usize>, values: &[f64]) -> Option<Self> {
        Self::new(element.data_type(), shape, element.encode(values))
    }

    /// The type of the elements.
    pub fn element(&self) -> DataType {
        self.element
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, little-endian.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The elements as f64: exact for floats and for integers below 2⁵³; empty for types that
    /// are not numbers.
    pub fn values(&self) -> Vec<f64> {
        if let Some(float) = self.element.float() {
            return float.decode(&self.bytes);
        }
        macro_rules! integers {
            ($type:ty) => {
                self.bytes.as_chunks().0.iter().map(|le| <$type>::from_le_bytes(*le) as f64).collect()
            };
        }
        match self.element {
            DataType::Bool | DataType::Uint8 => integers!(u8),
            DataType::Int8 => integers!(i8),
            DataType::Uint16 => integers!(u16),
            DataType::Int16 => integers!(i16),
            DataType::Uint32 => integers!(u32),
            DataType::Int32 => integers!(i32),
            DataType::Uint64 => integers!(u64),
            DataType::Int64 => integers!(i64),
            _ => Vec::new(),
        }
    }

    /// The same floats in another type; what is not floating-point stays as it is.
    pub(super) fn cast(&self, to: FloatType) -> Self {
        match self.element.float() {
            Some(float) if float != to => {
                let bytes = to.encode(&float.decode(&self.bytes));
                Array { element: to.data_type(), shape: self.shape.clone(), bytes }
            }
            _ => self.clone(),
        }
    }

    pub(super) fn to_tract(&self) -> TractResult<Tensor> {
        let kind = datum_type(self.element).with_context(|| format!("no type {}", self.element.name()))?;
        let mut tensor = Tensor::zero_dt(kind, &self.shape)?;
        let mut view = tensor.try_as_plain_ram_mut()?;
        let bytes = view.as_bytes_mut();
        ensure!(bytes.len() == self.bytes.len(), "an array of {} bytes for {}", self.bytes.len(), bytes.len());
        bytes.copy_from_slice(&self.bytes);
        if self.element == DataType::Bool {
            bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
        }
        Ok(tensor)
    }

    pub(super) fn from_tract(tensor: &Tensor) -> TractResult<Self> {
        if tensor.datum_type() == DatumType::TDim {
            // Shapes, as tract computes with them.
            return Self::from_tract(&*tensor.cast_to::<i64>()?);
        }
        let Some(element) = data_type(tensor.datum_type()) else {
            bail!("an output of type {:?}", tensor.datum_type())
        };
        let bytes = tensor.try_as_plain_ram()?.as_bytes()[..tensor.len() * tensor.datum_type().size_of()].to_vec();
        Ok(Array { element, shape: tensor.shape().to_vec(), bytes })
    }
}

const TYPES: [(DataType, DatumType); 12] = [
    (DataType::Float, DatumType::F32),
    (DataType::Double, DatumType::F64),
    (DataType::Float16, DatumType::F16),
    (DataType::Bool, DatumType::Bool),
    (DataType::Int8, DatumType::I8),
    (DataType::Int16, DatumType::I16),
    (DataType::Int32, DatumType::I32),
    (DataType::Int64, DatumType::I64),
    (DataType::Uint8, DatumType::U8),
    (DataType::Uint16, DatumType::U16),
    (DataType::Uint32, DatumType::U32),
    (DataType::Uint64, DatumType::U64),
];

/// The type of tract.
pub(super) fn datum_type(element: DataType) -> Option<DatumType> {
    TYPES.iter().find(|pair| pair.0 == element).map(|pair| pair.1)
}

fn data_type(kind: DatumType) -> Option<DataType> {
    TYPES.iter().find(|pair| pair.1 == kind).map(|pair| pair.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (element, _) in TYPES {
            let bytes = vec![1; 6 * element.bits().unwrap_or(0) as usize / 8];
            let array = Array::new(element, vec![2, 3], bytes).expect("consistent");
            assert_eq!(Array::from_tract(&array.to_tract().expect("known")).expect("known"), array);
            assert_eq!(array.values().len(), 6);
        }
        assert_eq!(Array::new(DataType::Float, vec![2], vec![0; 4]), None);
        assert_eq!(Array::new(DataType::Int4, vec![2], vec![0; 1]), None);
    }
}
