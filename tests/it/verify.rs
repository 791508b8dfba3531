//! `bn-tool verify`: what it runs on, what it saves, what it says.

use crate::tool::{Run, digits, repository, run};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// `y = Conv (Relu (x))` on ten channels, with a weight of which one element is as given.
fn network(folder: &Path, name: &str, element: &str) -> PathBuf {
    let weight = "1, 2, 3, 4, 5, 6, 7, 8, 9";
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]>
         g (float[N,1,H,W] x) => (float[N,1,H,W] y, float[N,1,H,W] r) <float[1,1,3,3] w = {{{weight}}}, float[1] b = {{{element}}}> {{
            [relu] r = Relu (x)
            [conv] y = Conv <pads = [1, 1, 1, 1]> (r, w, b)
         }}"
    );
    let path = folder.join(name);
    std::fs::write(&path, text).expect("it is written");
    path
}

fn verify(flags: &[&str], paths: &[(&str, &Path)], models: [&Path; 2]) -> Run {
    let mut arguments: Vec<OsString> = ["verify"].iter().chain(flags).map(OsString::from).collect();
    for (flag, path) in paths {
        arguments.extend([OsString::from(flag), path.into()]);
    }
    arguments.extend(models.map(OsString::from));
    run(&arguments)
}

#[test]
fn what_is_saved_is_run_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (a, b) = (network(folder.path(), "a.onnxtxt", "0.5"), network(folder.path(), "b.onnxtxt", "0.5000001"));
    let (inputs, outputs) = (path("inputs.npz"), path("outputs.npz"));
    let flags = ["--format", "json", "--samples", "3", "--dim", "N=1", "--dim", "H=5", "--dim", "W=4"];
    let first = verify(&flags, &[("--save-inputs", &inputs), ("--save-outputs", &outputs)], [&a, &b]);
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    let again = verify(&["--format", "json"], &[("--data", &inputs)], [&a, &b]);
    let (first, again) = (first.json(), again.json());
    assert_eq!(again["samples"], 3);
    assert_eq!((&first["outputs"], &first["inputs"]), (&again["outputs"], &again["inputs"]));
    assert!(again.get("seed").is_none() && first["seed"] == 0);
    // What came out of the original is what comes in elsewhere: Relu of it is the second output again.
    let outputs = std::fs::read(outputs).expect("it is written");
    for name in ["original/y.npy", "result/y.npy", "original/r.npy", "result/r.npy"] {
        assert!(outputs.windows(name.len()).any(|window| window == name.as_bytes()), "{name}");
    }
}

#[test]
fn samples_of_another_size_are_saved_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = network(folder.path(), "a.onnxtxt", "0.5");
    let inputs = folder.path().join("inputs.npz");
    let report = verify(&["--format", "json"], &[("--save-inputs", &inputs)], [&a, &a]).json();
    assert_eq!((&report["samples"], &report["other_dims"]["samples"]), (&5.into(), &1.into()));
    let (first, other) = (&report["inputs"][0]["shape"], &report["other_dims"]["shapes"][0]);
    assert!((0..4).all(|axis| axis == 1 || first[axis] != other[axis]), "{first} {other}");
    // By its name it is one of the first size.
    assert_eq!(verify(&["--format", "json"], &[("--data", &inputs)], [&a, &a]).json()["samples"], 4);
}

#[test]
fn the_failing_case_is_saved_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (a, b) = (network(folder.path(), "a.onnxtxt", "0.5"), network(folder.path(), "b.onnxtxt", "0.6"));
    let case = folder.path().join("case.npz");
    let differs = verify(&[], &[("--failing-case", &case)], [&a, &b]);
    assert_eq!(differs.status, Some(1));
    assert!(differs.text().contains(&format!("are in {}", case.display())), "{}", differs.text());
    assert!(differs.text().contains("output `y` differs by"), "{}", differs.text());
    let again = verify(&["--format", "json"], &[("--data", &case)], [&a, &b]);
    assert_eq!((again.status, &again.json()["samples"]), (Some(1), &1.into()));
    assert_eq!(verify(&[], &[("--data", &case)], [&a, &a]).status, Some(0));
}

#[test]
fn nothing_is_saved_where_nothing_differs() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = network(folder.path(), "a.onnxtxt", "0.5");
    let case = folder.path().join("case.npz");
    assert_eq!(verify(&[], &[("--failing-case", &case)], [&a, &a]).status, Some(0));
    assert!(!case.exists());
}

#[test]
fn a_folder_that_cannot_be_written_to_is_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let (a, b) = (network(folder.path(), "a.onnxtxt", "0.5"), network(folder.path(), "b.onnxtxt", "0.6"));
    let case = folder.path().join("missing/case.npz");
    let differs = verify(&[], &[("--failing-case", &case)], [&a, &b]);
    assert_eq!(differs.status, Some(1));
    assert!(differs.stderr.contains("warning") && differs.stderr.contains("missing/case.npz"), "{}", differs.stderr);
}

#[test]
fn real_data_and_all_that_is_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let folded = folder.path().join("folded.onnx");
    let data = repository("fixtures/digits/x.npy");
    let fold =
        ["fold".into(), digits().into(), "--data".into(), data.clone().into(), "-o".into(), folded.clone().into()];
    let fold = run::<OsString>(&fold);
    assert_eq!(fold.status, Some(0), "{}", fold.stderr);
    assert!(fold.text().contains("as close to exact as the original"), "{}", fold.text());
    let report = verify(&["--format", "json"], &[("--data", &data)], [&digits(), &folded]).json();
    assert_eq!((&report["samples"], &report["f64_samples"]), (&100.into(), &2.into()));
    let output = &report["outputs"][0];
    assert_eq!((&output["top1_agreement"], &output["mismatched"]), (&1.0.into(), &0.0.into()));
    assert!(output["sqnr_db"].as_f64().is_some_and(|sqnr| sqnr > 100.0), "{output}");
    let counted: u64 = output["ulps"]["histogram"].as_array().expect("counts").iter().filter_map(|n| n.as_u64()).sum();
    assert_eq!(counted, 1000);
    let verbose = verify(&["-v"], &[("--data", &data)], [&digits(), &folded]).text();
    for what in ["tolerance", "1 − cosine", "ulps", "from exact", "in f64", "100 samples"] {
        assert!(verbose.contains(what), "{what}: {verbose}");
    }
}

#[test]
fn arguments_that_do_not_fit_are_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = network(folder.path(), "a.onnxtxt", "0.5");
    for (flags, expected) in [
        (&["--rtol", "z=0.1"][..], "no output is called `z`; there is `y`, `r`"),
        (&["--input-range", "z=0:1"], "no input is called `z`; there is `x`"),
        (&["--input-range", "x=1:0"], "expected INPUT=LOW:HIGH"),
        (&["--dim", "M=3"], "no input has a dimension called `M`"),
        (&["--samples", "0"], "expected a positive number"),
        (&["--data", "missing.npy"], "missing.npy"),
        (&["--data", "x.npy", "--dim", "N=3"], "for random samples, not for --data"),
    ] {
        let refused = verify(flags, &[], [&a, &a]);
        assert_eq!(refused.status, Some(2), "{flags:?}: {}", refused.text());
        assert!(refused.stderr.contains(expected), "{flags:?}: {}", refused.stderr);
    }
}

#[test]
fn the_first_value_that_differs_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (a, b) = (network(folder.path(), "a.onnxtxt", "0.5"), network(folder.path(), "b.onnxtxt", "0.6"));
    let case = folder.path().join("case.npz");
    let report = verify(&["--locate", "--format", "json"], &[("--failing-case", &case)], [&a, &b]).json();
    let location = &report["location"];
    assert_eq!((&location["original"]["value"], &location["original"]["node"]["name"]), (&"y".into(), &"conv".into()));
    assert_eq!(location["agreeing"][0]["original"], "r");
    let text = verify(&["--locate"], &[("--failing-case", &case)], [&a, &b]).text();
    assert!(text.contains("the first output that differs is y, made by Conv conv"), "{text}");
    assert!(text.contains("Conv conv: b changed by up to 1.00e-1"), "{text}");
    let same = verify(&["--locate", "--format", "json"], &[], [&a, &a]).json();
    assert!(same.get("location").is_none() && same.get("failing").is_none());
}

#[test]
fn an_input_that_is_a_single_number_has_one_per_sample() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = |axes: &str| {
        let text = format!(
            "<ir_version: 8, opset_import: [\"\" : 17]>
             g (float[{axes}] x, float s, int64 i) => (float[{axes}] y) {{
                a = Mul (x, s)
                c = Cast <to = 1> (i)
                y = Add (a, c)
             }}"
        );
        let path = folder.path().join(format!("{}.onnxtxt", axes.len()));
        std::fs::write(&path, text).expect("it is written");
        path
    };
    let (one, inputs, outputs) = (model("1,3"), folder.path().join("in.npz"), folder.path().join("out.npz"));
    let first = verify(&[], &[("--save-inputs", &inputs), ("--save-outputs", &outputs)], [&one, &one]);
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    let again = folder.path().join("again.npz");
    let run_again = verify(&[], &[("--data", &inputs), ("--save-outputs", &again)], [&one, &one]);
    assert_eq!(run_again.status, Some(0), "{}", run_again.stderr);
    assert!(std::fs::read(outputs).unwrap() == std::fs::read(again).unwrap(), "the same outputs");
    let two = verify(&[], &[("--data", &inputs)], [&model("2,3 "), &model("2,3 ")]);
    assert_eq!(two.status, Some(2));
    assert!(two.stderr.contains("takes 2 samples at once, but only one number"), "{}", two.stderr);
}
