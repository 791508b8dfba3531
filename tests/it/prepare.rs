//! What `fold` says of what it does before it folds, and `--explain`.

use crate::tool::{repository, run};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

fn flags(name: &str) -> PathBuf {
    repository(&format!("fixtures/flags/{name}.onnxtxt"))
}

fn arguments(words: &[&str], paths: &[&Path]) -> Vec<OsString> {
    words.iter().map(OsString::from).chain(paths.iter().map(OsString::from)).collect()
}

#[test]
fn freezing_is_warned_of_and_compared_with_the_frozen_model() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.onnx");
    let result = run(&arguments(&["fold", "--freeze", "-o"], &[&out, &flags("freeze")]));
    assert_eq!(result.status, Some(0), "{}", result.stderr);
    assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
    assert!(result.stderr.contains("1 BatchNormalization was frozen"), "{}", result.stderr);
    assert!(result.text().contains("frozen, so that they use their stored statistics: y\n"), "{}", result.text());
    assert!(result.text().contains("compared with the frozen model"), "{}", result.text());
    assert!(out.exists());
    let json = run(&arguments(&["fold", "--freeze", "--format", "json"], &[&flags("freeze")])).json();
    assert_eq!((&json["frozen"], &json["verification"]["same"]), (&serde_json::json!(["y"]), &true.into()));
    let without = run(&arguments(&["fold"], &[&flags("freeze")]));
    assert!(without.stderr.is_empty() && !without.text().contains("frozen"), "{}", without.text());
}

#[test]
fn what_is_frozen_and_not_folded_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnxtxt");
    fs::copy(flags("keeps_freeze_after_relu"), &model).unwrap();
    let check = ["fold", "--freeze", "--check"];
    assert_eq!(run(&arguments(&check, &[&model])).status, Some(1));
    let result = run(&arguments(&["fold", "--freeze", "--in-place"], &[&model]));
    assert_eq!(result.status, Some(0), "{}", result.stderr);
    assert!(!fs::read_to_string(&model).unwrap().contains("training_mode"));
    let again = run(&arguments(&check, &[&model]));
    assert_eq!((again.status, again.stderr.as_str()), (Some(0), ""));
}

#[test]
fn what_nothing_was_done_to_is_not_rewritten_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnxtxt");
    for fixture in ["keeps_freeze_mean_is_returned", "keeps_specialize_after_relu"] {
        fs::copy(flags(fixture), &model).unwrap();
        let words = ["fold", "--freeze", "--specialize-functions", "--no-verify", "--in-place"];
        let result = run(&arguments(&words, &[&model]));
        assert_eq!((result.status, result.stderr.as_str()), (Some(0), ""), "{fixture}");
        assert!(fs::read_to_string(&model).unwrap().starts_with("# "), "{fixture}: comments are still there");
    }
}

#[test]
fn explain_says_what_to_do() {
    let model = flags("keeps_specialize_one_of_two_calls");
    for command in ["fold", "inspect"] {
        let words = [command, "--explain"];
        let words = if command == "fold" { [&words[..], &["--no-verify"]].concat() } else { words.to_vec() };
        let text = run(&arguments(&words, &[&model])).text();
        assert_eq!(text.matches("\nin-function\n  why         ").count(), 1, "{text}");
        assert!(text.contains("\n  what to do  Fold with --specialize-functions, "), "{text}");
        let explained = text.lines().skip_while(|line| *line != "in-function");
        assert!(explained.map(|line| line.chars().count()).all(|width| width <= 100), "{text}");
        assert!(!text.contains("says more"), "{text}");
        let json = run(&arguments(&[&words[..], &["--format", "json"]].concat(), &[&model])).json();
        let explanation = &json["norms"][0]["refusal"]["explanation"];
        for field in ["what", "why", "remedy"] {
            assert!(explanation[field].is_string(), "{json:#}");
        }
    }
    let plain = run(&arguments(&["inspect", "--format", "json"], &[&model])).json();
    assert!(plain["norms"][0]["refusal"].get("explanation").is_none());
}

#[test]
fn flags_of_the_fold_are_known() {
    let model = flags("freeze");
    let words = ["fold", "--no-affine", "--pad-exact", "--merge-branches", "--no-verify"];
    assert_eq!(run(&arguments(&words, &[&model])).status, Some(0));
    let help = run(&["fold", "--help"]).text();
    for flag in ["--freeze", "--specialize-functions", "--explain", "--no-affine", "--pad-exact", "--merge-branches"] {
        let (before, examples) = help.split_once("Examples:").unwrap();
        assert!(before.contains(flag) && examples.contains(flag), "{flag}");
    }
}
