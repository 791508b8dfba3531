//! What holds of random networks, data, groups and threads.

use super::data::Data;
use super::{folder, nets, oracle, recalibrated};
use bn_tool::onnx::save;
use bn_tool::onnx::schema::ModelProto;
use proptest::prelude::*;
use proptest::test_runner::{TestRng, TestRunner};

/// So many roundings of float32 are what a network of some depth makes, in deviations.
const ROUNDINGS: f64 = 2000.0 / (1u64 << 24) as f64;

/// What is drawn: a network, samples for it, and how they are run.
#[derive(Clone, Copy, Debug)]
struct Case {
    seed: u64,
    steps: usize,
    samples: usize,
    group: usize,
    threads: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let numbers = (any::<u64>(), 0..8usize, 2..24usize, 1..30usize, 1..4usize);
    numbers.prop_map(|(seed, steps, samples, group, threads)| Case { seed, steps, samples, group, threads })
}

/// Always the same cases.
fn run(count: u32, each: impl Fn(Case, &ModelProto, &Data) -> Result<(), String>) {
    let config =
        ProptestConfig { failure_persistence: None, max_shrink_iters: 40, ..ProptestConfig::with_cases(count) };
    let random = TestRng::deterministic_rng(config.rng_algorithm);
    let result = TestRunner::new_with_rng(config, random).run(&cases(), |case| {
        let net = nets::random(case.seed, case.steps, 3, 4);
        let data = Data::random(&net, case.samples, case.seed ^ 1);
        each(case, &net, &data).map_err(TestCaseError::fail)
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

fn result(net: &ModelProto, data: &Data, flags: &[&str]) -> Result<super::Recalibrated, String> {
    let folder = folder();
    let path = folder.path().join("net.onnx");
    save(net, &path).map_err(|error| error.to_string())?;
    recalibrated(&path, data, flags)
}

#[test]
fn exact_statistics_are_those_of_what_comes_in() {
    run(16, |case, net, data| {
        let threads = case.threads.to_string();
        let found = result(net, data, &["--threads", &threads])?;
        let kept = &found.report["kept"];
        if kept != 0 {
            return Err(format!("{kept} stay: {}", found.report));
        }
        for (name, norm) in oracle::norms(&found.model, data)? {
            if norm.off(false) > ROUNDINGS {
                return Err(format!("`{name}` is off by {}", norm.off(false)));
            }
        }
        let residual = found.report["residual"].as_f64();
        if residual.is_some_and(|residual| residual <= 1e-6) { Ok(()) } else { Err(format!("residual {residual:?}")) }
    });
}

#[test]
fn the_order_of_samples_changes_no_more_than_a_rounding() {
    run(8, |case, net, data| {
        let other = data.permuted(|index| (index * 5 + case.group) % case.samples);
        // 5 and the number of samples must have no common factor, or it is no permutation.
        if case.samples % 5 == 0 {
            return Ok(());
        }
        near(&result(net, data, &[])?.model, &result(net, &other, &[])?.model, data, ROUNDINGS)
    });
}

#[test]
fn one_batch_of_all_samples_is_the_exact_method() {
    run(8, |case, net, data| {
        let size = (case.samples + case.group).to_string();
        let batch = result(net, data, &["--method", "batch", "--batch-size", &size])?;
        near(&result(net, data, &[])?.model, &batch.model, data, ROUNDINGS)
    });
}

#[test]
fn the_fixed_point_is_as_near_as_it_says() {
    run(8, |case, net, data| {
        let group = case.group.to_string();
        let found = result(net, data, &["--method", "fixed-point", "--batch-size", &group, "--max-passes", "30"])?;
        let residual = found.report["residual"].as_f64().ok_or("no residual")?;
        if found.report["kept"] != 0 || residual > 1e-3 {
            return Err(format!("it does not converge: {}", found.report));
        }
        near(&result(net, data, &[])?.model, &found.model, data, 1e-2)
    });
}

/// The statistics of two models differ by no more than so many deviations.
fn near(a: &ModelProto, b: &ModelProto, data: &Data, allowed: f64) -> Result<(), String> {
    let off = oracle::distance(&oracle::norms(a, data)?, &oracle::norms(b, data)?);
    if off <= allowed { Ok(()) } else { Err(format!("statistics are off by {off}")) }
}
