//! `fixtures/fold` in both engines: each finds every fold the same, and they agree with each other.

use super::{library, options};
use crate::tool::repository;
use bn_tool::onnx::load;
use bn_tool::verify::{Verification, VerifyError};
use bn_tool::{EngineChoice, FoldOptions, fold, verify};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What became of a fixture: by engine, whether it ran it.
struct Seen {
    tract: bool,
    onnxruntime: bool,
}

#[test]
fn verdicts_agree() {
    let Some(library) = library() else { return };
    let mut seen = BTreeMap::new();
    for entry in fs::read_dir(repository("fixtures/fold")).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "onnxtxt") {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        match folded(&path, &library) {
            Some(Ok(verification)) => _ = seen.insert(name.clone(), check(&name, &verification)),
            Some(Err(VerifyError::NoEngine { .. } | VerifyError::NothingToCompare)) | None => {}
            // Inputs without a shape.
            Some(Err(VerifyError::Input { .. })) => {}
            Some(Err(error)) => panic!("{name}: {error}"),
        }
    }
    let both = seen.values().filter(|seen| seen.tract && seen.onnxruntime).count();
    assert!(both >= 250, "only {both} of {} run in both", seen.len());
    for name in ["loop_body", "loop_body_forward", "in_function", "function_called_twice", "function_forward"] {
        assert!(seen.get(name).is_some_and(|seen| !seen.tract && seen.onnxruntime), "{name}");
    }
    for name in ["conv_f64", "conv_bf16"] {
        assert!(seen.get(name).is_some_and(|seen| seen.tract), "{name}");
    }
}

/// The fold of a fixture, in both engines; nothing if there is nothing to fold, or it cannot be.
fn folded(path: &Path, library: &Path) -> Option<Result<Verification, VerifyError>> {
    let model = load(path).expect("it loads");
    let folded = fold(&model, &FoldOptions::default()).ok().filter(|folded| folded.report.changed())?;
    let options = options(EngineChoice::Both, library).samples(2);
    match verify(&model, &folded.model, &options, &|_, _| {}) {
        // The command line keeps such a BatchNormalization, and folds again.
        Err(VerifyError::Overflow(_)) => None,
        other => Some(other),
    }
}

fn check(name: &str, verification: &Verification) -> Seen {
    assert!(verification.same, "{name}: {}", verification.sentence());
    for output in &verification.outputs {
        let Some(other) = &output.other_engine else { continue };
        let allowed = other.report.rtol.max(output.rtol);
        assert!(other.apart.original <= allowed, "{name}, {}: engines are {:?} apart", output.name, other.apart);
    }
    let [tract, onnxruntime] = &verification.engines[..] else { panic!("{name}: two engines were asked") };
    let ran = [tract, onnxruntime].map(|engine| engine.unavailable.is_none());
    assert_eq!(ran == [true; 2], verification.outputs.iter().all(|output| output.other_engine.is_some()), "{name}");
    Seen { tract: ran[0], onnxruntime: ran[1] }
}
