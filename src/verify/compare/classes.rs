//! Whether two arrays of scores rank classes alike.

/// How often the best classes are the same, over rows of scores.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    rows: u64,
    same_top1: u64,
    /// Rows of more than five classes, and those in which the best five are the same five.
    long_rows: u64,
    same_top5: u64,
}

/// How many classes count as the best.
const BEST: usize = 5;

impl Agreement {
    /// Compares rows of so many scores.
    pub fn of(a: &[f64], b: &[f64], classes: usize) -> Self {
        let mut agreement = Agreement::default();
        for (a, b) in a.chunks_exact(classes).zip(b.chunks_exact(classes)) {
            agreement.rows += 1;
            agreement.same_top1 += u64::from(best(a, 1) == best(b, 1));
            if classes > BEST {
                agreement.long_rows += 1;
                agreement.same_top5 += u64::from(best(a, BEST) == best(b, BEST));
            }
        }
        agreement
    }

    /// Adds other rows.
    pub fn merge(&mut self, other: Agreement) {
        self.rows += other.rows;
        self.same_top1 += other.same_top1;
        self.long_rows += other.long_rows;
        self.same_top5 += other.same_top5;
    }

    /// The share of rows with the same best class.
    pub fn top1(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.same_top1 as f64 / self.rows as f64)
    }

    /// The share of rows with the same five best classes, in whatever order.
    pub fn top5(&self) -> Option<f64> {
        (self.long_rows > 0).then(|| self.same_top5 as f64 / self.long_rows as f64)
    }
}

/// The places of the largest scores, in ascending order; of equal ones, the first.
fn best(row: &[f64], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..row.len()).collect();
    let descending = |a: &usize, b: &usize| row[*b].total_cmp(&row[*a]).then(a.cmp(b));
    if count < places.len() {
        places.select_nth_unstable_by(count, descending);
        places.truncate(count);
    }
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_counted_per_row() {
        let a = [0.1, 0.9, 0.3, 0.2, 0.8, 0.0];
        let b = [0.1, 0.9, 0.3, 0.8, 0.2, 0.0];
        let agreement = Agreement::of(&a, &b, 3);
        assert_eq!((agreement.top1(), agreement.top5()), (Some(0.5), None));
        let same = Agreement::of(&a, &b, 6);
        assert_eq!((same.top1(), same.top5()), (Some(1.0), Some(1.0)));
    }

    #[test]
    fn five_of_seven_in_any_order() {
        let a = [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
        let swapped = [6.0, 7.0, 5.0, 4.0, 3.0, 2.0, 1.0];
        let other = [7.0, 6.0, 5.0, 4.0, 2.0, 3.0, 1.0];
        let mut agreement = Agreement::of(&a, &swapped, 7);
        assert_eq!((agreement.top1(), agreement.top5()), (Some(0.0), Some(1.0)));
        agreement.merge(Agreement::of(&a, &other, 7));
        assert_eq!((agreement.top1(), agreement.top5()), (Some(0.5), Some(0.5)));
    }

    #[test]
    fn no_rows_are_no_agreement() {
        assert_eq!(Agreement::of(&[], &[], 3).top1(), None);
    }
}
