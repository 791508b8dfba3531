//! Random inputs that depend on the seed and the sample alone.

use super::VerifyError;
use super::signature::Port;
use crate::engine::Array;
use crate::onnx::element::DataType;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// Inputs with more elements are refused: they only serve to exhaust the memory.
const MOST_ELEMENTS: usize = 1 << 28;

/// The inputs of one sample: floats are standard normal, booleans and integers are uniform,
/// the latter from 0 to `largest_integer` (they may be indices).
///
/// # Errors
/// When an input is of a type that is not a number, or beyond reason.
pub fn random(
    ports: &[Port],
    shapes: &[Vec<usize>],
    seed: u64,
    sample: usize,
    largest_integer: u8,
) -> Result<Vec<Array>, VerifyError> {
    let mut random = Pcg64::seed_from_u64(seed.wrapping_add((sample as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let arrays = ports.iter().zip(shapes).map(|(port, shape)| {
        array(port, shape, &mut random, largest_integer).ok_or_else(|| {
            let kind = port.element.map_or("no tensor type", DataType::name);
            let what = format!("is of type {kind} and shape {shape:?}, for which no values are made");
            VerifyError::Input { input: port.name.clone(), what }
        })
    });
    arrays.collect()
}

/// Whether the value of `largest_integer` matters.
pub fn has_integers(ports: &[Port]) -> bool {
    ports.iter().any(|port| port.element.is_some_and(|kind| kind.float().is_none() && kind != DataType::Bool))
}

fn array(port: &Port, shape: &[usize], random: &mut Pcg64, largest_integer: u8) -> Option<Array> {
    let element = port.element?;
    let count = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))?;
    if count > MOST_ELEMENTS {
        return None;
    }
    if let Some(float) = element.float() {
        let values: Vec<f64> = (0..count).map(|_| normal(random)).collect();
        return Array::floats(float, shape.to_vec(), &values);
    }
    let largest = if element == DataType::Bool { 1 } else { largest_integer };
    let size = element.bits()? as usize / 8;
    let mut bytes = vec![0; count * size];
    // Little-endian, and no larger than a byte.
    bytes.iter_mut().step_by(size.max(1)).for_each(|byte| *byte = random.random_range(0..=largest));
    Array::new(element, shape.to_vec(), bytes)
}

/// Box and Muller, "A note on the generation of random normal deviates", 1958.
fn normal(random: &mut Pcg64) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(element: DataType) -> Port {
        Port { name: "x".into(), element: Some(element), axes: None }
    }

    #[test]
    fn floats_are_standard_normal_and_reproducible() {
        let make = |sample| random(&[port(DataType::Float)], &[vec![100, 100]], 7, sample, 1).expect("numbers");
        let values = make(0)[0].values();
        let mean = values.iter().sum::<f64>() / 1e4;
        let variance = values.iter().map(|x| x * x).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert_eq!(make(0), make(0));
        assert_ne!(make(0), make(1));
    }

    #[test]
    fn integers_stay_in_range() {
        for element in [DataType::Int64, DataType::Uint8, DataType::Bool, DataType::Int32] {
            let values = random(&[port(element)], &[vec![64]], 0, 0, 1).expect("numbers")[0].values();
            assert!(values.contains(&0.0) && values.contains(&1.0));
            assert!(values.iter().all(|value| *value == 0.0 || *value == 1.0));
        }
        assert!(random(&[port(DataType::String)], &[vec![1]], 0, 0, 1).is_err());
    }
}
