//! `bn-tool stats show`

use super::{folder, part, stats, written};
use bn_tool::stats::Collection;
use std::path::Path;

fn merged() -> Collection {
    Collection::merge((0..3).map(|index| part(index, 3)).collect()).expect("parts that belong together")
}

#[test]
fn the_header_and_a_line_per_norm() {
    let folder = folder();
    let path = written(folder.path(), "merged.safetensors", &merged());
    let shown = stats(&["show"], &[&path]);
    assert_eq!(shown.status, Some(0), "{}", shown.stderr);
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "{}
6 samples, by bn-tool {version}
model 5eed · fixed-point, pass 2
data x from x.npy (scale 0.5) · all 3 shards
residual 0.6124 at stem/bn
  BatchNormalization  channels  count  mean             σ                 residual
  stem/bn                    2  6      0.5000 … 1.000   0.5000 … 0.8165   0.6124
  head/bn                    2  6      0.5000 … 0.5000  0.5000 … 0.5000   0
",
        path.display()
    );
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed(&shown.text()), squeezed(&text));
}

#[test]
fn norms_are_chosen_by_name() {
    let folder = folder();
    let path = written(folder.path(), "merged.safetensors", &merged());
    let report = stats(&["show", "--norm", "stem*", "--format", "json"], &[&path]).json();
    assert_eq!(report["norms"].as_array().unwrap().len(), 1);
    assert_eq!((&report["norms"][0]["name"], &report["norms"][0]["count"]), (&"stem/bn".into(), &[6, 6][..].into()));
    assert_eq!((&report["method"], &report["pass"], &report["samples"]), (&"fixed-point".into(), &2.into(), &6.into()));
    let unmatched = stats(&["show", "--norm", "tail*"], &[&path]);
    assert_eq!(unmatched.status, Some(2));
    assert!(unmatched.stderr.contains("`tail*` matches no BatchNormalization"), "{}", unmatched.stderr);
    let coloured = stats(&["show", "--color", "always"], &[&path]).text();
    assert!(coloured.contains('\x1b') && !stats(&["show"], &[&path]).text().contains('\x1b'));
    let quiet = stats(&["show", "-q"], &[&path]);
    assert_eq!((quiet.status, quiet.text().as_str()), (Some(0), ""));
}

#[test]
fn many_norms_are_cut_short_unless_all_are_wanted() {
    let folder = folder();
    let mut many = part(0, 1);
    let norm = many.norms.remove(0);
    many.norms =
        (0..40).map(|index| bn_tool::stats::NormStatistics { name: format!("bn{index}"), ..norm.clone() }).collect();
    let path = written(folder.path(), "many.safetensors", &many);
    let text = stats(&["show"], &[&path]).text();
    assert!(text.ends_with("  28 more (-v lists all)\n") && !text.contains("bn12 "), "{text}");
    assert!(stats(&["show", "-v"], &[&path]).text().contains("bn39"));
}

#[test]
fn names_from_files_do_not_reach_the_terminal_raw() {
    let folder = folder();
    let mut hostile = part(0, 1);
    let evil = "\u{1b}]0;evil\u{7}";
    hostile.norms[0].name = evil.into();
    hostile.header.model = evil.into();
    hostile.header.tool = evil.into();
    hostile.header.data[0].inputs[0].name = evil.into();
    hostile.header.data[0].inputs[0].preprocessing = evil.into();
    hostile.header.data[0].inputs[0].files[0].path = evil.into();
    let path = written(folder.path(), "hostile.safetensors", &hostile);
    let out = folder.path().join("out");
    for shown in [stats(&["show"], &[&path]), stats(&["merge", "-o"], &[&out, &path])] {
        assert_eq!(shown.status, Some(0), "{}", shown.stderr);
        assert!(!shown.text().contains(['\u{1b}', '\u{7}']), "{}", shown.text());
    }
}

#[test]
fn what_never_ends_or_is_a_folder_is_an_error() {
    let folder = folder();
    for path in [Path::new("/dev/null"), folder.path()] {
        let shown = stats(&["show"], &[path]);
        assert_eq!((shown.status, shown.stderr.lines().count()), (Some(2), 1), "{}", shown.stderr);
    }
}
