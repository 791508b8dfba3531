//! Tensors: type, dimensions, and how much data there is.

use super::error::TensorProblem;
use crate::onnx::element::DataType;
use crate::onnx::element_count;
use crate::onnx::schema::TensorProto;

pub(super) fn check(tensor: &TensorProto) -> Result<(), TensorProblem> {
    let element = element(tensor.data_type)?;
    let count = count(&tensor.dims)?;
    if tensor.is_external() { external(tensor, element, count) } else { data(tensor, element, count) }
}

/// The bytes in another file, unless nobody has looked for them.
fn external(tensor: &TensorProto, element: DataType, count: u64) -> Result<(), TensorProblem> {
    match (tensor.external_data.payload(), element.bits()) {
        (_, None) => Err(TensorProblem::WrongField { field: "external_data", element: element.name() }),
        (None, _) => Ok(()),
        (Some(payload), Some(bits)) => size("bytes", payload.len(), (count * u64::from(bits)).div_ceil(8)),
    }
}

/// The number of elements.
pub(super) fn count(dims: &[i64]) -> Result<u64, TensorProblem> {
    if let Some(negative) = dims.iter().find(|dim| **dim < 0) {
        return Err(TensorProblem::NegativeDimension(*negative));
    }
    element_count(dims).map(|count| count as u64).ok_or(TensorProblem::Overflow)
}

fn element(code: Option<i32>) -> Result<DataType, TensorProblem> {
    match code {
        None | Some(0) => Err(TensorProblem::NoType),
        Some(code) => DataType::from_code(code).ok_or(TensorProblem::UnknownType(code)),
    }
}

fn data(tensor: &TensorProto, element: DataType, count: u64) -> Result<(), TensorProblem> {
    let home = home(element);
    let typed = tensor.typed_data();
    if let Some((field, _)) = typed.iter().find(|(field, filled)| *field != home && *filled > 0) {
        return Err(TensorProblem::WrongField { field, element: element.name() });
    }
    let found = typed.iter().find(|(field, _)| *field == home).map_or(0, |(_, filled)| *filled);
    // An empty `raw_data` beside typed data is as good as none.
    match tensor.raw_data.as_ref().filter(|raw| !raw.is_empty()) {
        None => size("numbers or strings", found, entries(element, count)),
        Some(_) if found > 0 => Err(TensorProblem::TwoFields(home)),
        Some(raw) => match element.bits() {
            Some(bits) => size("bytes", raw.len(), (count * u64::from(bits)).div_ceil(8)),
            None => Err(TensorProblem::WrongField { field: "raw_data", element: element.name() }),
        },
    }
}

fn size(unit: &'static str, found: u64, expected: u64) -> Result<(), TensorProblem> {
    if found == expected { Ok(()) } else { Err(TensorProblem::Size { unit, found, expected }) }
}

/// The field that elements of a type are in, unless they are in `raw_data`.
fn home(element: DataType) -> &'static str {
    match element {
        DataType::Float | DataType::Complex64 => "float_data",
        DataType::Double | DataType::Complex128 => "double_data",
        DataType::String => "string_data",
        DataType::Int64 => "int64_data",
        DataType::Uint32 | DataType::Uint64 => "uint64_data",
        _ => "int32_data",
    }
}

/// How many numbers or strings that field has for so many elements: two for a complex number,
/// one for each byte of elements of less than six bits.
fn entries(element: DataType, count: u64) -> u64 {
    match (element, element.bits()) {
        (DataType::Complex64 | DataType::Complex128, _) => count * 2,
        (_, Some(bits @ ..6)) => (count * u64::from(bits)).div_ceil(8),
        _ => count,
    }
}
