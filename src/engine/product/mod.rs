//! Matrix products Y = W·X + b: the work of convolutions, and of products in f64.
//!
//! Row k of X is where it already is: a table says at which offset of a slice it begins. So a convolution
//! is the same product as a dense one, with rows that are shifted views of one image.
//!
//! Each element of Y is one sum in the order of k, begun with its bias, whatever the shape and the number
//! of threads: nothing is split along k.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod dispatch;
mod tile;
mod vectors;
mod weights;

pub use dispatch::Element;
pub use weights::Weights;

use std::ops::Range;
use tile::Operands;
use vectors::Vectors;
use weights::PANEL;

/// How many bytes of weights all columns pass before the next ones: half of a common second level cache.
const BLOCK_OF_WEIGHTS: usize = 1 << 20;
/// From so many rows of W on, columns of X are copied side by side before they are read once per panel.
const WORTH_A_COPY: usize = 32;
/// The most numbers of a tile of Y.
const LARGEST_TILE: usize = PANEL * 3 * 16;

/// X, seen as rows of columns that are consecutive in memory.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// What the rows are in.
    pub values: &'a [T],
    /// Where each row begins.
    pub rows: &'a [usize],
    /// How many columns there are.
    pub columns: usize,
    /// Whether no two rows have elements in common, so that what is read of one is of no use for others.
    pub far_apart: bool,
}

/// Columns of X that belong to Y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// The first one, as a column of X.
    pub from: usize,
    /// How many there are.
    pub length: usize,
    /// Where the first one is in a row of Y.
    pub to: usize,
}

/// What is to be computed, and where the result goes.
#[derive(Debug)]
pub struct Product<'a, T> {
    /// W.
    pub weights: &'a Weights<T>,
    /// b, one number per row; what is missing is 0.
    pub bias: &'a [T],
    /// X.
    pub view: View<'a, T>,
    /// Which columns are kept, in ascending order of both ends.
    pub runs: &'a [Run],
    /// Y, row-major.
    pub result: &'a mut [T],
    /// The length of a row of Y.
    pub pitch: usize,
}

impl<T: Element> Product<'_, T> {
    /// Computes it with the widest vectors that the processor has.
    ///
    /// # Panics
    /// If X or Y reaches beyond its slice.
    pub fn compute(self) {
        T::compute(self);
    }

    #[inline(always)]
    fn compute_with<S: Vectors<T>>(mut self, simd: S) {
        let (view, depth, rows) = (self.view, self.weights.depth(), self.weights.rows());
        assert!(view.rows.len() == depth, "a row of X for each column of W");
        // As many columns can be read in all rows.
        let readable = view.rows.iter().max().map_or(0, |last| view.values.len().saturating_sub(*last));
        let (mut copy, mut copied_rows) = (Vec::new(), Vec::new());
        let mut tile = [T::default(); LARGEST_TILE];
        let block = (BLOCK_OF_WEIGHTS / (depth * PANEL * size_of::<T>()).max(1)).max(1) * PANEL;
        for first in (0..rows).step_by(block) {
            let rows = first..(first + block).min(rows);
            let (mut column, mut runs) = (0, self.runs);
            while column < view.columns {
                let vectors = at_once::<T, S>(self.weights.rows(), view.columns - column);
                let columns = column..column + vectors * S::LANES;
                while runs.first().is_some_and(|run| run.from + run.length <= column) {
                    runs = &runs[1..];
                }
                if columns.end <= readable && !(view.far_apart && rows.len() >= WORTH_A_COPY) {
                    self.columns(simd, rows.clone(), (view, column), vectors, (runs, column), &mut tile);
                } else {
                    copy_columns(simd, view, columns.clone(), columns.end <= readable, &mut copy, &mut copied_rows);
                    let view = View { values: &copy, rows: &copied_rows, columns: columns.len(), far_apart: false };
                    self.columns(simd, rows.clone(), (view, 0), vectors, (runs, column), &mut tile);
                }
                column = columns.end;
            }
        }
    }

    /// Some rows, by some vectors of columns from `at.1` on; `kept.1` is that column in the runs. `tile` is for
    /// tiles of which not all columns are kept.
    #[inline(always)]
    fn columns<S: Vectors<T>>(
        &mut self,
        simd: S,
        rows: Range<usize>,
        at: (View<T>, usize),
        vectors: usize,
        kept: (&[Run], usize),
        tile: &mut [T; LARGEST_TILE],
    ) {
        let width = vectors * S::LANES;
        let ((view, column), (runs, origin)) = (at, kept);
        let whole = runs.first().filter(|run| run.from <= origin && origin + width <= run.from + run.length);
        for first in rows.clone().step_by(PANEL) {
            let count = PANEL.min(rows.end - first);
            let mut bias = [T::default(); PANEL];
            bias.iter_mut().zip(self.bias.get(first..).unwrap_or(&[])).for_each(|(to, from)| *to = *from);
            let operands =
                Operands { weights: self.weights.panel(first), bias, values: view.values, rows: view.rows, column };
            let result = &mut self.result[first * self.pitch..(first + count) * self.pitch];
            if let Some(run) = whole {
                let result = &mut result[run.to + origin - run.from..];
                tile::panel(simd, operands, [count, vectors], result, self.pitch);
            } else {
                tile::panel(simd, operands, [count, vectors], tile, width);
                for (row, tile) in result.chunks_exact_mut(self.pitch.max(1)).zip(tile.chunks_exact(width)) {
                    keep(simd, tile, runs, origin, row);
                }
            }
        }
    }
}

/// How many vectors of columns are next.
#[inline(always)]
fn at_once<T, S: Vectors<T>>(rows: usize, columns: usize) -> usize {
    let left = columns.div_ceil(S::LANES);
    match left {
        // Few rows: many vectors, so that there are enough sums side by side.
        8.. if rows < 4 && S::REGISTERS >= 32 => 8,
        4.. if rows < 4 => 4,
        // Two tiles of two rather than one of three and one of one.
        4 => 2,
        _ => left.min(3),
    }
}

/// Copies columns, zeros where a row ends before.
#[inline(always)]
fn copy_columns<T: Element, S: Vectors<T>>(
    simd: S,
    view: View<T>,
    columns: Range<usize>,
    whole: bool,
    to: &mut Vec<T>,
    rows: &mut Vec<usize>,
) {
    to.resize(view.rows.len() * columns.len(), T::default());
    rows.clear();
    rows.extend((0..view.rows.len()).map(|row| row * columns.len()));
    for (to, row) in to.chunks_exact_mut(columns.len()).zip(view.rows) {
        let from = view.values.get(row + columns.start..).unwrap_or(&[]);
        if whole {
            for (to, from) in to.chunks_exact_mut(S::LANES).zip(from.chunks_exact(S::LANES)) {
                simd.store(simd.load(from), to);
            }
        } else {
            let there = from.len().min(columns.len());
            to[..there].copy_from_slice(&from[..there]);
            to[there..].fill(T::default());
        }
    }
}

/// Copies what is kept of one row of a tile whose first column is `origin`.
///
/// What is beyond a run is overwritten by what comes later, so that whole vectors are copied while there
/// is room for them.
#[inline(always)]
fn keep<T: Copy, S: Vectors<T>>(simd: S, tile: &[T], runs: &[Run], origin: usize, to: &mut [T]) {
    for run in runs {
        if run.from >= origin + tile.len() {
            break;
        }
        let start = run.from.max(origin);
        let end = (run.from + run.length).min(origin + tile.len());
        let (mut from, mut at) = (start - origin, run.to + start - run.from);
        let end = end - origin;
        while from < end {
            if from + S::LANES <= tile.len() && at + S::LANES <= to.len() {
                simd.store(simd.load(&tile[from..]), &mut to[at..]);
            } else {
                let length = (end - from).min(S::LANES);
                to[at..at + length].copy_from_slice(&tile[from..from + length]);
            }
            from += S::LANES;
            at += S::LANES;
        }
    }
}
#[cfg(test)]
mod tests;
