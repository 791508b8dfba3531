//! Random inputs that depend on the seed and the sample alone.

use crate::engine::Array;
use crate::onnx::element::DataType;
use crate::verify::VerifyError;
use crate::verify::signature::Port;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

/// Inputs with more elements are refused: they only serve to exhaust the memory.
const MOST_ELEMENTS: usize = 1 << 28;

/// What the values of an input are.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Standard normal.
    Normal,
    /// Uniform, from and to.
    Uniform([f64; 2]),
    /// Uniform integers, from and to, both included.
    Integers([i64; 2]),
    /// These, in every sample.
    Exactly(Vec<i64>),
}

/// Makes samples.
#[derive(Clone)]
pub struct Random {
    ports: Vec<Port>,
    /// What is drawn for each port.
    values: Vec<Values>,
    seed: u64,
}

impl Random {
    /// Samples of such values for these inputs.
    pub fn new(ports: Vec<Port>, values: Vec<Values>, seed: u64) -> Self {
        Random { ports, values, seed }
    }

    /// The inputs of one sample.
    ///
    /// # Errors
    /// When an input is of a type that is not a number, or beyond reason.
    pub fn sample(&self, shapes: &[Vec<usize>], sample: usize) -> Result<Vec<Array>, VerifyError> {
        let seed = self.seed.wrapping_add((sample as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut random = Pcg64::seed_from_u64(seed);
        let arrays = self.ports.iter().zip(&self.values).zip(shapes).map(|((port, values), shape)| {
            array(port, values, shape, &mut random).ok_or_else(|| {
                let kind = port.element.map_or("no tensor type", DataType::name);
                let what = format!("is of type {kind} and shape {shape:?}, for which no values are made");
                VerifyError::Input { input: port.name.clone(), what }
            })
        });
        arrays.collect()
    }
}

fn array(port: &Port, values: &Values, shape: &[usize], random: &mut Pcg64) -> Option<Array> {
    let element = port.element?;
    let count = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))?;
    if count > MOST_ELEMENTS {
        return None;
    }
    if let Some(float) = element.float() {
        let drawn: Vec<f64> = (0..count).map(|_| number(values, random)).collect();
        return Array::floats(float, shape.to_vec(), &drawn);
    }
    let size = element.bits().filter(|bits| *bits >= 8)? as usize / 8;
    let mut bytes = vec![0; count * size];
    for (index, element) in bytes.chunks_exact_mut(size).enumerate() {
        // Little-endian: the lowest bytes of the two's complement.
        element.copy_from_slice(integer(values, index, random).to_le_bytes().get(..size)?);
    }
    Array::new(element, shape.to_vec(), bytes)
}

fn number(values: &Values, random: &mut Pcg64) -> f64 {
    match values {
        Values::Uniform([low, high]) => {
            // The difference of both may be infinite.
            let share = random.random::<f64>();
            low * (1.0 - share) + high * share
        }
        _ => StandardNormal.sample(random),
    }
}

fn integer(values: &Values, index: usize, random: &mut Pcg64) -> i64 {
    match values {
        Values::Integers([low, high]) => random.random_range(*low..=*high.max(low)),
        Values::Exactly(elements) => elements.get(index).copied().unwrap_or(1),
        Values::Normal | Values::Uniform(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(element: DataType, values: Values, shape: &[usize], sample: usize) -> Option<Vec<f64>> {
        let port = Port { name: "x".into(), element: Some(element), axes: None };
        let random = Random::new(vec![port], vec![values], 7);
        Some(random.sample(&[shape.to_vec()], sample).ok()?[0].values())
    }

    #[test]
    fn floats_are_standard_normal_and_reproducible() {
        let make = |sample| values(DataType::Float, Values::Normal, &[100, 100], sample).expect("numbers");
        let drawn = make(0);
        let mean = drawn.iter().sum::<f64>() / 1e4;
        let variance = drawn.iter().map(|x| x * x).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert_eq!(make(0), make(0));
        assert_ne!(make(0), make(1));
    }

    #[test]
    fn values_stay_in_range_and_fill_it() {
        for element in [DataType::Int64, DataType::Uint8, DataType::Bool, DataType::Int32] {
            let drawn = values(element, Values::Integers([0, 1]), &[64], 0).expect("numbers");
            assert!(drawn.contains(&0.0) && drawn.contains(&1.0));
            assert!(drawn.iter().all(|value| *value == 0.0 || *value == 1.0));
        }
        let drawn = values(DataType::Int16, Values::Integers([-300, 300]), &[999], 0).expect("numbers");
        assert!(drawn.iter().all(|value| (-300.0..=300.0).contains(value)));
        assert!(drawn.iter().any(|value| *value < -256.0) && drawn.iter().any(|value| *value > 256.0));
        let drawn = values(DataType::Float, Values::Uniform([2.0, 3.0]), &[999], 0).expect("numbers");
        assert!(drawn.iter().all(|value| (2.0..=3.0).contains(value)) && drawn[0] != drawn[1]);
        assert_eq!(values(DataType::Int64, Values::Exactly(vec![2, -1]), &[2], 5), Some(vec![2.0, -1.0]));
    }

    #[test]
    fn what_is_no_number_or_beyond_reason_is_refused() {
        assert_eq!(values(DataType::String, Values::Integers([0, 1]), &[1], 0), None);
        assert_eq!(values(DataType::Int4, Values::Integers([0, 1]), &[1], 0), None);
        assert_eq!(values(DataType::Float, Values::Normal, &[1 << 20, 1 << 20], 0), None);
    }
}
