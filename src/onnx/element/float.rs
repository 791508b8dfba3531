//! The floating-point types: exact to f64, and back with one rounding.

use super::DataType;
use half::{bf16, f16};

/// The floating-point types that weights are kept in. All arithmetic is done in f64 and
/// rounded once, to nearest, ties to even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum FloatType {
    F16,
    Bf16,
    F32,
    F64,
}

impl FloatType {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            FloatType::F16 | FloatType::Bf16 => 2,
            FloatType::F32 => 4,
            FloatType::F64 => 8,
        }
    }

    /// The element type in the schema.
    pub fn data_type(self) -> DataType {
        match self {
            FloatType::F16 => DataType::Float16,
            FloatType::Bf16 => DataType::Bfloat16,
            FloatType::F32 => DataType::Float,
            FloatType::F64 => DataType::Double,
        }
    }

    /// Half the distance between 1 and the next larger number: the largest relative error
    /// of one rounding.
    pub fn unit_roundoff(self) -> f64 {
        match self {
            FloatType::F16 => f64::powi(2.0, -11),
            FloatType::Bf16 => f64::powi(2.0, -8),
            FloatType::F32 => f64::powi(2.0, -24),
            FloatType::F64 => f64::powi(2.0, -53),
        }
    }

    /// Little-endian elements as f64, exactly.
    pub fn decode(self, bytes: &[u8]) -> Vec<f64> {
        match self {
            FloatType::F16 => decode::<f16, 2>(bytes),
            FloatType::Bf16 => decode::<bf16, 2>(bytes),
            FloatType::F32 => decode::<f32, 4>(bytes),
            FloatType::F64 => decode::<f64, 8>(bytes),
        }
    }

    /// Little-endian elements, each rounded once.
    pub fn encode(self, values: &[f64]) -> Vec<u8> {
        match self {
            FloatType::F16 => encode::<f16, 2>(values),
            FloatType::Bf16 => encode::<bf16, 2>(values),
            FloatType::F32 => encode::<f32, 4>(values),
            FloatType::F64 => encode::<f64, 8>(values),
        }
    }

    /// Little-endian elements in another type, each rounded once; in the same type, their bytes. As many are
    /// converted as both have.
    pub fn convert(self, bytes: &[u8], to: FloatType, out: &mut [u8]) {
        match self {
            _ if self == to => out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from),
            FloatType::F16 => convert_from::<f16, 2>(bytes, to, out),
            FloatType::Bf16 => convert_from::<bf16, 2>(bytes, to, out),
            FloatType::F32 => convert_from::<f32, 4>(bytes, to, out),
            FloatType::F64 => convert_from::<f64, 8>(bytes, to, out),
        }
    }

    /// The nearest number of this type.
    pub fn round(self, value: f64) -> f64 {
        match self {
            FloatType::F16 => f16::nearest(value).widen(),
            FloatType::Bf16 => bf16::nearest(value).widen(),
            FloatType::F32 => f32::nearest(value).widen(),
            FloatType::F64 => value,
        }
    }
}

/// A floating-point number of `N` bytes.
pub(super) trait Float<const N: usize>: Copy {
    fn from_le(bytes: [u8; N]) -> Self;
    fn to_le(self) -> [u8; N];
    fn widen(self) -> f64;
    fn nearest(value: f64) -> Self;
    /// The bits without the sign: they are ordered as magnitudes are, infinity and NaN last.
    /// (Integers of the type's own width: the scaling loop stays as wide as the type.)
    type Magnitude: Ord + Copy + Default;
    const INFINITY: Self::Magnitude;
    fn magnitude(self) -> Self::Magnitude;
}

macro_rules! float {
    ($type:ty, $bits:ty, $size:literal, |$value:ident| $nearest:expr) => {
        impl Float<$size> for $type {
            #[inline(always)]
            fn from_le(bytes: [u8; $size]) -> Self {
                <$type>::from_le_bytes(bytes)
            }

            #[inline(always)]
            fn to_le(self) -> [u8; $size] {
                self.to_le_bytes()
            }

            #[inline(always)]
            fn widen(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn nearest($value: f64) -> Self {
                $nearest
            }

            type Magnitude = $bits;
            const INFINITY: $bits = <$type>::INFINITY.to_bits();

            #[inline(always)]
            fn magnitude(self) -> $bits {
                self.to_bits() & <$bits>::MAX >> 1
            }
        }
    };
}
float!(f64, u64, 8, |value| value);
float!(f32, u32, 4, |value| value as f32);
float!(f16, u16, 2, |value| f16::from_f32(round_to_odd(value)));
float!(bf16, u16, 2, |value| bf16::from_f32(round_to_odd(value)));

/// Rounds to f32 so that a second rounding, to a type with at least two bits less, gives
/// what one rounding would have given: towards zero, with the last bit set when inexact.
/// (`half` itself rounds f64 twice, which is wrong next to a tie.)
///
/// Boldo and Melquiond, "When double rounding is odd", IMACS 2005.
fn round_to_odd(value: f64) -> f32 {
    let near = value as f32;
    if value.is_nan() || f64::from(near) == value {
        return near;
    }
    let away = f64::from(near).abs() > value.abs();
    let truncated = near.to_bits() - u32::from(away);
    f32::from_bits(truncated | 1)
}

fn decode<F: Float<N>, const N: usize>(bytes: &[u8]) -> Vec<f64> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(|element| F::from_le(*element).widen()).collect()
}

fn encode<F: Float<N>, const N: usize>(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| F::nearest(*value).to_le()).collect()
}

fn convert_from<F: Float<N>, const N: usize>(bytes: &[u8], to: FloatType, out: &mut [u8]) {
    match to {
        FloatType::F16 => convert::<F, N, f16, 2>(bytes, out),
        FloatType::Bf16 => convert::<F, N, bf16, 2>(bytes, out),
        FloatType::F32 => convert::<F, N, f32, 4>(bytes, out),
        FloatType::F64 => convert::<F, N, f64, 8>(bytes, out),
    }
}

fn convert<F: Float<N>, const N: usize, T: Float<M>, const M: usize>(bytes: &[u8], out: &mut [u8]) {
    let (from, to) = (bytes.as_chunks::<N>().0, out.as_chunks_mut::<M>().0);
    to.iter_mut().zip(from).for_each(|(to, from)| *to = T::nearest(F::from_le(*from).widen()).to_le());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The nearest of all finite f16 (or bf16) numbers, found by trying them all.
    fn nearest_by_search(value: f64, widen: fn(u16) -> f64) -> f64 {
        let candidates = (0..=u16::MAX).filter(|bits| widen(*bits).is_finite());
        let distance = |bits: &u16| (widen(*bits) - value).abs();
        let best = candidates
            .min_by(|a, b| distance(a).total_cmp(&distance(b)).then((a & 1).cmp(&(b & 1))))
            .expect("there are finite numbers");
        widen(best)
    }

    #[test]
    fn one_rounding_next_to_a_tie() {
        // 1 + 2⁻¹¹ is half-way between two f16; a hair above it must go up. Rounding to f32
        // first would lose the hair and tie to even.
        let above_tie = 1.0 + f64::powi(2.0, -11) + f64::powi(2.0, -40);
        assert_eq!(FloatType::F16.round(above_tie), 1.0 + f64::powi(2.0, -10));
        let above_tie = 1.0 + f64::powi(2.0, -8) + f64::powi(2.0, -40);
        assert_eq!(FloatType::Bf16.round(above_tie), 1.0 + f64::powi(2.0, -7));
    }

    #[test]
    fn large_values_become_infinite_where_the_type_ends() {
        assert_eq!(FloatType::F16.round(65519.9), 65504.0);
        assert_eq!(FloatType::F16.round(65520.0), f64::INFINITY);
        assert_eq!(FloatType::F16.round(-1e300), f64::NEG_INFINITY);
        assert!(FloatType::Bf16.round(f64::NAN).is_nan());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn converting_is_decoding_and_encoding(bits in proptest::collection::vec(any::<u8>(), 64)) {
            let all = [FloatType::F16, FloatType::Bf16, FloatType::F32, FloatType::F64];
            for (from, to) in all.into_iter().flat_map(|from| all.map(|to| (from, to))) {
                let expected = if from == to { bits.clone() } else { to.encode(&from.decode(&bits)) };
                let mut out = vec![0; expected.len()];
                from.convert(&bits, to, &mut out);
                prop_assert_eq!(out, expected, "{:?} {:?}", from, to);
            }
        }

        #[test]
        fn rounding_is_to_the_nearest(mantissa in -2.0..2.0f64, exponent in -30..15i32, nudge in -3..=3i64) {
            let tie = f64::from(f16::from_f64(mantissa)) + f64::from(f16::EPSILON) / 2.0;
            for value in [mantissa * f64::powi(2.0, exponent), f64::from_bits((tie.to_bits() as i64 + nudge) as u64)] {
                prop_assert_eq!(FloatType::F16.round(value), nearest_by_search(value, |b| f16::from_bits(b).into()));
                prop_assert_eq!(FloatType::Bf16.round(value), nearest_by_search(value, |b| bf16::from_bits(b).into()));
            }
        }
    }
}
