//! A tile of Y: some rows by some vectors of columns, all of whose sums stay in registers.

use super::vectors::Vectors;
use super::weights::PANEL;

/// What the sums are of.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a, T> {
    /// The panel of W.
    pub weights: &'a [T],
    /// What its sums begin with.
    pub bias: [T; PANEL],
    /// What the rows of X are in.
    pub values: &'a [T],
    /// Where the rows of X begin.
    pub rows: &'a [usize],
    /// The first column.
    pub column: usize,
}

/// Computes some rows of the panel by some vectors; row r goes to `to[r · pitch..]`.
#[inline(always)]
pub(super) fn panel<T: Copy, S: Vectors<T>>(
    simd: S,
    operands: Operands<T>,
    [rows, vectors]: [usize; 2],
    to: &mut [T],
    pitch: usize,
) {
    let mut first = 0;
    while first < rows {
        let to = &mut to[first * pitch..];
        let left = rows - first;
        // A sum per row and vector, the vectors and a weight have to fit into the registers.
        first += match (left, vectors) {
            (8.., 3) if S::REGISTERS >= 32 => tile::<T, S, 8, 3>(simd, operands, first, to, pitch),
            (8.., 2) if S::REGISTERS >= 32 => tile::<T, S, 8, 2>(simd, operands, first, to, pitch),
            (8.., 1) => tile::<T, S, 8, 1>(simd, operands, first, to, pitch),
            (4.., 3) => tile::<T, S, 4, 3>(simd, operands, first, to, pitch),
            (4.., 2) => tile::<T, S, 4, 2>(simd, operands, first, to, pitch),
            (4.., 1) => tile::<T, S, 4, 1>(simd, operands, first, to, pitch),
            (2.., 8) if S::REGISTERS >= 32 => tile::<T, S, 2, 8>(simd, operands, first, to, pitch),
            (2.., 4) => tile::<T, S, 2, 4>(simd, operands, first, to, pitch),
            (2.., 3) => tile::<T, S, 2, 3>(simd, operands, first, to, pitch),
            (2.., 2) => tile::<T, S, 2, 2>(simd, operands, first, to, pitch),
            (2.., 1) => tile::<T, S, 2, 1>(simd, operands, first, to, pitch),
            (_, 8) => tile::<T, S, 1, 8>(simd, operands, first, to, pitch),
            (_, 4) => tile::<T, S, 1, 4>(simd, operands, first, to, pitch),
            (_, 3) => tile::<T, S, 1, 3>(simd, operands, first, to, pitch),
            (_, 2) => tile::<T, S, 1, 2>(simd, operands, first, to, pitch),
            _ => tile::<T, S, 1, 1>(simd, operands, first, to, pitch),
        };
    }
}

/// Computes `H` rows from `first` on, by `V` vectors; returns `H`.
///
/// All loops over rows and vectors are of constant length, so that they are unrolled and the sums are
/// in registers.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
fn tile<T: Copy, S: Vectors<T>, const H: usize, const V: usize>(
    simd: S,
    operands: Operands<T>,
    first: usize,
    to: &mut [T],
    pitch: usize,
) -> usize {
    let Operands { weights, bias, values, rows, column } = operands;
    let mut sums = [[simd.splat(bias[0]); V]; H];
    let bias = &bias[first..first + H];
    for h in 0..H {
        sums[h] = [simd.splat(bias[h]); V];
    }
    for (weights, row) in weights.chunks_exact(PANEL).zip(rows) {
        let weights = &weights[first..first + H];
        let x = &values[row + column..][..V * S::LANES];
        let mut vectors = [sums[0][0]; V];
        for v in 0..V {
            vectors[v] = simd.load(&x[v * S::LANES..]);
        }
        for h in 0..H {
            let weight = simd.splat(weights[h]);
            for v in 0..V {
                sums[h][v] = simd.mul_add(weight, vectors[v], sums[h][v]);
            }
        }
    }
    for h in 0..H {
        let to = &mut to[h * pitch..][..V * S::LANES];
        for v in 0..V {
            simd.store(sums[h][v], &mut to[v * S::LANES..]);
        }
    }
    H
}
