//! The same numbers in another type.

use super::normalize::Normalize;
use crate::engine::Array;
use crate::onnx::element::DataType;

/// Integer types, and what fits them.
const INTEGERS: [(DataType, i128, i128); 9] = [
    (DataType::Bool, 0, 1),
    (DataType::Uint8, 0, u8::MAX as i128),
    (DataType::Int8, i8::MIN as i128, i8::MAX as i128),
    (DataType::Uint16, 0, u16::MAX as i128),
    (DataType::Int16, i16::MIN as i128, i16::MAX as i128),
    (DataType::Uint32, 0, u32::MAX as i128),
    (DataType::Int32, i32::MIN as i128, i32::MAX as i128),
    (DataType::Uint64, 0, u64::MAX as i128),
    (DataType::Int64, i64::MIN as i128, i64::MAX as i128),
];

fn is_integer(element: DataType) -> bool {
    INTEGERS.iter().any(|entry| entry.0 == element)
}

/// Whether numbers of one type can be given in another: any as floats, rounded once; integers as other
/// integers, if each of them fits.
pub fn convertible(from: DataType, to: DataType) -> bool {
    from == to && (is_integer(to) || to.float().is_some())
        || to.float().is_some() && (is_integer(from) || from.float().is_some())
        || is_integer(from) && is_integer(to)
}

/// The numbers of an array in another type, changed on the way if that is asked for.
///
/// # Errors
/// When one does not fit.
pub fn converted(
    bytes: Vec<u8>,
    from: DataType,
    to: DataType,
    normalize: Option<&Normalize>,
) -> Result<Vec<u8>, String> {
    if from == to && normalize.is_none() {
        return Ok(bytes);
    }
    let none = || format!("{} cannot be given as {}", from.name(), to.name());
    if let Some(float) = to.float() {
        let count = bytes.len() / (from.bits().unwrap_or(8) as usize / 8).max(1);
        let mut values = Array::new(from, vec![count], bytes).ok_or_else(none)?.values();
        if let Some(normalize) = normalize {
            normalize.apply(&mut values);
        }
        return Ok(float.encode(&values));
    }
    let numbers = integers(from, &bytes).ok_or_else(none)?;
    let (_, least, most) = *INTEGERS.iter().find(|entry| entry.0 == to).ok_or_else(none)?;
    if let Some(number) = numbers.iter().find(|number| !(least..=most).contains(number)) {
        return Err(format!("{number} does not fit its type, {}", to.name()));
    }
    let size = to.bits().unwrap_or(8) as usize / 8;
    Ok(numbers.iter().flat_map(|number| number.to_le_bytes().into_iter().take(size)).collect())
}

/// The integers in little-endian bytes; `None` if the type is none of integers.
pub fn integers(element: DataType, bytes: &[u8]) -> Option<Vec<i128>> {
    macro_rules! of {
        ($type:ty) => {
            bytes.as_chunks().0.iter().map(|le| <$type>::from_le_bytes(*le).into()).collect()
        };
    }
    Some(match element {
        DataType::Bool => bytes.iter().map(|byte| i128::from(*byte != 0)).collect(),
        DataType::Uint8 => of!(u8),
        DataType::Int8 => of!(i8),
        DataType::Uint16 => of!(u16),
        DataType::Int16 => of!(i16),
        DataType::Uint32 => of!(u32),
        DataType::Int32 => of!(i32),
        DataType::Uint64 => of!(u64),
        DataType::Int64 => of!(i64),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::element::FloatType;
    use proptest::prelude::*;

    fn number(value: i128, element: DataType) -> Vec<u8> {
        value.to_le_bytes()[..element.bits().expect("fixed") as usize / 8].to_vec()
    }

    proptest! {
        #[test]
        fn integers_that_fit_are_the_same(value: i64, from in 0usize..9, to in 0usize..9) {
            let ((from, ..), (to, least, most)) = (INTEGERS[from], INTEGERS[to]);
            let bytes = number(value.into(), from);
            let value = integers(from, &bytes).expect("an integer")[0];
            match converted(bytes.clone(), from, to, None) {
                Ok(same) if from == to => prop_assert_eq!(same, bytes),
                Ok(other) => prop_assert_eq!(integers(to, &other), Some(vec![value])),
                Err(_) => prop_assert!(value < least || value > most),
            }
        }
    }

    #[test]
    fn floats_are_rounded_once_and_never_become_integers() {
        let bytes = converted(vec![0, 255], DataType::Uint8, DataType::Float, None).expect("a float");
        assert_eq!(FloatType::F32.decode(&bytes), [0.0, 255.0]);
        let wide = FloatType::F64.encode(&[0.1]);
        let narrow = converted(wide, DataType::Double, DataType::Float16, None).expect("a float");
        assert_eq!(narrow, FloatType::F16.encode(&[0.1]));
        assert!(convertible(DataType::Bfloat16, DataType::Float) && !convertible(DataType::Float, DataType::Int64));
        assert!(
            !convertible(DataType::Complex64, DataType::Complex64) && !convertible(DataType::Uint8, DataType::Int4)
        );
        let error = converted(vec![200], DataType::Uint8, DataType::Int8, None).expect_err("too large");
        assert!(error.contains("200 does not fit its type, int8"), "{error}");
    }
}
