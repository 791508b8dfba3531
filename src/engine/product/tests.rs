use super::*;
use pulp::{Arch, WithSimd};

/// W[m, k] = (m + 2k) mod 5 − 2, X[k, n] = (3k + n) mod 7 − 3: all sums are exact.
fn check<T: Element + From<i8> + PartialEq + std::fmt::Debug>(compute: impl Fn(Product<T>)) {
    let number = |value: usize, below: i8| T::from((value % usize::from(below as u8)) as i8 - below / 2);
    for (rows, depth, columns) in [(1, 9, 200), (2, 3, 77), (3, 5, 140), (7, 4, 33), (12, 6, 65), (45, 8, 50)] {
        let weights: Vec<T> = (0..rows * depth).map(|at| number(at / depth + 2 * (at % depth), 5)).collect();
        let values: Vec<T> = (0..depth * columns).map(|at| number(3 * (at / columns) + at % columns, 7)).collect();
        let bias: Vec<T> = (0..rows).map(|row| number(row, 9)).collect();
        let places: Vec<usize> = (0..depth).map(|row| row * columns).collect();
        // Columns 0, 1 and 20, 21 are left out.
        let runs = [Run { from: 2, length: 18, to: 0 }, Run { from: 22, length: columns - 22, to: 18 }];
        let pitch = columns - 4;
        for far_apart in [true, false] {
            let mut result = vec![T::from(99); rows * pitch];
            let view = View { values: &values, rows: &places, columns, far_apart };
            let weights = Weights::pack(&weights, [rows, depth], [depth, 1]);
            compute(Product { weights: &weights, bias: &bias, view, runs: &runs, result: &mut result, pitch });
            for (at, y) in result.iter().enumerate() {
                let (row, column) = (at / pitch, at % pitch);
                let column = column + if column < 18 { 2 } else { 4 };
                let term = |k: usize| ((row + 2 * k) as i32 % 5 - 2) * ((3 * k + column) as i32 % 7 - 3);
                let sum = (row % 9) as i32 - 4 + (0..depth).map(term).sum::<i32>();
                assert_eq!(*y, T::from(i8::try_from(sum).expect("small")), "{row}, {column} of {rows} × {columns}");
            }
        }
    }
}

fn check_all<T: Element + From<i8> + PartialEq + std::fmt::Debug>()
where
    for<'a> Product<'a, T>: WithSimd<Output = ()>,
{
    check::<T>(|product| product.compute());
    check::<T>(|product| Arch::new().dispatch(product));
    check::<T>(|product| Arch::Scalar.dispatch(product));
}

#[test]
fn all_kinds_of_vectors_give_the_product() {
    check_all::<f32>();
    check_all::<f64>();
}

#[test]
fn sums_of_nothing_are_the_bias() {
    let weights = Weights::<f64>::pack(&[], [2, 0], [0, 1]);
    let mut result = [0.0; 6];
    let view = View { values: &[], rows: &[], columns: 3, far_apart: true };
    let runs = [Run { from: 0, length: 3, to: 0 }];
    Product { weights: &weights, bias: &[1.5, 2.5], view, runs: &runs, result: &mut result, pitch: 3 }.compute();
    assert_eq!(result, [1.5, 1.5, 1.5, 2.5, 2.5, 2.5]);
}
