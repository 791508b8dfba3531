//! Which vectors a product is computed with.

use super::Product;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
use super::vectors::Pulp;
use pulp::{Arch, Simd, WithSimd};

/// A type of numbers that products are of.
pub trait Element: Copy + Default + 'static {
    /// Computes a product with the widest vectors that the processor has.
    fn compute(product: Product<Self>);
}

macro_rules! element {
    ($type:ty) => {
        impl Element for $type {
            fn compute(product: Product<Self>) {
                #[cfg(target_arch = "x86_64")]
                if let Some(simd) = Avx512::detect() {
                    return simd.compute(product);
                }
                Arch::new().dispatch(product);
            }
        }

        impl WithSimd for Product<'_, $type> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                self.compute_with(Pulp(simd));
            }
        }
    };
}
element!(f32);
element!(f64);
