//! The trained network on real data: folding changes no prediction.

use crate::tool::{digits, repository, run};
use bn_tool::engine::{Array, Session};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::load;
use std::path::Path;

const SAMPLES: usize = 100;

#[test]
fn the_folded_network_recognises_the_same_digits() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("folded.onnx");
    let fold = run(&["fold".as_ref(), "-o".as_ref(), out.as_os_str(), digits().as_os_str()]);
    assert_eq!(fold.status, Some(0), "{}", fold.stderr);
    let labels = labels();
    let (before, after) = (predictions(&digits()), predictions(&out));
    assert_eq!(before, after);
    let right = before.iter().zip(&labels).filter(|(predicted, label)| predicted == label).count();
    assert!(right >= 99, "{right} of {SAMPLES} are right");
}

/// The class of the highest score, for each sample.
fn predictions(path: &Path) -> Vec<usize> {
    let model = load(path).expect("it loads");
    let session = Session::compile(&model, &[vec![SAMPLES, 1, 8, 8]], None).expect("it compiles");
    let images =
        FloatType::F32.decode(npy_data(&std::fs::read(repository("fixtures/digits/x.npy")).expect("it is there")));
    let input = Array::floats(FloatType::F32, vec![SAMPLES, 1, 8, 8], &images).expect("as many as the shape says");
    let output = session.worker().expect("it starts").run(&[input]).expect("it runs").remove(0);
    let scores = output.values();
    let best = |row: &[f64]| (0..10).max_by(|a, b| row[*a].total_cmp(&row[*b])).expect("ten classes");
    scores.chunks(10).map(best).collect()
}

fn labels() -> Vec<usize> {
    let bytes = std::fs::read(repository("fixtures/digits/y.npy")).expect("it is there");
    npy_data(&bytes).as_chunks().0.iter().map(|label| i64::from_le_bytes(*label) as usize).collect()
}

/// The elements of an .npy file of version 1: after a header whose length is in bytes 8 and 9.
fn npy_data(bytes: &[u8]) -> &[u8] {
    &bytes[10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))..]
}
