//! The command: flags, exit statuses, streams, errors in one line.

use crate::tool::{Run, digits, repository, run, run_with_input};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn fixture(name: &str) -> PathBuf {
    repository(&format!("fixtures/diff/{name}.onnxtxt"))
}

fn diff(flags: &[&str], a: &Path, b: &Path) -> Run {
    let words = std::iter::once("diff").chain(flags.iter().copied()).map(OsString::from);
    run(&words.chain([a.into(), b.into()]).collect::<Vec<_>>())
}

#[test]
fn exit_code_says_whether_they_differ_only_if_asked() {
    let (a, b) = (fixture("fold.a"), fixture("fold.b"));
    assert_eq!(diff(&[], &a, &b).status, Some(0));
    assert_eq!(diff(&["--exit-code"], &a, &b).status, Some(1));
    assert_eq!(diff(&["--exit-code", "--summary", "--format", "json"], &a, &b).status, Some(1));
    assert_eq!(diff(&["--exit-code"], &a, &a).status, Some(0));
}

#[test]
fn summary_leaves_out_the_lines() {
    let (a, b) = (fixture("fold.a"), fixture("fold.b"));
    let text = diff(&["--summary"], &a, &b).text();
    assert_eq!(
        text,
        "  1 node removed, 1 changed · 4 constants removed, 1 added, 1 changed\n  \
         nodes 3 → 2 · BatchNormalization 1 → 0 · parameters 66 → 57 · bytes 264 → 228\n"
    );
    assert!(diff(&[], &a, &b).text().ends_with(&text));
    let json = diff(&["--summary", "--format", "json"], &a, &b).json();
    assert_eq!((&json["differs"], &json["summary"]["nodes"]["after"]), (&true.into(), &2.into()));
    assert!(json.get("graphs").is_none());
    let markdown = diff(&["--summary", "--format", "markdown"], &a, &b).text();
    assert!(markdown.ends_with("nodes 3 → 2 · BatchNormalization 1 → 0 · parameters 66 → 57 · bytes 264 → 228\n"));
    assert!(!markdown.contains('|'));
    assert_eq!(diff(&["--summary"], &fixture("versions.a"), &fixture("versions.b")).text(), "  4 other changes\n");
}

#[test]
fn one_of_the_models_can_come_from_standard_input() {
    let (a, b) = (fixture("fold.a"), fixture("fold.b"));
    let expected = diff(&[], &a, &b).text();
    let stdin = Path::new("-");
    let words = |a: &Path, b: &Path| ["diff".into(), a.as_os_str().to_owned(), b.as_os_str().to_owned()];
    assert_eq!(run_with_input(&words(stdin, &b), &fs::read(&a).unwrap()).text(), expected);
    assert_eq!(run_with_input(&words(&a, stdin), &fs::read(&b).unwrap()).text(), expected);
    let both = diff(&[], stdin, stdin);
    assert_eq!((both.status, both.text().as_str()), (Some(2), ""));
    assert!(both.stderr.contains("only one of the two models"), "{}", both.stderr);
}

#[test]
fn binary_and_text_of_one_model_are_compared_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("digits.onnxtxt");
    fs::write(&text, run(&["print".as_ref(), "--weights".as_ref(), digits().as_os_str()]).stdout).unwrap();
    let result = diff(&[], &digits(), &text);
    // What the text cannot say, or says in another field.
    let is_field = |line: &str| line.starts_with("~ ") && line.ends_with("written in another way");
    assert!(result.text() == "no difference\n" || result.text().lines().all(is_field), "{}", result.text());
}

#[test]
fn what_is_no_model_is_one_line_and_status_2() {
    let missing = repository("fixtures/diff/missing.onnx");
    let cycle = repository("fixtures/broken/cycle.onnxtxt");
    for (a, b, says) in [
        (fixture("fold.a"), missing.clone(), "missing.onnx"),
        (missing, fixture("fold.a"), "No such file"),
        (cycle, fixture("fold.a"), "before it is made"),
        (repository("fixtures/diff"), fixture("fold.a"), "folder"),
    ] {
        let result = diff(&["--exit-code"], &a, &b);
        assert_eq!((result.status, result.text().as_str()), (Some(2), ""));
        assert!(result.stderr.lines().count() == 1 && result.stderr.contains(says), "{}", result.stderr);
    }
    assert_eq!(diff(&["--format", "yaml"], &fixture("fold.a"), &fixture("fold.b")).status, Some(2));
}

#[test]
fn colours_only_where_they_are_wanted() {
    let (a, b) = (fixture("fold.a"), fixture("fold.b"));
    assert!(!diff(&[], &a, &b).text().contains('\x1b'));
    let coloured = diff(&["--color", "always"], &a, &b).text();
    assert!(coloured.contains("\x1b[31m- BatchNormalization bn1"), "{coloured:?}");
    assert!(coloured.contains("\x1b[32m+conv1_bias\x1b[0m"), "{coloured:?}");
    let stripped = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(stripped, diff(&[], &a, &b).text());
    for format in ["json", "markdown"] {
        assert!(!diff(&["--color", "always", "--format", format], &a, &b).text().contains('\x1b'));
    }
}

/// On a terminal, which `script` gives, there are colours, unless NO_COLOR is set.
#[test]
fn no_color_is_respected_on_a_terminal() {
    let command = format!(
        "{} diff {} {}",
        env!("CARGO_BIN_EXE_bn-tool"),
        fixture("fold.a").display(),
        fixture("fold.b").display()
    );
    let on_terminal = |no_color: Option<&str>| {
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
        no_color.map(|value| script.env("NO_COLOR", value));
        let output = script.output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (Some(coloured), Some(plain)) = (on_terminal(None), on_terminal(Some("1"))) else { return };
    assert!(coloured.contains("\x1b[31m"), "{coloured:?}");
    assert!(plain.contains("- BatchNormalization") && !plain.contains("\x1b["), "{plain:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let script = format!(
        "{} diff {} {} | head -n 1",
        env!("CARGO_BIN_EXE_bn-tool"),
        digits().display(),
        fixture("fold.b").display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[test]
fn verbose_lists_all_that_was_renamed() {
    let (a, b) = (fixture("many_renamed.a"), fixture("many_renamed.b"));
    let (short, long) = (diff(&[], &a, &b).text(), diff(&["-v"], &a, &b).text());
    assert!(short.contains("… and 25 more nodes that are only renamed (-v lists them)"), "{short}");
    assert!(!long.contains('…') && long.contains("~ Relu a_29 ⇒ b_29 (b28) → a29 ⇒ b29\n"), "{long}");
    assert_eq!(long.lines().count(), short.lines().count() + 24);
}
