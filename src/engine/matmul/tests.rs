use crate::engine::testing::{model, node};
use crate::engine::{Array, Session};
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::{AttributeProto, NodeProto, TensorProto};

fn numbers(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f64 / 7.0 - 1.5).collect()
}

/// Runs a node of x `shape` and w, a constant or made from x, in f64; it must be a product of ours.
fn run(node_of: NodeProto, shape: &[usize], weight: &[usize], constant: bool) -> Array {
    let (y, operators) = run_any(node_of, shape, weight, constant);
    assert!(operators.contains("MatMul64"), "{operators}");
    y
}

/// As [`run`], whoever computes it; and the operators that do.
fn run_any(node_of: NodeProto, shape: &[usize], weight: &[usize], constant: bool) -> (Array, String) {
    let count = weight.iter().product();
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let axes: Vec<&str> = axes.iter().map(String::as_str).collect();
    let name = if constant { "w" } else { "stored" };
    let initializer = vec![
        TensorProto::floats(name, FloatType::F64, weight, &numbers(count, 2)),
        TensorProto::floats("zero", FloatType::F64, &[], &[0.0]),
    ];
    let mut nodes = vec![node_of];
    if !constant {
        // tract cannot know that it is constant: 0 · Σx is added.
        let keep = AttributeProto::int("keepdims", 0);
        nodes.insert(0, node("ReduceSum", "x", "sum", vec![keep]));
        nodes.insert(1, node("Mul", "sum zero", "nothing", vec![]));
        nodes.insert(2, node("Add", "stored nothing", "w", vec![]));
    }
    let model = model(17, (DataType::Double, &axes), initializer, nodes, "y");
    let x = Array::floats(FloatType::F64, shape.to_vec(), &numbers(shape.iter().product(), 1)).expect("consistent");
    let session = Session::compile(&model, &[shape.to_vec()], Some(FloatType::F64)).expect("compiles");
    (session.worker().expect("starts").run(&[x]).expect("runs").remove(0), session.operators())
}

fn close(y: &Array, expected: &[f64]) {
    assert_eq!(y.values().len(), expected.len());
    for (y, expected) in y.values().iter().zip(expected) {
        assert!((y - expected).abs() <= 1e-13 * (1.0 + expected.abs()), "{y} for {expected}");
    }
}

/// Σ over k of x[m, k] · w[k, n], by functions that find the elements.
fn product([m, k, n]: [usize; 3], x: impl Fn(usize, usize) -> f64, w: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..m * n).map(|at| (0..k).map(|k| x(at / n, k) * w(k, at % n)).sum()).collect()
}

#[test]
fn gemm_is_that_of_the_specification() {
    for (m, k, n) in [(1, 5, 3), (1, 64, 40), (9, 7, 17), (13, 33, 8), (70, 3, 50)] {
        for (transposed, constant) in [(0, true), (1, true), (0, false), (1, false)] {
            for transposed_x in [0, 1] {
                let attributes =
                    vec![AttributeProto::int("transB", transposed), AttributeProto::int("transA", transposed_x)];
                let weight = if transposed == 1 { [n, k] } else { [k, n] };
                let shape = if transposed_x == 1 { [k, m] } else { [m, k] };
                let y = run(node("Gemm", "x w", "y", attributes), &shape, &weight, constant);
                let (x, w) = (numbers(m * k, 1), numbers(k * n, 2));
                let w = |i: usize, j: usize| if transposed == 1 { w[j * k + i] } else { w[i * n + j] };
                let x = |i: usize, j: usize| if transposed_x == 1 { x[j * m + i] } else { x[i * k + j] };
                assert_eq!(y.shape(), [m, n]);
                close(&y, &product([m, k, n], x, w));
            }
        }
    }
}

#[test]
fn matmul_stretches_axes_of_length_one() {
    let (m, k, n) = (5, 6, 4);
    for constant in [true, false] {
        for (x_batch, w_batch) in
            [(&[2, 3][..], &[][..]), (&[2, 3], &[3]), (&[1], &[4]), (&[2, 1], &[1, 3]), (&[], &[2])]
        {
            let shape = [x_batch, &[m, k]].concat();
            let weight = [w_batch, &[k, n]].concat();
            let y = run(node("MatMul", "x w", "y", vec![]), &shape, &weight, constant);
            let (x, w) = (numbers(shape.iter().product(), 1), numbers(weight.iter().product(), 2));
            // All batches here have at most two axes.
            let pad = |batch: &[usize]| {
                [[1, 1], [1, 1]].concat()[batch.len()..2].iter().chain(batch).copied().collect::<Vec<_>>()
            };
            let (of_x, of_w) = (pad(x_batch), pad(w_batch));
            let mut expected = Vec::new();
            for i in 0..of_x[0].max(of_w[0]) {
                for j in 0..of_x[1].max(of_w[1]) {
                    let place = |of: &[usize]| (i % of[0]) * of[1] + j % of[1];
                    let (x, w) = (&x[place(&of_x) * m * k..], &w[place(&of_w) * k * n..]);
                    expected.extend(product([m, k, n], |i, j| x[i * k + j], |i, j| w[i * n + j]));
                }
            }
            close(&y, &expected);
        }
    }
}

#[test]
fn einsum_may_order_axes_as_it_likes() {
    // y[n, b, m] = Σ over k of x[m, b, k] · w[k, b, n]
    let (b, m, k, n) = (3, 4, 5, 6);
    let equation = AttributeProto {
        name: Some("equation".into()),
        s: Some(b"mbk,kbn->nbm".to_vec().into()),
        r#type: Some(3),
        ..Default::default()
    };
    for constant in [true, false] {
        let y = run(node("Einsum", "x w", "y", vec![equation.clone()]), &[m, b, k], &[k, b, n], constant);
        let (x, w) = (numbers(m * b * k, 1), numbers(k * b * n, 2));
        let element = |at: usize| {
            let (of_n, of_b, of_m) = (at / (b * m), at / m % b, at % m);
            (0..k).map(|i| x[(of_m * b + of_b) * k + i] * w[(i * b + of_b) * n + of_n]).sum()
        };
        close(&y, &(0..n * b * m).map(element).collect::<Vec<f64>>());
    }
}

/// An axis that only one operand has is summed by tract.
#[test]
fn other_sums_stay_with_tract() {
    let equation = AttributeProto {
        name: Some("equation".into()),
        s: Some(b"ij,kl->k".to_vec().into()),
        r#type: Some(3),
        ..Default::default()
    };
    let (y, operators) = run_any(node("Einsum", "x w", "y", vec![equation]), &[2, 3], &[4, 5], true);
    assert!(!operators.contains("MatMul64"), "{operators}");
    let sum: f64 = numbers(6, 1).iter().sum();
    close(&y, &numbers(20, 2).chunks(5).map(|row| sum * row.iter().sum::<f64>()).collect::<Vec<f64>>());
}
