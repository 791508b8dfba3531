//! What the evaluator says of itself, and of small examples computed by hand.

use super::erf::erf;
use super::{Constants, evaluate, magnitude};
use bn_tool::onnx::text::parse;
use ndarray::{ArrayD, IxDyn};
use std::collections::BTreeMap;

/// One node `y = …` of x, which is 1, 2, 3 … in some shape.
fn run(opset: i64, shape: &[usize], constants: &str, node: &str) -> (Vec<usize>, Vec<f64>) {
    let dims = shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : {opset}]> g (float[{dims}] x) => (float y) <{constants}> {{ {node} }}"
    );
    let x: Vec<f64> = (1..=shape.iter().product()).map(|x: usize| x as f64).collect();
    let x = ArrayD::from_shape_vec(IxDyn(shape), x).expect("as many");
    let outputs = evaluate(&parse(&text).expect("it parses"), &BTreeMap::from([("x".to_owned(), x)]));
    let y = &outputs.unwrap_or_else(|error| panic!("{node}: {error}"))["y"];
    let rounded = y.iter().map(|y| (y * 1e6).round() / 1e6);
    (y.shape().to_vec(), rounded.collect())
}

fn numbers(opset: i64, shape: &[usize], constants: &str, node: &str) -> Vec<f64> {
    run(opset, shape, constants, node).1
}

#[test]
fn erf_agrees_with_tables() {
    // Abramowitz and Stegun, table 7.1.
    for (x, expected) in
        [(0.0, 0.0), (0.5, 0.5204998778), (1.0, 0.8427007929), (2.0, 0.9953222650), (-1.5, -0.9661051465)]
    {
        assert!((erf(x) - expected).abs() < 1e-10, "erf({x})");
    }
    assert_eq!(erf(7.0), 1.0);
}

#[test]
fn einsum_sums_what_the_output_lacks() {
    let w = "float[2,2] W = {1.0, 10.0, 100.0, 1000.0}";
    assert_eq!(
        numbers(12, &[2, 2], w, r#"y = Einsum <equation = "ij,jk->ik"> (x, W)"#),
        [201.0, 2010.0, 403.0, 4030.0]
    );
    assert_eq!(numbers(12, &[2, 2], w, r#"y = Einsum <equation = "...i,ki"> (x, W)"#), [21.0, 2100.0, 43.0, 4300.0]);
    assert_eq!(numbers(12, &[2, 2], "", r#"y = Einsum <equation = "ii->"> (x)"#), [5.0]);
    assert_eq!(numbers(12, &[2, 2], "", r#"y = Einsum <equation = "ij->ji"> (x)"#), [1.0, 3.0, 2.0, 4.0]);
}

#[test]
fn depth_becomes_space_in_two_ways() {
    let dcr = "y = DepthToSpace <blocksize = 2> (x)";
    let crd = r#"y = DepthToSpace <blocksize = 2, mode = "CRD"> (x)"#;
    assert_eq!(numbers(13, &[1, 8, 1, 1], "", dcr), [1.0, 3.0, 5.0, 7.0, 2.0, 4.0, 6.0, 8.0]);
    assert_eq!(numbers(13, &[1, 8, 1, 1], "", crd), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let back = run(13, &[1, 1, 2, 2], "", "y = SpaceToDepth <blocksize = 2> (x)");
    assert_eq!(back, (vec![1, 4, 1, 1], vec![1.0, 2.0, 3.0, 4.0]));
}

#[test]
fn pads_repeat_what_their_mode_says() {
    let pads = "int64[2] p = {2, 1}";
    for (mode, expected) in [
        ("constant", [0.0, 0.0, 1.0, 2.0, 3.0, 0.0]),
        ("edge", [1.0, 1.0, 1.0, 2.0, 3.0, 3.0]),
        ("reflect", [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]),
        ("wrap", [2.0, 3.0, 1.0, 2.0, 3.0, 1.0]),
    ] {
        assert_eq!(numbers(19, &[3], pads, &format!("y = Pad <mode = \"{mode}\"> (x, p)")), expected, "{mode}");
    }
    let on_one_axis = "int64[2] p = {0, -1}, int64[1] a = {-1}";
    assert_eq!(numbers(18, &[2, 2], on_one_axis, "y = Pad (x, p, , a)"), [1.0, 3.0]);
}

#[test]
fn resize_interpolates() {
    let twice = "float[1] s = {2.0}";
    let modes = [
        (
            r#"mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor""#,
            [1.0, 1.0, 2.0, 2.0],
        ),
        (r#"mode = "linear""#, [1.0, 1.25, 1.75, 2.0]),
        (r#"mode = "linear", coordinate_transformation_mode = "align_corners""#, [1.0, 1.333333, 1.666667, 2.0]),
    ];
    for (attributes, expected) in modes {
        assert_eq!(numbers(13, &[2], twice, &format!("y = Resize <{attributes}> (x, , s)")), expected, "{attributes}");
    }
    assert_eq!(numbers(9, &[2], twice, "y = Upsample (x, s)"), [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(numbers(10, &[2], twice, r#"y = Resize <mode = "linear"> (x, s)"#), [1.0, 1.5, 2.0, 2.0]);
}

#[test]
fn groups_are_normalised_each_by_itself() {
    // x̂ of two numbers is ∓1 but for epsilon.
    let group = "y = GroupNormalization <num_groups = 2, epsilon = 0.0> (x, s, b)";
    let per_group = "float[2] s = {1.0, 10.0}, float[2] b = {0.0, 100.0}";
    let per_channel = "float[4] s = {1.0, 2.0, 3.0, 4.0}, float[4] b = {0.0, 0.0, 0.0, 10.0}";
    assert_eq!(numbers(18, &[1, 4, 1], per_group, group), [-1.0, 1.0, 90.0, 110.0]);
    assert_eq!(numbers(21, &[1, 4, 1], per_channel, group), [-1.0, 2.0, -3.0, 14.0]);
    let rms = "y = RMSNormalization <epsilon = 0.0> (x, s)";
    assert_eq!(numbers(23, &[1, 2], "float[2] s = {1.0, 1.0}", rms), [0.632456, 1.264911]);
}

#[test]
fn tiles_pools_and_extremes() {
    assert_eq!(numbers(13, &[2], "int64[1] r = {2}", "y = Tile (x, r)"), [1.0, 2.0, 1.0, 2.0]);
    let indices = "z, y = MaxPool <kernel_shape = [2]> (x)";
    assert_eq!(numbers(13, &[1, 2, 3], "", indices), [1.0, 2.0, 4.0, 5.0]);
    let included = "y = AveragePool <kernel_shape = [2], pads = [1, 0], count_include_pad = 1> (x)";
    assert_eq!(numbers(13, &[1, 1, 2], "", included), [0.5, 1.5]);
    assert_eq!(numbers(13, &[2, 2], "", "y = ReduceMax <axes = [0], keepdims = 0> (x)"), [3.0, 4.0]);
    assert_eq!(numbers(13, &[2, 2], "", "y = ReduceMin <axes = [1]> (x)"), [1.0, 3.0]);
}

#[test]
fn scan_carries_a_state() {
    let scan = "s, y = Scan <num_scan_inputs = 1, scan_input_directions = [1], body = b (float a, float e)
        => (float t, float o) { t = Add (a, e)  o = Identity (t) }> (z, x)";
    assert_eq!(numbers(16, &[3], "float z = {10.0}", scan), [13.0, 15.0, 16.0]);
}

/// A magnitude is no smaller than the value, and no smaller than what an error of the input
/// becomes, whatever lies between.
#[test]
fn magnitudes_bound_values_and_errors() {
    let bounded = ["Relu", "Tanh", "Sigmoid", "Elu", "Selu", "Softplus", "Softsign", "HardSigmoid", "HardSwish", "Erf"];
    let axis = ["Softmax", "LayerNormalization <epsilon = 0.1>"];
    for operator in bounded.iter().chain(&axis) {
        let inputs = if operator.starts_with("Layer") { "(x, one)" } else { "(x)" };
        let text = format!(
            "<ir_version: 8, opset_import: [\"\" : 17]> g (float[4] x) => (float[4] y) <float[4] one = {{1.0, 1.0, 1.0, 1.0}}> {{ y = {operator} {inputs} }}"
        );
        let model = parse(&text).expect("it parses");
        let exact = Constants::of(&model);
        let of = |x: [f64; 4]| BTreeMap::from([("x".to_owned(), ndarray::arr1(&x).into_dyn())]);
        for at in [-3.0, -1.0, -0.1, 0.0, 0.3, 1.0, 2.9] {
            let (x, moved) = ([at, 0.2, -0.4, 0.9], [at + 0.01, 0.2 - 0.01, -0.4 + 0.01, 0.9 - 0.01]);
            let (y, z) =
                (&evaluate(&model, &of(x)).expect("values")["y"], &evaluate(&model, &of(moved)).expect("values")["y"]);
            let (size, error) = (
                &magnitude(&model, &of(x), &exact, 1.0).expect("sizes")["y"],
                &magnitude(&model, &of([0.01; 4]), &exact, 1.0).expect("sizes")["y"],
            );
            for index in 0..4 {
                assert!(y[[index]].abs() <= size[[index]], "{operator}({at})");
                assert!((y[[index]] - z[[index]]).abs() <= error[[index]] + 1e-12, "{operator}({at})");
            }
        }
    }
}
