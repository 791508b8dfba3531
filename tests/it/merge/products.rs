//! Random sums of matrix products of one input.

use super::{MergeReport, merge};
use crate::generate::{Builder, Numbers, Storage};
use crate::same::compare;
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{AttributeProto, ModelProto};
use ndarray::{ArrayD, IxDyn};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One summand.
#[derive(Clone, Debug)]
enum Branch {
    /// transB, alpha, beta, and C, if there is one: of rank 2 or 1.
    Gemm(bool, f32, f32, Option<bool>),
    MatMul,
    Input,
    Constant,
}

#[derive(Clone, Debug)]
struct Recipe {
    /// M, K and N.
    size: [usize; 3],
    element: FloatType,
    /// What is summed, and whether it is subtracted.
    branches: Vec<(Branch, bool)>,
    seed: u64,
}

/// Adds a branch, and returns its value.
fn add(branch: &Branch, name: &str, recipe: &Recipe, builder: &mut Builder, numbers: &mut Numbers) -> String {
    let [_, k, n] = recipe.size;
    let mut constant = |builder: &mut Builder, name: &str, shape: &[usize]| {
        let values = numbers.uniform(shape.iter().product(), -1.0, 1.0, recipe.element);
        builder.constant(name, recipe.element, shape, &values, Storage::Raw);
    };
    let [weight, shift] = ["w", "c"].map(|what| format!("{name}_{what}"));
    match branch {
        Branch::Gemm(transposed, alpha, beta, c) => {
            let shape = if *transposed { [n, k] } else { [k, n] };
            constant(builder, &weight, &shape);
            let mut inputs = vec!["x", &weight];
            if let Some(has_rows) = c {
                constant(builder, &shift, &[1, n][usize::from(!has_rows)..]);
                inputs.push(&shift);
            }
            let factors = [AttributeProto::float("alpha", *alpha), AttributeProto::float("beta", *beta)];
            let attributes = [&factors[..], &[AttributeProto::int("transB", (*transposed).into())]].concat();
            builder.node("Gemm", &inputs, name, attributes);
        }
        Branch::MatMul => {
            constant(builder, &weight, &[k, n]);
            builder.node("MatMul", &["x", &weight], name, Vec::new());
        }
        Branch::Input if k == n => return "x".into(),
        _ => constant(builder, name, &[n]),
    }
    name.into()
}

fn build(recipe: &Recipe) -> (ModelProto, BTreeMap<String, ArrayD<f64>>) {
    let mut builder = Builder::new(17);
    let mut numbers = Numbers(recipe.seed);
    let [m, k, _] = recipe.size;
    builder.input("x", recipe.element, &[m, k]);
    let x = numbers.uniform(m * k, -1.0, 1.0, recipe.element);
    let mut sum = String::new();
    for (index, (branch, subtracted)) in recipe.branches.iter().enumerate() {
        let value = add(branch, &format!("b{index}"), recipe, &mut builder, &mut numbers);
        if index == 0 {
            sum = value;
            continue;
        }
        let operands = if recipe.seed >> index & 1 == 0 { [&sum, &value] } else { [&value, &sum] };
        let next = format!("s{index}");
        builder.node(if *subtracted { "Sub" } else { "Add" }, &operands.map(String::as_str), &next, Vec::new());
        sum = next;
    }
    builder.node("Relu", &[&sum], "y", Vec::new());
    let x = ArrayD::from_shape_vec(IxDyn(&[m, k]), x).expect("as many as the shape says");
    (builder.model("y", recipe.element, 2, 8), BTreeMap::from([("x".to_owned(), x)]))
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let factor = || prop::sample::select(vec![1.0f32, 0.0, 0.25, -1.5]);
    let gemm = (any::<bool>(), factor(), factor(), any::<Option<bool>>());
    let gemm = gemm.prop_map(|(transposed, alpha, beta, c)| Branch::Gemm(transposed, alpha, beta, c));
    let other = prop::sample::select(vec![Branch::MatMul, Branch::MatMul, Branch::Input, Branch::Constant]);
    let product = || prop_oneof![gemm.clone(), Just(Branch::MatMul)];
    let branches = vec((prop_oneof![gemm.clone(), other], prop::bool::weighted(0.3)), 1..=4);
    let branches = (branches, product()).prop_map(|(mut branches, last)| {
        branches.push((last, false));
        branches
    });
    let floats = prop::sample::select(vec![FloatType::F32, FloatType::F16, FloatType::Bf16, FloatType::F64]);
    let size = (1..=3usize, 1..=3usize, 1..=3usize).prop_map(|(m, k, n)| [m, k, n]);
    (size, floats, branches, any::<u64>()).prop_map(|(size, element, branches, seed)| Recipe {
        size,
        element,
        branches,
        seed,
    })
}

/// The products that are left, and the report.
fn products(model: &ModelProto) -> usize {
    let graph = model.graph.as_ref().expect("there is a graph");
    graph.node.iter().filter(|node| matches!(node.standard_op().to_string().as_str(), "Gemm" | "MatMul")).count()
}

fn same(recipe: &Recipe) -> Result<(ModelProto, MergeReport), String> {
    let (model, inputs) = build(recipe);
    let (merged, report) = merge(model.clone());
    compare(&model, &merged, &inputs).map(|()| (merged, report))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn products_become_one_with_one_rounding(recipe in recipes()) {
        let (merged, report) = same(&recipe).map_err(TestCaseError::fail)?;
        prop_assert_eq!(products(&merged), 1, "{:?}", report);
        prop_assert!(merge(merged).1.merges.is_empty());
    }
}
