//! Element types: what a tensor consists of, and floating-point numbers as f64.

use half::{bf16, f16};
use pulp::{Arch, Simd, WithSimd};
use std::marker::PhantomData;

/// `TensorProto.DataType` of the ONNX schema, up to IR version 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum DataType {
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Uint16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    Uint32 = 12,
    Uint64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    Bfloat16 = 16,
    Float8e4m3fn = 17,
    Float8e4m3fnuz = 18,
    Float8e5m2 = 19,
    Float8e5m2fnuz = 20,
    Uint4 = 21,
    Int4 = 22,
    Float4e2m1 = 23,
    Float8e8m0 = 24,
    Uint2 = 25,
    Int2 = 26,
    Float6e2m3 = 27,
    Float6e3m2 = 28,
}

impl DataType {
    /// All types: code in the schema, name in ONNX text, bits per element (0: not fixed).
    pub const ALL: [(DataType, &'static str, u32); 28] = [
        (DataType::Float, "float", 32),
        (DataType::Uint8, "uint8", 8),
        (DataType::Int8, "int8", 8),
        (DataType::Uint16, "uint16", 16),
        (DataType::Int16, "int16", 16),
        (DataType::Int32, "int32", 32),
        (DataType::Int64, "int64", 64),
        (DataType::String, "string", 0),
        (DataType::Bool, "bool", 8),
        (DataType::Float16, "float16", 16),
        (DataType::Double, "double", 64),
        (DataType::Uint32, "uint32", 32),
        (DataType::Uint64, "uint64", 64),
        (DataType::Complex64, "complex64", 64),
        (DataType::Complex128, "complex128", 128),
        (DataType::Bfloat16, "bfloat16", 16),
        (DataType::Float8e4m3fn, "float8e4m3fn", 8),
        (DataType::Float8e4m3fnuz, "float8e4m3fnuz", 8),
        (DataType::Float8e5m2, "float8e5m2", 8),
        (DataType::Float8e5m2fnuz, "float8e5m2fnuz", 8),
        (DataType::Uint4, "uint4", 4),
        (DataType::Int4, "int4", 4),
        (DataType::Float4e2m1, "float4e2m1", 4),
        (DataType::Float8e8m0, "float8e8m0", 8),
        (DataType::Uint2, "uint2", 2),
        (DataType::Int2, "int2", 2),
        (DataType::Float6e2m3, "float6e2m3", 6),
        (DataType::Float6e3m2, "float6e3m2", 6),
    ];

    /// The type with this code in the schema.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.iter().map(|entry| entry.0).find(|kind| *kind as i32 == code)
    }

    /// The type with this name in ONNX text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|entry| entry.1 == name).map(|entry| entry.0)
    }

    /// The code in the schema.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The name in ONNX text.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize - 1].1
    }

    /// Bits per element in `raw_data`; `None` for strings.
    pub fn bits(self) -> Option<u32> {
        Some(Self::ALL[self as usize - 1].2).filter(|bits| *bits > 0)
    }

    /// The floating-point type with an arithmetic of its own, if it is one.
    pub fn float(self) -> Option<FloatType> {
        Some(match self {
            DataType::Float => FloatType::F32,
            DataType::Float16 => FloatType::F16,
            DataType::Double => FloatType::F64,
            DataType::Bfloat16 => FloatType::Bf16,
            _ => return None,
        })
    }
}

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

/// Factors for the elements of a tensor that is seen as `[outer, rows, channels, inner]`,
/// row-major: `factors[o · channels + c]` applies to all rows and inner elements.
///
/// A Conv weight `[C_out, C_in/group, k…]` scaled by output channel is
/// `[1, 1, C_out, C_in/group · k…]`; a ConvTranspose weight `[C_in, C_out/group, k…]` is
/// `[group, C_in/group, C_out/group, k…]`; a MatMul weight `[K, N]` is `[1, K, N, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// `[outer, rows, channels, inner]`.
    pub view: [usize; 4],
    /// `outer · channels` factors.
    pub factors: Box<[f64]>,
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

    /// The nearest number of this type.
    pub fn round(self, value: f64) -> f64 {
        match self {
            FloatType::F16 => f16::nearest(value).widen(),
            FloatType::Bf16 => bf16::nearest(value).widen(),
            FloatType::F32 => f32::nearest(value).widen(),
            FloatType::F64 => value,
        }
    }

    /// Scales little-endian elements in place; the first one has the index `first` in its
    /// tensor. Returns whether all results are finite.
    pub fn scale(self, bytes: &mut [u8], first: u64, scaling: &Scaling) -> bool {
        match self {
            FloatType::F16 => scale::<f16, 2>(bytes, first, scaling),
            FloatType::Bf16 => scale::<bf16, 2>(bytes, first, scaling),
            FloatType::F32 => scale::<f32, 4>(bytes, first, scaling),
            FloatType::F64 => scale::<f64, 8>(bytes, first, scaling),
        }
    }
}

/// A floating-point number of `N` bytes.
trait Float<const N: usize>: Copy {
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

fn scale<F: Float<N>, const N: usize>(bytes: &mut [u8], first: u64, scaling: &Scaling) -> bool {
    Arch::new().dispatch(ScalePiece::<F, N> { bytes, first, scaling, float: PhantomData })
}

/// A piece of a tensor to scale, compiled for the widest vectors that the processor has.
struct ScalePiece<'a, F, const N: usize> {
    bytes: &'a mut [u8],
    first: u64,
    scaling: &'a Scaling,
    float: PhantomData<F>,
}

impl<F: Float<N>, const N: usize> WithSimd for ScalePiece<'_, F, N> {
    type Output = bool;

    // Inlining is what lets the loop be compiled anew for each kind of processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let [_, rows, channels, inner] = self.scaling.view;
        let (mut rest, _) = self.bytes.as_chunks_mut::<N>();
        let mut position = self.first as usize;
        let mut largest = F::Magnitude::default();
        while !rest.is_empty() {
            let row = position / inner;
            let factors = &self.scaling.factors[row / (channels * rows) * channels..][row % channels..channels];
            let run = if inner == 1 { factors.len() } else { inner - position % inner };
            let (now, later) = rest.split_at_mut(run.min(rest.len()));
            position += now.len();
            if inner == 1 {
                for (element, factor) in now.iter_mut().zip(factors) {
                    largest = largest.max(scale_one::<F, N>(element, *factor));
                }
            } else {
                largest = largest.max(scale_run::<F, N>(now, factors[0]));
            }
            rest = later;
        }
        largest < F::INFINITY
    }
}

#[inline(always)]
fn scale_run<F: Float<N>, const N: usize>(run: &mut [[u8; N]], factor: f64) -> F::Magnitude {
    let mut largest = F::Magnitude::default();
    for element in run {
        largest = largest.max(scale_one::<F, N>(element, factor));
    }
    largest
}

/// Scales one element and returns the magnitude of the result.
#[inline(always)]
fn scale_one<F: Float<N>, const N: usize>(element: &mut [u8; N], factor: f64) -> F::Magnitude {
    let scaled = F::nearest(F::from_le(*element).widen() * factor);
    *element = scaled.to_le();
    scaled.magnitude()
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

    #[test]
    fn scale_follows_the_view_from_any_start() {
        let scaling = Scaling { view: [2, 2, 3, 2], factors: [2., 3., 4., 5., 6., 7.].into() };
        let ones = FloatType::F32.encode(&[1.0; 24]);
        let whole: Vec<f64> = (0..24).map(|i| scaling.factors[i / 12 * 3 + i / 2 % 3]).collect();
        for start in 0..24 {
            let mut part = ones[start * 4..].to_vec();
            assert!(FloatType::F32.scale(&mut part, start as u64, &scaling));
            assert_eq!(FloatType::F32.decode(&part), whole[start..]);
        }
    }

    #[test]
    fn scale_tells_whether_all_is_finite() {
        let scaling = Scaling { view: [1, 1, 1, 2], factors: [2.0].into() };
        for element in [FloatType::F16, FloatType::Bf16, FloatType::F32, FloatType::F64] {
            let largest = if element == FloatType::F16 { 65504.0 } else { element.round(3e38) };
            for (value, finite) in [(1.0, true), (-largest, false), (f64::INFINITY, false), (f64::NAN, false)] {
                let mut bytes = element.encode(&[1.0, value]);
                let wide = element == FloatType::F64 && value.is_finite();
                assert_eq!(element.scale(&mut bytes, 0, &scaling), finite || wide, "{element:?} {value}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

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
