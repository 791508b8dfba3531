//! Vectors of a processor: the few operations that a matrix product is made of.

use pulp::Simd;

/// What a kind of processor does with vectors of `T`.
pub(super) trait Vectors<T>: Copy {
    /// Some numbers side by side.
    type Vector: Copy;
    /// How many.
    const LANES: usize;
    /// How many vectors are at hand at the same time.
    const REGISTERS: usize;

    /// The same number in all lanes.
    fn splat(self, x: T) -> Self::Vector;
    /// The first numbers.
    fn load(self, x: &[T]) -> Self::Vector;
    /// Writes to the first numbers.
    fn store(self, vector: Self::Vector, to: &mut [T]);
    /// a·b + c, rounded once where the processor does so.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
}

/// The vectors of pulp.
#[derive(Clone, Copy)]
pub(super) struct Pulp<S>(pub(super) S);

macro_rules! vectors {
    ($type:ty, $vector:ident, $lanes:ident, $splat:ident, $load:ident, $store:ident, $mul_add:ident) => {
        // Inlining is what lets the loops around be compiled for this kind of processor.
        impl<S: Simd> Vectors<$type> for Pulp<S> {
            type Vector = S::$vector;
            const LANES: usize = S::$lanes;
            const REGISTERS: usize = S::REGISTER_COUNT;

            #[inline(always)]
            fn splat(self, x: $type) -> Self::Vector {
                self.0.$splat(x)
            }

            #[inline(always)]
            fn load(self, x: &[$type]) -> Self::Vector {
                S::$load(x).0[0]
            }

            #[inline(always)]
            fn store(self, vector: Self::Vector, to: &mut [$type]) {
                S::$store(to).0[0] = vector;
            }

            #[inline(always)]
            fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
                self.0.$mul_add(a, b, c)
            }
        }
    };
}
vectors!(f32, f32s, F32_LANES, splat_f32s, as_simd_f32s, as_mut_simd_f32s, mul_add_e_f32s);
vectors!(f64, f64s, F64_LANES, splat_f64s, as_simd_f64s, as_mut_simd_f64s, mul_add_e_f64s);
