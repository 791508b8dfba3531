//! Vectors of 512 bits, which `pulp` has only at the price of features in crates that others share.
//!
//! The only unsafe code of the crate. All of it rests on one fact: an [`Avx512`] exists only where the
//! processor was asked for AVX-512F. Without it, products take twice as long.
#![allow(unsafe_code)]

use super::Element;
use super::Product;
use super::vectors::Vectors;
use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

/// The proof that the processor has AVX-512F.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// Asks the processor.
    pub(super) fn detect() -> Option<Avx512> {
        is_x86_feature_detected!("avx512f").then_some(Avx512(()))
    }

    /// Computes a product.
    pub(super) fn compute<T: Element>(self, product: Product<T>)
    where
        Avx512: Vectors<T>,
    {
        // SAFETY: the processor has AVX-512F, for there is an `Avx512`.
        unsafe { compute(self, product) }
    }
}

/// The place that all loops are inlined into, and so compiled for AVX-512F.
#[target_feature(enable = "avx512f")]
fn compute<T: Element>(simd: Avx512, product: Product<T>)
where
    Avx512: Vectors<T>,
{
    product.compute_with(simd);
}

macro_rules! vectors {
    ($type:ty, $vector:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $mul_add:ident) => {
        impl Vectors<$type> for Avx512 {
            type Vector = $vector;
            const LANES: usize = $lanes;
            const REGISTERS: usize = 32;

            #[inline(always)]
            fn splat(self, x: $type) -> $vector {
                // SAFETY: the processor has AVX-512F, for there is an `Avx512`.
                unsafe { $splat(x) }
            }

            #[inline(always)]
            fn load(self, x: &[$type]) -> $vector {
                let x = &x[..$lanes];
                // SAFETY: as above; the slice has as many numbers as are read, and need not be aligned.
                unsafe { $load(x.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, vector: $vector, to: &mut [$type]) {
                let to = &mut to[..$lanes];
                // SAFETY: as above; the slice has as many numbers as are written, and need not be aligned.
                unsafe { $store(to.as_mut_ptr(), vector) }
            }

            #[inline(always)]
            fn mul_add(self, a: $vector, b: $vector, c: $vector) -> $vector {
                // SAFETY: the processor has AVX-512F, for there is an `Avx512`.
                unsafe { $mul_add(a, b, c) }
            }
        }
    };
}
vectors!(f32, __m512, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps);
vectors!(f64, __m512d, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd);
