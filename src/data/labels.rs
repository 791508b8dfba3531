//! The right class of each sample.

use super::DataError;
use super::bind::Wanted;
use super::dense::{Dense, Samples};
use super::open;
use super::options::DataOptions;
use super::prepare::integers;
use crate::engine::Array;
use std::path::Path;

/// How many numbers are read at a time.
const BLOCK: usize = 1 << 20;

/// Classes, one for each row of the source: integers in a file of any format that holds one array
/// (`.npy`, `a.npz/y`, IDX …), `[N]` or `[N, 1]`; or scores `[N, K]`, of which the largest counts, the
/// first of several.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn labels(path: &Path) -> Result<Vec<i64>, DataError> {
    let array = open::dense(path, &Wanted::anything("labels"), &DataOptions::new(Vec::new()))?;
    let inner: usize = match array.shape() {
        [_] => 1,
        [_, classes] => *classes,
        shape => return Err(DataError::format(path, format!("labels are [N] or [N, classes], it is {shape:?}"))),
    };
    let rows = array.shape()[0];
    let mut labels = Vec::with_capacity(rows.min(1 << 20));
    let step = (BLOCK / inner.max(1)).max(1);
    for first in (0..rows).step_by(step) {
        let count = step.min(rows - first);
        labels.extend(block(&array, first, count, inner)?);
    }
    Ok(labels)
}

fn block(array: &Dense, first: usize, count: usize, classes: usize) -> Result<Vec<i64>, DataError> {
    let bytes = array.rows(first, count)?;
    let wrong = |what: &str| DataError::format(array.path(), what);
    if classes == 1 {
        let numbers = integers(array.element(), &bytes).ok_or_else(|| wrong("labels are integers, it holds floats"))?;
        let label = |number: i128| i64::try_from(number).map_err(|_| wrong("a label does not fit 64 bits"));
        return numbers.into_iter().map(label).collect();
    }
    let scores =
        Array::new(array.element(), vec![count, classes], bytes).ok_or_else(|| wrong("it holds no numbers"))?;
    let largest = |row: &[f64]| {
        let better = |best: usize, class: usize| if row[class] > row[best] { class } else { best };
        (1..row.len()).fold(0, better) as i64
    };
    Ok(scores.values().chunks_exact(classes).map(largest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{bytes_npy, npy};

    fn of(bytes: &[u8]) -> Result<Vec<i64>, DataError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        labels(file.path())
    }

    #[test]
    fn classes_are_numbers_or_the_largest_score() {
        assert_eq!(of(&bytes_npy("3,", &[2, 0, 255])).expect("read"), [2, 0, 255]);
        assert_eq!(of(&bytes_npy("2, 1", &[2, 7])).expect("read"), [2, 7]);
        assert_eq!(of(&bytes_npy("2, 3", &[0, 1, 0, 1, 0, 1])).expect("read"), [1, 0]);
        let floats = [0.1f32, 0.9, 0.6, 0.4].map(f32::to_le_bytes).concat();
        let floats =
            |shape: &str| npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"), &floats);
        assert_eq!(of(&floats("(2, 2)")).expect("read"), [1, 0]);
        assert!(of(&floats("(4,)")).expect_err("refused").to_string().contains("labels are integers"));
        assert!(of(&bytes_npy("1, 1, 1", &[1])).expect_err("refused").to_string().contains("[N, classes]"));
        let idx = [0, 0, 8, 1, 0, 0, 0, 2, 4, 9];
        assert_eq!(of(&idx).expect("read"), [4, 9]);
    }
}
