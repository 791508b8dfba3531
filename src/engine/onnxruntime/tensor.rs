//! Values to onnxruntime and back.

use crate::engine::Array;
use crate::onnx::element::DataType;
use half::{bf16, f16};
use ort::value::{DynValue, Tensor, TensorElementType, ValueRef, ValueType};

/// Does something with the Rust type of each element type that both sides have, which are `Copy` and have
/// `from_le_bytes` and `to_le_bytes`.
macro_rules! for_each_number {
    ($do:ident) => {
        $do! {
            Float f32 Float32, Double f64 Float64, Float16 f16 Float16, Bfloat16 bf16 Bfloat16,
            Int8 i8 Int8, Int16 i16 Int16, Int32 i32 Int32, Int64 i64 Int64,
            Uint8 u8 Uint8, Uint16 u16 Uint16, Uint32 u32 Uint32, Uint64 u64 Uint64
        }
    };
}

/// An array as an input.
///
/// # Errors
/// When onnxruntime has no such type.
pub fn to_ort(array: &Array) -> ort::Result<DynValue> {
    let shape = array.shape().to_vec();
    macro_rules! convert {
        ($($element:ident $number:ident $_name:ident),*) => {
            match array.element() {
                DataType::Bool => {
                    let values: Vec<bool> = array.bytes().iter().map(|byte| *byte != 0).collect();
                    Tensor::from_array((shape, values)).map(Tensor::into_dyn)
                }
                $(DataType::$element => {
                    let chunks = array.bytes().as_chunks().0.iter();
                    let values: Vec<$number> = chunks.map(|bytes| <$number>::from_le_bytes(*bytes)).collect();
                    Tensor::from_array((shape, values)).map(Tensor::into_dyn)
                })*
                other => Err(ort::Error::new(format!("an input of type {} cannot be given", other.name()))),
            }
        };
    }
    for_each_number!(convert)
}

/// An output as an array.
///
/// # Errors
/// When it is no tensor, or of a type that cannot be compared.
pub fn from_ort(name: &str, value: &ValueRef<'_>) -> ort::Result<Array> {
    let cannot = |kind: &dyn std::fmt::Display| {
        ort::Error::new(format!("the output `{name}` is of type {kind}, which cannot be compared"))
    };
    let ValueType::Tensor { ty, .. } = value.dtype() else { return Err(cannot(value.dtype())) };
    let dense = |element: DataType, shape: &[i64], bytes: Vec<u8>| {
        let shape = shape.iter().map(|length| *length as usize).collect();
        Array::new(element, shape, bytes).ok_or_else(|| cannot(&"another shape than its elements"))
    };
    macro_rules! convert {
        ($($element:ident $number:ident $name:ident),*) => {
            match ty {
                TensorElementType::Bool => {
                    let (shape, values) = value.try_extract_tensor::<bool>()?;
                    dense(DataType::Bool, shape, values.iter().map(|value| u8::from(*value)).collect())
                }
                $(TensorElementType::$name => {
                    let (shape, values) = value.try_extract_tensor::<$number>()?;
                    dense(DataType::$element, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
                })*
                other => Err(cannot(other)),
            }
        };
    }
    for_each_number!(convert)
}
