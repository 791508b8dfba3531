//! The methods, against each other, against an evaluation of their definition, and against closed forms.

use super::data::Data;
use super::{Recalibrated, folder, nets, oracle, recalibrated, write};
use crate::reference;
use bn_tool::onnx::schema::{AttributeProto, ModelProto};
use bn_tool::onnx::{load, save};
use ndarray::{ArrayD, IxDyn};
use oracle::{Norm, apart, moments};
use std::collections::BTreeMap;

const EPSILON: f64 = 1e-5f32 as f64;

/// Recalibrates a random network.
fn of_net(net: &ModelProto, data: &Data, flags: &[&str]) -> Recalibrated {
    let folder = folder();
    let path = folder.path().join("net.onnx");
    save(net, &path).expect("it can be written");
    recalibrated(&path, data, flags).unwrap_or_else(|error| panic!("{error}"))
}

/// Deep networks grow errors by more than one rounding each, but not by thousands of them; a bound that
/// takes nothing to cancel (`oracle`) would be of no use here.
const ROUNDINGS: f64 = 2000.0 / (1u64 << 24) as f64;

/// How far the statistics of two models are apart, in deviations of the second.
fn distance(a: &ModelProto, b: &ModelProto, data: &Data) -> f64 {
    oracle::distance(&oracle::norms(a, data).expect("it runs"), &oracle::norms(b, data).expect("it runs"))
}

#[test]
fn fixed_point_agrees_with_exact() {
    for seed in 1..=3 {
        let net = nets::random(seed, 6, 3, 4);
        let data = Data::random(&net, 24, seed);
        let exact = of_net(&net, &data, &[]);
        let usual = of_net(&net, &data, &["--method", "fixed-point", "--batch-size", "8"]);
        let close = of_net(&net, &data, &["--method", "fixed-point", "--batch-size", "8", "--tolerance", "1e-6"]);
        assert!(usual.report["residual"].as_f64().expect("a number") <= 1e-3, "{}", usual.report);
        assert!(usual.report["passes"].as_u64().expect("a number") <= 6, "{}", usual.report);
        let (usual, close) = (distance(&usual.model, &exact.model, &data), distance(&close.model, &exact.model, &data));
        assert!(usual <= 1e-3 && close <= 1e-5, "seed {seed}: {usual} {close}");
    }
}

/// Where a group is all there is, the first pass is the exact method.
#[test]
fn fixed_point_with_all_data_in_a_group_is_exact_at_once() {
    let net = nets::random(4, 6, 3, 4);
    let data = Data::random(&net, 10, 4);
    let found = of_net(&net, &data, &["--method", "fixed-point", "--tolerance", "1e-6"]);
    assert_eq!(found.report["passes"], 2);
    assert!(distance(&found.model, &of_net(&net, &data, &[]).model, &data) <= 1e-6);
}

/// 4 channels of 16 × 16 numbers are large enough to be put on disk.
#[test]
fn what_waits_on_disk_is_what_was_put_there() {
    let net = nets::random(5, 5, 4, 16);
    let data = Data::random(&net, 12, 5);
    let (in_memory, on_disk) = (of_net(&net, &data, &[]), of_net(&net, &data, &["--memory", "1"]));
    assert_eq!((&in_memory.report["spilled_bytes"], &on_disk.report["method"]), (&0.into(), &"exact".into()));
    let spilled = on_disk.report["spilled_bytes"].as_u64().expect("a number");
    assert!(spilled >= 12 * 4 * 4096 && spilled % 4096 == 0, "{spilled}");
    assert!(in_memory.bytes == on_disk.bytes);
    let most = of_net(&net, &data, &["--memory", "40K"]);
    assert!((1..spilled).contains(&most.report["spilled_bytes"].as_u64().expect("a number")));
    assert!(in_memory.bytes == most.bytes);
    for method in [["--method", "batch"], ["--method", "fixed-point"]] {
        let of = |memory: &[&str]| of_net(&net, &data, &[&method[..], &["--batch-size", "5"], memory].concat());
        let (in_memory, on_disk) = (of(&[]), of(&["--memory", "1"]));
        assert!(on_disk.report["spilled_bytes"].as_u64() > Some(0), "{}", on_disk.report);
        assert!(in_memory.bytes == on_disk.bytes, "{method:?}");
    }
}

#[test]
fn the_threads_do_not_change_a_byte() {
    let net = nets::random(6, 6, 3, 4);
    let data = Data::random(&net, 23, 6);
    for method in [
        &["--method", "exact"][..],
        &["--method", "exact", "--memory", "1"],
        &["--method", "fixed-point", "--batch-size", "5"],
        &["--method", "batch", "--batch-size", "5"],
        &["--method", "batch", "--batch-size", "5", "--average", "ema"],
    ] {
        let with = |threads: &str| of_net(&net, &data, &[method, &["--threads", threads]].concat()).bytes;
        let one = with("1");
        assert!(one == with("2") && one == with("3"), "{method:?}");
    }
}

/// The net, each BatchNormalization of which normalises by what comes in.
fn training(net: &ModelProto) -> ModelProto {
    let mut net = net.clone();
    for node in &mut net.graph.as_mut().expect("a graph").node {
        if node.standard_op() == "BatchNormalization" {
            node.attribute.push(AttributeProto::int("training_mode", 1));
        }
    }
    net
}

/// Mean and variance, `[C]` both, of what comes into each BatchNormalization of one batch.
fn of_batch(net: &ModelProto, data: &Data, range: std::ops::Range<usize>, unbiased: bool) -> Averages {
    let seen = reference::norm_inputs(&training(net), &data.batch(range), None).expect("it runs");
    let of = |(name, visits): (String, Vec<Vec<reference::Value>>)| {
        let x = &visits[0][0].data;
        let of_channel = |channel| {
            let values: Vec<f64> = x.index_axis(ndarray::Axis(1), channel).iter().copied().collect();
            let (mean, variance) = moments(&values);
            let count = values.len() as f64;
            (mean, if unbiased { variance * count / (count - 1.0) } else { variance })
        };
        (name, (0..x.shape()[1]).map(of_channel).unzip())
    };
    seen.into_iter().map(of).collect()
}

type Averages = BTreeMap<String, (Vec<f64>, Vec<f64>)>;

/// Averages over batches, with the weight of each new one by its number from 1.
fn averaged(batches: &[Averages], weight: impl Fn(usize) -> f64) -> Averages {
    let mut average = batches[0].clone();
    for (index, batch) in batches.iter().enumerate().skip(1) {
        let weight = weight(index + 1);
        for (name, (mean, variance)) in &mut average {
            let mix = |old: &mut Vec<f64>, new: &[f64]| {
                old.iter_mut().zip(new).for_each(|(old, new)| *old = (1.0 - weight) * *old + weight * new);
            };
            mix(mean, &batch[name].0);
            mix(variance, &batch[name].1);
        }
    }
    average
}

/// 26 samples in batches of 8: the last one has 2.
#[test]
fn batches_are_averaged_as_defined() {
    let net = nets::random(7, 6, 3, 4);
    let data = Data::random(&net, 26, 7);
    let ranges = [0..8, 8..16, 16..24, 24..26];
    for (flags, unbiased) in [(&["--variance", "unbiased"][..], true), (&[], false)] {
        let batches: Vec<Averages> =
            ranges.iter().map(|range| of_batch(&net, &data, range.clone(), unbiased)).collect();
        let method = ["--method", "batch", "--batch-size", "8"];
        let ema = ["--average", "ema", "--momentum", "0.7"];
        let cumulative = of_net(&net, &data, &[&method[..], flags].concat());
        assert_near(&cumulative.model, &data, &averaged(&batches, |number| 1.0 / number as f64));
        let exponential = of_net(&net, &data, &[&method[..], &ema, flags].concat());
        assert_near(&exponential.model, &data, &averaged(&batches, |_| 1.0 - 0.7));
        assert_eq!(exponential.report["method"], "batch, exponential average");
    }
}

/// What a model stores is this.
fn assert_near(model: &ModelProto, data: &Data, expected: &Averages) {
    let norms = oracle::norms(model, data).expect("it runs");
    assert_eq!(norms.len(), expected.len());
    for (name, Norm { mean, variance, .. }) in &norms {
        let off = apart((mean, variance), (&expected[name].0, &expected[name].1));
        assert!(off <= ROUNDINGS, "{name}: {off}");
    }
}

#[test]
fn the_unbiased_variance_is_that_of_the_network_that_uses_it() {
    let net = nets::random(8, 6, 3, 4);
    let data = Data::random(&net, 5, 8);
    let found = of_net(&net, &data, &["--variance", "unbiased"]);
    assert_eq!(found.report["variance"], "unbiased");
    let norms = oracle::norms(&found.model, &data).expect("it runs");
    for (name, norm) in &norms {
        assert!(norm.off(true) <= ROUNDINGS, "{name}: {}", norm.off(true));
        // Of five samples, that is another one; of images, there are 80 numbers.
        assert!(norm.off(false) > 0.005, "{name}: {}", norm.off(false));
    }
}

/// All corners of {−1, 1}³, in which x has the mean 0 and the covariance I: x·A + c has the mean c and the
/// variances diag(AᵀA), and what is behind it, being linear, the same with a product of matrices. What
/// comes into the first one is exact in float32, however far the mean is off.
#[test]
fn a_linear_chain_on_a_factorial_design_has_its_statistics_in_closed_form() {
    for mean in [0.0, 20_000.0] {
        let text = format!(
            "<ir_version: 8, opset_import: [\"\" : 17]> chain (float[N,3] x) => (float[N,2] y) <
              float[3,3] A = {{1.5, -0.25, 0.5, 0.75, 1, -2, -1, 0.125, 0.25}}, float[3] c = {{{mean}, 1, {mean}}},
              float[3] s = {{1.25, -0.5, 2}}, float[3] b = {{0.5, 3, -1}}, float[3] m = {{7, 7, 7}}, float[3] v = {{9, 9, 9}},
              float[3,2] B = {{0.5, -1, 0.75, 0.25, 1, 2}},
              float[2] t = {{1, -3}}, float[2] e = {{0.5, 0}}, float[2] n = {{1, 1}}, float[2] u = {{4, 4}}>
            {{ k = Gemm (x, A, c) first = BatchNormalization (k, s, b, m, v)
               l = MatMul (first, B) y = BatchNormalization (l, t, e, n, u) }}"
        );
        let folder = folder();
        let path = write(&folder, "chain.onnxtxt", &text);
        let sign = |index: usize, bit: usize| if index >> bit & 1 == 0 { -1.0 } else { 1.0 };
        let sample = |index| ArrayD::from_shape_fn(IxDyn(&[1, 3]), |at| sign(index, at[1]));
        let data = Data::floats("x", (0..8).map(sample).collect());
        let found = recalibrated(&path, &data, &[]).unwrap_or_else(|error| panic!("{error}"));
        let norms = oracle::norms(&found.model, &data).expect("it runs");

        let a = [[1.5, -0.25, 0.5], [0.75, 1.0, -2.0], [-1.0, 0.125, 0.25]];
        let variance: Vec<f64> = (0..3).map(|j| (0..3).map(|i| a[i][j] * a[i][j]).sum()).collect();
        let first = &norms["first"];
        for (found, expected) in first.mean.iter().zip([mean, 1.0, mean]) {
            // Sums of f64 are off by less than a rounding of float32.
            assert!((found - expected).abs() <= 1e-16, "{found} {expected}");
        }
        assert_eq!(first.variance, variance);

        let (gamma, beta) = ([1.25, -0.5, 2.0], [0.5, 3.0, -1.0]);
        let b = [[0.5, -1.0], [0.75, 0.25], [1.0, 2.0]];
        let second = &norms["y"];
        for (k, (found_mean, found_variance)) in second.mean.iter().zip(&second.variance).enumerate() {
            let through =
                |i: usize| (0..3).map(|j| a[i][j] * gamma[j] / (variance[j] + EPSILON).sqrt() * b[j][k]).sum();
            let spread: f64 = (0..3).map(|i| f64::powi(through(i), 2)).sum();
            let center: f64 = (0..3).map(|j| beta[j] * b[j][k]).sum();
            // s·k + t of BatchNormalization rounds numbers of the size of s·mean.
            let allowed = (mean * 2.0 + 10.0) * f64::powi(2.0, -24) * 8.0;
            assert!((found_mean - center).abs() <= allowed, "{found_mean} {center}");
            assert!((found_variance.sqrt() - spread.sqrt()).abs() <= allowed, "{found_variance} {spread}");
        }
    }
}

/// The residual of a result that is off is what the evaluator finds on all samples.
#[test]
fn the_residual_measures_how_far_off_the_result_is() {
    let net = nets::random(9, 6, 3, 4);
    let data = Data::random(&net, 20, 9);
    let batch = of_net(&net, &data, &["--method", "batch", "--batch-size", "4", "--check-residual", "full"]);
    let norms = oracle::norms(&batch.model, &data).expect("it runs");
    let expected = norms.values().map(|norm| norm.off(false)).fold(0.0, f64::max);
    let found = batch.report["residual"].as_f64().expect("a number");
    assert!(expected > 1e-2, "the method is exact: {expected}");
    assert!((found - expected).abs() <= 1e-5 * (1.0 + expected), "{found} is not {expected}");
    assert_eq!(batch.report["residual_of_all"], true);
    for flags in [&[][..], &["--check-residual", "full"]] {
        let exact = of_net(&net, &data, flags);
        assert!(exact.report["residual"].as_f64().expect("a number") <= 1e-6, "{}", exact.report);
        assert_eq!(exact.report["residual_of_all"], !flags.is_empty());
    }
}

/// A Scan holds one: there are no stages in it, so that the fixed-point method is used and says why.
#[test]
fn what_cannot_be_run_in_stages_is_measured_pass_by_pass() {
    let path = crate::tool::repository("fixtures/recalibrate/scan_body.onnxtxt");
    let data = Data::random(&load(&path).expect("it loads"), 24, 1);
    let found = recalibrated(&path, &data, &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.report["method"], "fixed-point");
    assert!(found.report["instead"].as_str().expect("a reason").contains("Scan"), "{}", found.report);
    let error = recalibrated(&path, &data, &["--method", "batch"]).err().expect("there are no batches");
    assert!(error.contains("only --method fixed-point"), "{error}");
}

/// The bounds of the fixtures are narrow enough: what averages over batches give is told from the truth.
#[test]
fn what_is_not_exact_does_not_pass_for_it() {
    for name in ["stacked", "residual", "two_outputs", "read_much_later", "if_stacked", "half"] {
        let path = crate::tool::repository(&format!("fixtures/recalibrate/{name}.onnxtxt"));
        let data = Data::random(&load(&path).expect("it loads"), 24, 7);
        let found = recalibrated(&path, &data, &["--method", "batch", "--batch-size", "6"]).expect("it is written");
        let norms = oracle::norms(&found.model, &data).expect("it runs");
        let roundings = oracle::roundings(&found.model);
        let wrong = norms.values().filter(|norm| norm.check(roundings, false).is_err()).count();
        assert!(wrong >= norms.len() - 1, "{name}: only {wrong} are told from the truth");
    }
}
