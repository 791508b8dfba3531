//! Random numbers that a type can represent, and the ways to store them.

use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::TensorProto;
use proptest::prelude::*;

/// A stream of numbers that depends on nothing but its seed (SplitMix64, Steele et al. 2014).
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `count`.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// So often in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Uniform numbers, rounded to the type.
    pub fn uniform(&mut self, count: usize, low: f64, high: f64, element: FloatType) -> Vec<f64> {
        let unit = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
        (0..count).map(|_| element.round(low + (high - low) * unit(self.next()))).collect()
    }

    /// Numbers of either sign whose magnitude is within bounds.
    pub fn signed(&mut self, count: usize, low: f64, high: f64, element: FloatType) -> Vec<f64> {
        let magnitudes = self.uniform(count, low, high, element);
        magnitudes.into_iter().map(|value| if self.next() & 1 == 0 { value } else { -value }).collect()
    }
}

/// Where a constant is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Storage {
    /// An initializer with `raw_data`.
    Raw,
    /// An initializer with the field of its type (`float_data`, `int32_data`, `double_data`).
    Typed,
    /// A Constant node.
    Node,
    /// The Identity of an initializer.
    Identity,
}

/// Any storage; the plain one most often.
pub fn storages() -> impl Strategy<Value = Storage> {
    prop_oneof![
        3 => Just(Storage::Raw),
        1 => Just(Storage::Typed),
        1 => Just(Storage::Node),
        1 => Just(Storage::Identity),
    ]
}

/// Moves the elements of a tensor from `raw_data` to the field of their type. f16 and bf16
/// are bit patterns in `int32_data`.
pub fn into_typed_field(tensor: &mut TensorProto, element: FloatType) {
    let raw = tensor.raw_data.take().expect("the tensor was made with raw_data");
    match element {
        FloatType::F32 => tensor.float_data.set(Some(raw)),
        FloatType::F64 => tensor.double_data.set(Some(raw)),
        FloatType::F16 | FloatType::Bf16 => {
            let bytes = raw.to_bytes().expect("it is in memory");
            let bits = bytes.as_chunks().0.iter().map(|le| i32::from(u16::from_le_bytes(*le)));
            tensor.int32_data = bits.collect::<Vec<_>>().into();
        }
    }
}
