//! `stats collect`: passes over parts of the data give what one process gives.

use super::{folder, stats};
use crate::tool::{digits, repository, run};
use bn_tool::onnx::load;
use bn_tool::stats::{Collection, file};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

fn data() -> PathBuf {
    repository("fixtures/digits/x.npy")
}

/// `stats collect` on the digits with these flags; what it wrote.
fn collect(out: &Path, flags: &[&str]) -> Result<Collection, String> {
    let mut words: Vec<OsString> = ["stats", "collect", "-q", "--batch-size", "16", "-o"].map(OsString::from).into();
    words.extend([out.into(), digits().into(), "--data".into(), data().into()]);
    words.extend(flags.iter().map(OsString::from));
    let run = run(&words);
    if run.status == Some(0) { Ok(file::read(out).expect("a file of statistics")) } else { Err(run.stderr) }
}

/// Merges these files into one beside them.
fn merged(folder: &Path, name: &str, parts: &[PathBuf]) -> PathBuf {
    let out = folder.join(name);
    let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    let result = stats(&["merge", "-q", "-o", out.to_str().expect("UTF-8")], &parts);
    assert_eq!(result.status, Some(0), "{}", result.stderr);
    out
}

fn assert_same(a: &Collection, b: &Collection) {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-3);
    assert_eq!(a.norms.len(), b.norms.len());
    for (a, b) in a.norms.iter().zip(&b.norms) {
        for (x, y) in a.moments.channels.iter().zip(&b.moments.channels) {
            assert!(x.count == y.count && near(x.mean, y.mean) && near(x.m2, y.m2), "{}: {x:?} {y:?}", a.name);
        }
        assert_eq!(a.in_place, b.in_place, "{}", a.name);
    }
}

#[test]
fn parts_give_what_the_whole_gives_in_every_pass() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let mut previous: Option<[PathBuf; 2]> = None;
    for pass in ["1", "2", "3"] {
        let stats = |which: usize| {
            let files = previous.as_ref().map(|files| files[which].to_str().expect("UTF-8"));
            files.map_or(vec!["--pass", pass], |file| vec!["--pass", pass, "--stats", file])
        };
        let whole = collect(&path("whole"), &stats(0)).expect("it is measured");
        let parts: Vec<PathBuf> = ["1/3", "2/3", "3/3"]
            .map(|shard| {
                let out = path(&format!("{pass}-{}", &shard[..1]));
                collect(&out, &[&stats(1)[..], &["--shard", shard, "--threads", "1"]].concat())
                    .expect("it is measured");
                out
            })
            .into();
        let together = merged(folder.path(), &format!("pass{pass}"), &parts);
        assert_same(&file::read(&together).expect("a file of statistics"), &whole);
        let kept = path(&format!("whole{pass}"));
        std::fs::rename(path("whole"), &kept).expect("it is there");
        previous = Some([kept, together]);
    }
}

#[test]
fn the_example_script_gives_the_model_of_one_process() {
    let folder = folder();
    let (by_script, by_one) = (folder.path().join("script.onnx"), folder.path().join("one.onnx"));
    let script = Command::new(repository("examples/shards.sh"))
        .args([digits().as_os_str(), by_script.as_os_str(), "3".as_ref(), "--data".as_ref(), data().as_os_str()])
        .args(["--batch-size", "16"])
        .env("BN_TOOL", env!("CARGO_BIN_EXE_bn-tool"))
        .output()
        .expect("bash is there");
    assert!(script.status.success(), "{}", String::from_utf8_lossy(&script.stderr));
    let flags = ["recalibrate", "-q", "--method", "fixed-point", "--batch-size", "16", "-o"].map(OsString::from);
    let paths = [by_one.clone().into(), digits().into(), "--data".into(), data().into()];
    let one = run(&flags.into_iter().chain(paths).collect::<Vec<_>>());
    assert_eq!(one.status, Some(0), "{}", one.stderr);
    assert_eq!(load(&by_script).expect("it loads"), load(&by_one).expect("it loads"));
}

#[test]
fn passes_that_do_not_follow_are_refused() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let refused = |flags: &[&str]| collect(&path("out"), flags).expect_err("refused");
    collect(&path("first"), &[]).expect("it is measured");
    let first = path("first");
    let first = first.to_str().expect("UTF-8");
    assert!(refused(&["--pass", "2"]).contains("pass 2 needs --stats: the merged statistics of pass 1"));
    assert!(refused(&["--pass", "3", "--stats", first]).contains("the next is pass 2, not 3"));
    assert!(refused(&["--shard", "4/3"]).contains("expected I/N"));
    let other = repository("fixtures/recalibrate/gemm.onnxtxt");
    let words = ["recalibrate", "-q", "--stats", first].map(OsString::from);
    let run = run(&words.into_iter().chain([other.into()]).collect::<Vec<_>>());
    assert!(run.status == Some(2) && run.stderr.contains("statistics are of another model"), "{}", run.stderr);
    assert!(!path("out").exists());
}
