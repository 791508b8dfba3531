//! Files of statistics, on the command line.

mod collect;
mod merge;
mod show;

use crate::tool::{Run, run};
use bn_tool::stats::{
    Collection, FileManifest, Header, InputManifest, Manifest, Method, Moments, NormStatistics, RunningStatistics,
    ShardId, file,
};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Part `index` of `of` of a file of data: what two BatchNormalizations saw of two samples.
fn part(index: usize, of: usize) -> Collection {
    let files = vec![FileManifest { path: "x.npy".into(), files: 1, bytes: 640 }];
    let input = InputManifest { name: "x".into(), files, samples: 2 * of, preprocessing: "scale 0.5".into() };
    let header = Header {
        tool: "0.1.0".into(),
        model: "5eed".into(),
        method: Method::FixedPoint,
        pass: 2,
        group: None,
        shards: vec![ShardId { data: 0, index, of }],
        data: vec![Manifest { inputs: vec![input], shuffle: None, samples: 2 * of }],
        samples: 2,
    };
    let first = index as f64;
    let norm = |name: &str, numbers: [f64; 4]| NormStatistics {
        name: name.into(),
        moments: Moments::of_planes(&numbers, 2, 1, 2),
        in_place: Some(RunningStatistics { mean: vec![0.5; 2], variance: vec![0.25; 2] }),
        epsilon: 0.0,
    };
    let norms = vec![norm("stem/bn", [first, 0.0, first, 1.0]), norm("head/bn", [0.0, 1.0, 1.0, 0.0])];
    Collection { header, norms }
}

/// Writes it to a file in a folder.
fn written(folder: &Path, name: &str, collection: &Collection) -> PathBuf {
    let path = folder.join(name);
    file::write(collection, &path).expect("a file of statistics");
    path
}

/// `bn-tool stats …` with these words and paths.
fn stats(words: &[&str], paths: &[&Path]) -> Run {
    let words = ["stats"].iter().chain(words).map(OsString::from);
    run(&words.chain(paths.iter().map(OsString::from)).collect::<Vec<_>>())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
