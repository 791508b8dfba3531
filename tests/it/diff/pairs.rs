//! Every pair of `fixtures/diff`, through the real binary: `NAME.a.onnxtxt` and `NAME.b.onnxtxt`.

use crate::tool::run;
use std::path::Path;

/// Pairs of which more than the form for people is held.
const MARKDOWN: [&str; 4] = ["fold", "quoted_names", "same", "subgraph"];
const JSON: [&str; 4] = ["attributes", "fold", "interface", "same"];
const CONTEXT: [&str; 2] = ["two_edits", "fold"];

#[test]
fn pairs() {
    insta::glob!("../../../fixtures/diff", "*.a.onnxtxt", |a| {
        let name = a.file_name().expect("a name").to_string_lossy().replace(".a.onnxtxt", "");
        let b = a.with_file_name(format!("{name}.b.onnxtxt"));
        let mut text = said(a, &b, &[]);
        for (form, names) in [("markdown", &MARKDOWN[..]), ("json", &JSON)] {
            if names.contains(&name.as_str()) {
                text += &format!("\n--format {form}\n{}", said(a, &b, &["--format", form]));
            }
        }
        if CONTEXT.contains(&name.as_str()) {
            text += &format!("\n--context 1\n{}", said(a, &b, &["--context", "1"]));
        }
        insta::assert_snapshot!(text);
        assert_eq!(said(a, a, &[]), "no difference\n", "{name}.a");
        assert_eq!(said(&b, &b, &[]), "no difference\n", "{name}.b");
        let back = said(&b, a, &[]);
        assert_eq!(back == "no difference\n", name == "same", "{name}: the other way round\n{back}");
    });
}

/// What `diff` says. In JSON, files are named without their folder.
fn said(a: &Path, b: &Path, flags: &[&str]) -> String {
    let mut arguments = vec!["diff".as_ref(), "--exit-code".as_ref(), a.as_os_str(), b.as_os_str()];
    arguments.extend(flags.iter().map(|flag| std::ffi::OsStr::new(*flag)));
    let result = run(&arguments);
    assert_eq!(result.stderr, "");
    let text = result.text();
    let is_same = ["no difference", "No difference", "\"differs\": false"].iter().any(|said| text.contains(said));
    assert_eq!(result.status, Some(i32::from(!is_same)), "{}: {text}", a.display());
    let folder = format!("{}/", a.parent().expect("a folder").display());
    text.replace(&folder, "")
}
