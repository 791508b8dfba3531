//! The left-hand side of a product, in the order that it is read in.

/// How many rows are side by side.
pub(super) const PANEL: usize = 8;

/// A matrix as panels of [`PANEL`] rows, column by column; missing rows at the end are 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights<T> {
    rows: usize,
    depth: usize,
    panels: Vec<T>,
}

impl<T: Copy + Default> Weights<T> {
    /// Packs a matrix whose element (row, k) is at `row · strides[0] + k · strides[1]`.
    ///
    /// # Panics
    /// If one is not there.
    pub fn pack(values: &[T], [rows, depth]: [usize; 2], strides: [usize; 2]) -> Self {
        let last = rows.saturating_sub(1) * strides[0] + depth.saturating_sub(1) * strides[1];
        assert!(rows * depth == 0 || last < values.len(), "{rows} by {depth} numbers of {}", values.len());
        let mut panels = vec![T::default(); rows.next_multiple_of(PANEL) * depth];
        if depth > 0 {
            for (row, panel) in (0..rows).step_by(PANEL).zip(panels.chunks_exact_mut(depth * PANEL)) {
                for lane in 0..PANEL.min(rows - row) {
                    let values = &values[(row + lane) * strides[0]..];
                    let to = panel[lane..].iter_mut().step_by(PANEL);
                    to.zip(values.iter().step_by(strides[1])).for_each(|(to, from)| *to = *from);
                }
            }
        }
        Weights { rows, depth, panels }
    }

    /// How many rows the matrix has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns it has: the length of the sums.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The panel that begins with a row.
    pub(super) fn panel(&self, row: usize) -> &[T] {
        &self.panels[row * self.depth..][..PANEL * self.depth]
    }
}
