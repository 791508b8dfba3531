//! What tract cannot run, onnxruntime verifies: a fold is the same, and a wrong weight is seen.

use super::{library, run_in};
use crate::engines::{Lacking, lacking};

#[test]
fn a_fold_is_the_same_and_a_wrong_weight_is_not() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (out, wrong, case) =
        (folder.path().join("o.onnx"), folder.path().join("w.onnxtxt"), folder.path().join("c.npz"));
    for model in lacking() {
        let path = model.path.as_os_str();
        for (engine, words) in [("onnxruntime", "in onnxruntime"), ("both", "in onnxruntime alone")] {
            let arguments = ["fold".as_ref(), path, "-o".as_ref(), out.as_os_str()];
            let folded = run_in(engine, &library, &arguments);
            assert_eq!(folded.status, Some(0), "{}: {}", model.path.display(), folded.stderr);
            if !folded.text().contains("unchanged") {
                assert!(folded.text().contains(words), "{}", folded.text());
                let f64 = folded.text().contains("no f64 verdict: tract cannot run it: unsupported operator");
                assert!(f64 || folded.text().contains("exactly the same"), "{}", folded.text());
            }
            std::fs::write(&wrong, &model.wrong).expect("it is written");
            let arguments = ["verify".as_ref(), path, wrong.as_os_str(), "--failing-case".as_ref(), case.as_os_str()];
            let differs = run_in(engine, &library, &arguments);
            assert_eq!(differs.status, Some(1), "{}: {}", model.path.display(), differs.stderr);
            assert!(differs.text().contains("output `y` differs by"), "{}", differs.text());
        }
    }
}

#[test]
fn the_engine_that_is_left_is_named() {
    let Some(library) = library() else { return };
    for Lacking { path, operators, .. } in lacking() {
        let path = path.as_os_str();
        let verified = run_in("both", &library, &["verify".as_ref(), path, path]);
        assert_eq!(verified.status, Some(0), "{}", verified.stderr);
        let note = format!("note: tract did not run the models: unsupported operator {}", operators[0]);
        assert!(verified.text().contains(&note), "{}", verified.text());
        let report =
            run_in("both", &library, &["verify".as_ref(), path, path, "--format".as_ref(), "json".as_ref()]).json();
        let [tract, onnxruntime] = [&report["engines"][0], &report["engines"][1]];
        assert_eq!((&tract["name"], &onnxruntime["name"]), (&"tract".into(), &"onnxruntime".into()));
        assert!(tract["unavailable"].is_string() && onnxruntime["unavailable"].is_null(), "{report}");
        assert!(onnxruntime["version"].as_str().is_some_and(|version| version.starts_with("1.")), "{report}");
        assert!(onnxruntime["library"].as_str().is_some_and(|library| library.contains("onnxruntime")), "{report}");
    }
}

#[test]
fn the_first_value_that_differs_is_found() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (wrong, case) = (folder.path().join("w.onnxtxt"), folder.path().join("c.npz"));
    for (name, maker) in
        [("sequence.onnxtxt", "BatchNormalization"), ("function.onnxtxt", "loc.block"), ("loop.onnxtxt", "Loop")]
    {
        let model = lacking().into_iter().find(|model| model.path.ends_with(name)).expect("it is there");
        std::fs::write(&wrong, &model.wrong).expect("it is written");
        let arguments = [
            "verify".as_ref(),
            model.path.as_os_str(),
            wrong.as_os_str(),
            "--locate".as_ref(),
            "--format".as_ref(),
            "json".as_ref(),
            "--failing-case".as_ref(),
            case.as_os_str(),
        ];
        let report = run_in("onnxruntime", &library, &arguments).json();
        assert_eq!(report["location"]["original"]["node"]["operator"], maker, "{}", report["location"]);
    }
}
