//! What tract cannot run: `fixtures/engines`, each with the operators that it lacks (`# lacks:`).

use crate::tool::{repository, run};
use std::fs;
use std::path::{Path, PathBuf};

/// A model that tract cannot run.
pub struct Lacking {
    /// The file.
    pub path: PathBuf,
    /// The operators that tract lacks, in graph order.
    pub operators: Vec<String>,
    /// The same model with another weight.
    pub wrong: String,
}

/// All of them.
pub fn lacking() -> Vec<Lacking> {
    let mut paths: Vec<PathBuf> = fs::read_dir(repository("fixtures/engines"))
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Lacking {
    let text = fs::read_to_string(&path).expect("it is there");
    let comment = |what: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("# {what}: ")));
        line.unwrap_or_else(|| panic!("{}: no `# {what}:`", path.display())).to_owned()
    };
    let (before, after) =
        comment("wrong").split_once(" => ").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a pair");
    let start = text.find("<ir_version").expect("a model");
    assert!(text[start..].contains(&before), "{}: no `{before}`", path.display());
    let wrong = text[..start].to_owned() + &text[start..].replace(&before, &after);
    let operators = comment("lacks").split(", ").map(str::to_owned).collect();
    Lacking { path, operators, wrong }
}

fn fold(path: &Path) -> crate::tool::Run {
    run(&["fold".as_ref(), path.as_os_str(), "--format".as_ref(), "json".as_ref()])
}

#[test]
fn all_operators_that_tract_lacks_are_listed() {
    assert!(lacking().len() >= 4);
    let folder = tempfile::tempdir().expect("a folder");
    for Lacking { path, operators, wrong } in lacking() {
        let verified = run(&["verify".as_ref(), path.as_os_str(), path.as_os_str()]);
        assert_eq!((verified.status, verified.stderr.lines().count()), (Some(2), 1), "{}", verified.stderr);
        let inspected = run(&["inspect".as_ref(), path.as_os_str()]).text();
        for operator in &operators {
            assert!(verified.stderr.contains(&format!("{operator} (node `")), "{}", verified.stderr);
            assert!(inspected.contains(&format!("{operator} (node ")), "{inspected}");
        }
        assert!(verified.stderr.contains("`--engine onnxruntime` may have it"), "{}", verified.stderr);
        let other = folder.path().join("other.onnxtxt");
        fs::write(&other, wrong).expect("it is written");
        let compared = run(&["verify".as_ref(), path.as_os_str(), other.as_os_str()]);
        assert_eq!((compared.status, compared.stderr), (Some(2), verified.stderr));
        let inspected = run(&["inspect".as_ref(), path.as_os_str(), "--format".as_ref(), "json".as_ref()]).json();
        let listed = inspected["unsupported"].as_array().expect("a list");
        assert_eq!(
            listed.iter().map(|missing| &missing["operator"]).collect::<Vec<_>>(),
            operators.iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_fold_that_cannot_be_verified_names_both_ways_out() {
    for Lacking { path, operators, .. } in lacking().into_iter().filter(|model| model.path.ends_with("loop.onnxtxt")) {
        let folded = fold(&path);
        assert_eq!(folded.status, Some(1), "{}", folded.stderr);
        let remedies = "(--engine onnxruntime may have it, --no-verify writes it without a comparison)";
        assert!(folded.stderr.contains(remedies), "{}", folded.stderr);
        let listed = folded.json()["unsupported"].clone();
        assert_eq!((&listed[0]["operator"], listed.as_array().map(Vec::len)), (&operators[0].clone().into(), Some(1)));
    }
}

#[test]
fn a_model_that_tract_runs_lacks_nothing() {
    let digits = crate::tool::digits();
    let inspected = run(&["inspect".as_ref(), digits.as_os_str(), "--format".as_ref(), "json".as_ref()]).json();
    assert_eq!(inspected["unsupported"].as_array().map(Vec::len), Some(0));
    assert!(!run(&["inspect".as_ref(), digits.as_os_str()]).text().contains("tract"));
}

#[test]
fn the_library_is_for_the_engine_that_is_in_it() {
    let digits = crate::tool::digits();
    let refused =
        run(&["verify".as_ref(), digits.as_os_str(), digits.as_os_str(), "--onnxruntime".as_ref(), "lib.so".as_ref()]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("--onnxruntime is for `--engine onnxruntime`"), "{}", refused.stderr);
}

#[cfg(not(feature = "onnxruntime"))]
#[test]
fn without_onnxruntime_a_message_says_how_to_have_it() {
    let digits = crate::tool::digits();
    for command in
        [&["verify".as_ref(), digits.as_os_str(), digits.as_os_str()][..], &["fold".as_ref(), digits.as_os_str()]]
    {
        for engine in ["onnxruntime", "both"] {
            let refused = run(&[command, &["--engine".as_ref(), engine.as_ref()]].concat());
            assert_eq!((refused.status, refused.stderr.lines().count()), (Some(2), 1), "{}", refused.stderr);
            assert!(refused.stderr.contains("cargo install --path . --features onnxruntime"), "{}", refused.stderr);
        }
    }
}
