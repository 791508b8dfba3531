//! `bn-tool stats merge`

use super::{folder, part, stats, written};
use bn_tool::stats::{Collection, file};
use std::fs;
use std::path::{Path, PathBuf};

/// The three parts of the data, as files.
fn parts(folder: &Path) -> Vec<PathBuf> {
    (0..3).map(|index| written(folder, &format!("part{index}.safetensors"), &part(index, 3))).collect()
}

#[test]
fn parts_are_merged_to_the_same_bytes_in_any_order() {
    let folder = folder();
    let (parts, out) = (parts(folder.path()), folder.path().join("merged.safetensors"));
    let mut bytes = Vec::new();
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let paths = order.map(|index| parts[index].as_path());
        let merged = stats(&["merge", "-o"], &[&[out.as_path()], &paths[..]].concat());
        assert_eq!((merged.status, merged.stderr.as_str()), (Some(0), ""));
        bytes.push(fs::read(&out).unwrap());
        let text = format!(
            "merged 3 parts: 6 samples, 2 BatchNormalization\nmodel 5eed · fixed-point, pass 2\n\
             data x from x.npy (scale 0.5) · all 3 shards\nresidual 0.6124 at stem/bn\nwrote {}\n",
            out.display()
        );
        assert_eq!(merged.text(), text);
    }
    assert!(bytes.windows(2).all(|pair| pair[0] == pair[1]));
    let all = (0..3).map(|index| part(index, 3)).collect();
    assert_eq!(file::read(&out).unwrap(), Collection::merge(all).unwrap());
}

#[test]
fn the_tolerance_decides_the_exit_status_and_the_file_is_written() {
    let folder = folder();
    let (parts, out) = (parts(folder.path()), folder.path().join("merged.safetensors"));
    let merge = |tolerance: &str, parts: &[PathBuf]| {
        let _ = fs::remove_file(&out);
        let paths: Vec<&Path> = [&out].into_iter().chain(parts).map(PathBuf::as_path).collect();
        let merged = stats(&["merge", "--format", "json", "--tolerance", tolerance, "-o"], &paths);
        assert!(out.exists(), "{}", merged.stderr);
        let report = merged.json();
        (merged.status, report["converged"].as_bool(), report["residual"].as_f64(), report["complete"].as_bool())
    };
    let residual = 0.375f64.sqrt();
    let close = |found: Option<f64>| found.is_some_and(|found| (found - residual).abs() < 1e-12);
    let (status, converged, found, complete) = merge("1", &parts);
    assert_eq!((status, converged, complete), (Some(0), Some(true), Some(true)));
    assert!(close(found), "{found:?}");
    let (status, converged, ..) = merge("0.1", &parts);
    assert_eq!((status, converged), (Some(1), Some(false)));
    // A first pass in groups has none.
    let mut first = part(0, 1);
    first.norms.iter_mut().for_each(|norm| norm.in_place = None);
    let first = written(folder.path(), "first.safetensors", &first);
    assert_eq!(merge("1e9", &[first]), (Some(1), Some(false), None, Some(true)));
}

#[test]
fn missing_shards_are_named_and_quiet_is_quiet() {
    let folder = folder();
    let (parts, out) = (parts(folder.path()), folder.path().join("merged.safetensors"));
    let paths = [out.as_path(), &parts[0], &parts[2]];
    let merged = stats(&["merge", "-o"], &paths);
    assert_eq!(merged.status, Some(0));
    assert!(merged.text().contains("· incomplete: 2 of 3 shards, without 2/3\n"), "{}", merged.text());
    let quiet = stats(&["merge", "-q", "-o"], &paths);
    assert_eq!((quiet.status, quiet.text(), quiet.stderr), (Some(0), String::new(), String::new()));
    let report = stats(&["merge", "--format", "json", "-o"], &paths).json();
    assert_eq!((&report["schema"], &report["complete"], &report["parts"]), (&1.into(), &false.into(), &2.into()));
    assert_eq!(report["data"][0]["missing"], serde_json::json!([2]));
}

/// Merging the first part with one that was changed: the error, in which the files are called A and B.
fn refused(change: impl FnOnce(&mut Collection)) -> String {
    let folder = folder();
    let mut other = part(1, 3);
    change(&mut other);
    let a = written(folder.path(), "a.safetensors", &part(0, 3));
    let b = written(folder.path(), "b.safetensors", &other);
    let out = folder.path().join("merged.safetensors");
    let merged = stats(&["merge", "-o"], &[&out, &a, &b]);
    assert_eq!((merged.status, merged.text().as_str(), out.exists()), (Some(2), "", false));
    assert_eq!(merged.stderr.lines().count(), 1, "{}", merged.stderr);
    merged.stderr.replace(a.to_str().unwrap(), "A").replace(b.to_str().unwrap(), "B")
}

#[test]
fn what_does_not_belong_together_is_refused_with_both_names_and_a_remedy() {
    assert_eq!(
        refused(|part| part.header.shards[0].index = 0),
        "error: `A` and `B` both hold shard 1/3 of the same data: leave one of them out\n"
    );
    assert_eq!(
        refused(|part| part.header.shards[0].of = 4),
        "error: `A` and `B` cut the same data into 3 and 4 shards, which overlap: collect both with one number of \
         shards\n"
    );
    assert_eq!(
        refused(|part| part.header.pass = 1),
        "error: `A` and `B` are of pass 2 and pass 1: merge the parts of one pass\n"
    );
    assert_eq!(
        refused(|part| part.header.group = Some(8)),
        "error: `A` and `B` were normalised in groups of no and 8 samples: collect both with groups of one size\n"
    );
    assert_eq!(
        refused(|part| part.norms[1].in_place.as_mut().unwrap().mean[0] = 0.75),
        "error: `A` and `B` were measured with different statistics of `head/bn` in place: give both the same merged \
         pass before\n"
    );
    assert!(refused(|part| part.header.model = "other".into()).contains("`A` and `B` are of different models"));
    assert!(refused(|part| part.norms.truncate(1)).contains("`head/bn` is in one only"));
    assert!(refused(|part| part.header.data[0].inputs[0].preprocessing.clear()).contains("\"scale 0.5\" and \"\""));
}

#[test]
fn files_that_are_none_are_named() {
    let folder = folder();
    let out = folder.path().join("merged.safetensors");
    let text = folder.path().join("text");
    fs::write(&text, "not a file of statistics").unwrap();
    let merged = stats(&["merge", "-o"], &[&out, &text]);
    let error = format!(
        "error: cannot read statistics from `{}`: it is no file of statistics; `bn-tool stats collect` makes them\n",
        text.display()
    );
    assert_eq!((merged.status, merged.stderr), (Some(2), error));
    assert!(!out.exists());
    let to_stdout = stats(&["merge", "-o", "-"], &[&written(folder.path(), "a", &part(0, 1))]);
    assert_eq!(to_stdout.status, Some(2));
    assert_eq!(stats(&["merge", "-o"], &[&out]).status, Some(2));
    let nowhere = stats(&["merge", "-o", "/no/folder/x"], &[&written(folder.path(), "a", &part(0, 1))]);
    assert!(nowhere.stderr.starts_with("error: cannot write `/no/folder/x`: "), "{}", nowhere.stderr);
}
