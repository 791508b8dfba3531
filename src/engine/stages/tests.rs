use super::*;
use crate::onnx::element::FloatType;
use crate::onnx::text::parse;
use crate::stats::{Moments, RunningStatistics};
use std::sync::Arc;

/// A graph of x `[1, 2]` with parameters for two channels; `(x, s, m, m, s)` is what a
/// BatchNormalization reads.
fn session(nodes: &str) -> Session {
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]> g (float[1,2] x) => (y) <
           float[2] s = {{1, 4}}, float[2] m = {{0.5, -1}}, float[2,2] W = {{1, 2, -1, 3}}, float[3,2] K = {{1, 2, 3, 4, 8, 0}},
           float zero = {{0}}, int64[1] one = {{1}}> {{ {nodes} }}"
    );
    let model = parse(text).expect("the text is a model");
    Session::compile(&model, &[vec![1, 2]], None).expect("it compiles")
}

fn norm(tap: usize, from: &str, to: &str) -> String {
    format!("{to} = BatchNormalization <bn_tool_tap = {tap}> ({from}, s, m, m, s)\n")
}

fn x(values: [f64; 2]) -> [Array; 1] {
    [Array::floats(FloatType::F32, vec![1, 2], &values).expect("consistent")]
}

type Seen = Vec<Option<Moments>>;

/// What the taps see when a sample runs in stages.
fn in_stages(session: &Session, input: &[Array], taps: &mut Taps) -> Seen {
    let stages = session.stages().expect("lengths are known");
    let mut worker = session.worker().expect("it starts");
    let mut sample = worker.begin(input).expect("it fits");
    for stage in 0..stages.count() {
        sample = worker.advance(&stages, stage, sample, taps).expect("it runs");
        for tap in stages.taps(stage) {
            worker.measure(&stages, stage, *tap, &sample, taps).expect("it runs");
        }
    }
    std::mem::take(&mut taps.seen)
}

/// What they see when it runs through.
fn at_once(session: &Session, input: &[Array], taps: &Taps) -> Seen {
    let mut taps = Taps { watch: Watch::All, ..taps.clone() };
    session.worker().expect("it starts").run_tapped(input, &mut taps).expect("it runs");
    taps.seen
}

fn means(seen: &Seen) -> Vec<Option<Vec<f64>>> {
    seen.iter().map(|moments| moments.as_ref().map(Moments::means)).collect()
}

#[test]
fn a_sample_waits_with_what_is_read_later_and_nothing_else() {
    // a is read again before the last stop, x and b are not; what follows the last stop is not run.
    let nodes = norm(0, "x", "a")
        + "b = MatMul (a, W) "
        + &norm(1, "b", "c")
        + "r = Relu (c) d = Add (r, a) "
        + &norm(2, "d", "e")
        + "f = MatMul (e, W) y = Add (f, x)";
    let session = session(&nodes);
    let stages = session.stages().expect("lengths are known");
    assert_eq!((0..stages.count()).map(|stage| stages.bytes(stage)).collect::<Vec<_>>(), [8, 16, 8]);
    assert!((0..3).all(|stage| stages.ends_at_norm(stage) && stages.taps(stage) == [stage]));
    let model = session.plan.model();
    let is_run = |name: &str| stages.order.iter().any(|node| model.node(*node).name == name);
    assert!(is_run("d") && !is_run("f") && !is_run("y"));
    let input = x([3.0, -2.0]);
    assert_eq!(in_stages(&session, &input, &mut Taps::default()), at_once(&session, &input, &Taps::default()));
}

/// One worker brings two samples on by turns.
#[test]
fn nothing_of_a_sample_is_left_for_the_next() {
    let nodes = norm(0, "x", "a") + "b = MatMul (a, W) r = Relu (b) d = Add (r, a) " + &norm(1, "d", "y");
    let session = session(&nodes);
    let stages = session.stages().expect("lengths are known");
    let inputs = [x([3.0, -2.0]), x([-7.0, 0.5])];
    let mut worker = session.worker().expect("it starts");
    let mut samples: Vec<Paused> = inputs.iter().map(|input| worker.begin(input).expect("it fits")).collect();
    let mut taps = [Taps::default(), Taps::default()];
    for stage in 0..2 {
        for (sample, taps) in samples.iter_mut().zip(&mut taps) {
            *sample = worker.advance(&stages, stage, std::mem::take(sample), taps).expect("it runs");
            worker.measure(&stages, stage, stage, sample, taps).expect("it runs");
        }
    }
    for (input, taps) in inputs.iter().zip(taps) {
        assert_eq!(taps.seen, at_once(&session, input, &Taps::default()));
    }
}

fn branches() -> String {
    "r = ReduceMax <keepdims = 0> (x) p = Greater (r, zero) z = If (p) <
       then_branch = yes () => (t3) {"
        .to_owned()
        + &norm(0, "x", "t1")
        + "t2 = MatMul (t1, W)\n"
        + &norm(1, "t2", "t3")
        + "}, else_branch = no () => (e1) {"
        + &norm(2, "x", "e1")
        + "} >\n"
        + &norm(3, "z", "y")
}

#[test]
fn branches_are_measured_one_batch_norm_after_the_other() {
    let session = session(&branches());
    let stages = session.stages().expect("lengths are known");
    assert_eq!(stages.count(), 2);
    assert_eq!((stages.taps(0), stages.taps(1)), (&[0, 1, 2][..], &[3][..]));
    assert!(!stages.ends_at_norm(0) && stages.ends_at_norm(1));
    for (input, reached) in [(x([3.0, -2.0]), [true, true, false, true]), (x([-3.0, -2.0]), [false, false, true, true])]
    {
        let seen = in_stages(&session, &input, &mut Taps::default());
        assert_eq!(seen, at_once(&session, &input, &Taps::default()));
        assert_eq!(seen.iter().map(Option::is_some).collect::<Vec<_>>(), reached);
    }
}

#[test]
fn what_normalises_by_other_statistics_does_so_in_branches_too() {
    let session = session(&branches());
    let other = RunningStatistics { mean: vec![1.0, 1.0], variance: vec![1.0, 1.0] };
    let taps = Taps { overrides: Arc::new(vec![Some(Arc::new(other)), None, None, None]), ..Taps::default() };
    let input = x([3.0, -2.0]);
    let seen = in_stages(&session, &input, &mut taps.clone());
    assert_eq!(seen, at_once(&session, &input, &taps));
    assert_ne!(means(&seen)[1], means(&in_stages(&session, &input, &mut Taps::default()))[1]);
}

#[test]
fn what_reads_a_constant_is_measured_on_it() {
    let nodes = norm(0, "K", "a") + "r = ReduceSum (a) b = Add (x, r) " + &norm(1, "b", "y");
    let session = session(&nodes);
    let input = x([1.0, 2.0]);
    let seen = in_stages(&session, &input, &mut Taps::default());
    assert_eq!(means(&seen)[0], Some(vec![4.0, 2.0]));
    assert_eq!(seen, at_once(&session, &input, &Taps::default()));
}

#[test]
fn lengths_that_depend_on_data_and_bodies_that_repeat_have_no_stages() {
    let lengths = norm(0, "x", "a") + "i = NonZero (a) c = Cast <to = 1> (i) " + &norm(1, "c", "y");
    assert!(session(&lengths).stages().is_none());
    // The body gets rows of x, [1, 2] each.
    let scan = "w = Unsqueeze (x, one) z = Scan <num_scan_inputs = 1, scan_input_axes = [1],
         body = step (float[1,2] r) => (float[1,2] o) { "
        .to_owned()
        + &norm(0, "r", "o")
        + "}> (w) y = Identity (z)";
    assert!(session(&scan).stages().is_none());
    assert_eq!(means(&at_once(&session(&scan), &x([3.0, 4.0]), &Taps::default())), [Some(vec![3.0, 4.0])]);
}

#[test]
fn a_model_without_numbered_nodes_has_no_stage() {
    let stages = session("y = BatchNormalization (x, s, m, m, s)").stages().expect("lengths are known");
    assert_eq!((stages.count(), stages.order.len()), (0, 0));
}
