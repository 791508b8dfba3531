//! Faults of every kind: in subgraphs, in other types, in shapes.

use super::{agreeing, chain, found, makers, parsed, sample, search, touched};
use crate::engine::Array;
use crate::onnx::element::{DataType, FloatType};
use crate::verify::VerifyOptions;
use crate::verify::locate::locate;

#[test]
fn a_fault_in_a_branch_of_an_if_is_that_of_the_if() {
    let model = |factor: f64| {
        format!(
            "g (float[2,3] x) => (float[2,3] y) <float[1] k = {{1}}, bool yes = {{1}}> {{
                [first] a = Mul (x, k)
                [choice] b = If (yes) <
                    then_branch = t () => (float[2,3] p) <float[1] w = {{{factor}}}> {{ [inner] p = Mul (a, w) }},
                    else_branch = e () => (float[2,3] q) {{ q = Neg (a) }}>
                [last] y = Neg (b)
            }}"
        )
    };
    let location = found(&model(1.0), &model(1.5), &[2, 3]);
    assert_eq!(makers(&location), ["If choice", "If choice"]);
    assert_eq!(agreeing(&location), ["a"]);
    assert_eq!(touched(&location), ["Mul inner > Mul inner [w]"]);
}

#[test]
fn half_precision_has_its_tolerance() {
    let model = |factor: f64| {
        parsed(&format!(
            "g (float16[2,3] x) => (float16[2,3] y) <float16[1] a = {{1.5}}, float16[1] b = {{{factor:?}}}> {{
                [one] p = Mul (x, a) [two] q = Mul (p, b) [three] y = Neg (q)
            }}"
        ))
    };
    let inputs = [sample(FloatType::F16, &[2, 3])];
    let find = |b| locate(&model(1.0), &model(b), &inputs, &VerifyOptions::default(), &|_, _| {}).unwrap();
    // Two units in the last place of the weight, then a hundred.
    assert!(find(1.0 + 2.0 / 1024.0).is_none());
    assert_eq!(makers(&find(1.0 + 100.0 / 1024.0).unwrap()), ["Mul two", "Mul two"]);
}

#[test]
fn what_only_f64_sees_is_found() {
    let model = |factor: f64| {
        format!(
            "g (float[2,3] x) => (float[2,3] y) <float[1] a = {{1.5}}, float[1] b = {{{factor}}}> {{
                [one] p = Mul (x, a) [two] q = Mul (p, b) [three] y = Neg (q)
            }}"
        )
    };
    let location = found(&model(1.0), &model(1.00001), &[2, 3]);
    assert_eq!(makers(&location)[0], "Mul two");
    let difference = location.difference.unwrap();
    assert_eq!(difference.mismatched, 0.0);
    let algebra = difference.f64.unwrap();
    assert!(algebra.error > algebra.limit && algebra.error < 2e-5, "{algebra:?}");
    assert!(search(&model(1.0), &model(1.0000001), &[2, 3]).is_none());
}

#[test]
fn tolerances_count() {
    let options = VerifyOptions::default().tolerance(0.0, 0.2);
    let inputs = [sample(FloatType::F32, &[2, 3])];
    let find = |options| locate(&parsed(&chain(&[])), &parsed(&chain(&[9])), &inputs, options, &|_, _| {}).unwrap();
    assert!(find(&options).is_none());
    assert!(find(&VerifyOptions::default().tolerance(0.0, 0.05)).is_some());
}

#[test]
fn another_shape_or_type_is_a_difference() {
    let model = |keep: i64| {
        format!(
            "g (float[2,3] x) => (float[a,b] y) {{
                [neg] n = Neg (x) [sum] s = ReduceMax <axes = [1], keepdims = {keep}> (n) [end] y = Neg (s)
            }}"
        )
    };
    let location = found(&model(1), &model(0), &[2, 3]);
    assert_eq!(makers(&location)[0], "ReduceMax sum");
    assert!(location.difference.is_none());
    assert_eq!([location.original.statistics.shape, location.result.statistics.shape], [vec![2, 1], vec![2]]);
    assert!(location.touched[0].rewired);
}

#[test]
fn integers_must_be_equal() {
    let model = |offset: i64| {
        parsed(&format!(
            "g (int64[4] x) => (int64[4] y) <int64[1] k = {{{offset}}}> {{ [add] a = Add (x, k) [mul] y = Mul (a, x) }}"
        ))
    };
    let bytes = [3i64, -1, 5, 7].iter().flat_map(|value| value.to_le_bytes()).collect();
    let inputs = [Array::new(DataType::Int64, vec![4], bytes).unwrap()];
    let location = locate(&model(1), &model(2), &inputs, &VerifyOptions::default(), &|_, _| {}).unwrap().unwrap();
    assert_eq!(makers(&location)[0], "Add add");
    let worst = location.difference.unwrap().worst.unwrap();
    assert_eq!(worst.result - worst.original, 1.0);
}

#[test]
fn where_nothing_in_between_is_a_pair_it_is_the_output() {
    let other = "g (float[2,3] x) => (float[2,3] y) { [a] p = Exp (x) [b] q = Sqrt (p) [c] y = Abs (q) }";
    let model = "g (float[2,3] x) => (float[2,3] y) { [d] m = Neg (x) [e] n = Floor (m) [f] y = Neg (n) }";
    let location = found(model, other, &[2, 3]);
    assert_eq!(makers(&location), ["Neg f", "Abs c"]);
    assert!(location.is_output);
    assert_eq!(agreeing(&location), ["x"]);
    assert_eq!(location.touched.len(), 6);
}

#[test]
fn not_finite_values_are_counted() {
    let model = |operator: &str| {
        format!("g (float[2,3] x) => (float[2,3] y) {{ [a] p = Abs (x) [odd] q = {operator} (p) [b] y = Neg (q) }}")
    };
    let location = found(&model("Identity"), &model("Neg"), &[2, 3]);
    assert_eq!(location.original.statistics.nan, 0);
    let root = "g (float[2,3] x) => (float[2,3] y) { [a] p = Neg (x) [odd] q = Sqrt (p) [b] y = Neg (q) }";
    let plain = "g (float[2,3] x) => (float[2,3] y) { [a] p = Neg (x) [odd] q = Abs (p) [b] y = Neg (q) }";
    let location = found(plain, root, &[2, 3]);
    // Of the six elements −11, 3, −6, 8, −1, −10 (sevenths), two are positive.
    assert_eq!((location.original.statistics.nan, location.result.statistics.nan), (0, 2));
    assert_eq!(location.difference.unwrap().max_abs, f64::INFINITY);
}
