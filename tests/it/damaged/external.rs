//! What holds for models whose weights are in data files.

use bn_tool::onnx::external::Storage;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::{SaveError, SaveOptions, load, save_with};
use bn_tool::transform::fold::{FoldError, FoldOptions, fold_checked};
use std::fs;
use std::path::Path;

/// The file beside the model.
pub const DATA: &str = "model.data";

/// How many floats are in it.
pub const FLOATS: usize = 1 << 10;

/// Whatever loads beside a data file, and can be folded, is the same model wherever its weights
/// are saved: where they were, in one file, or in the model. Returns whether it could be folded.
pub fn moves(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let data = (0..FLOATS).flat_map(|index| (0.5 + (index % 16) as f32 / 16.0).to_le_bytes());
    fs::write(path(DATA), data.collect::<Vec<u8>>()).expect("it can be written");
    fs::write(path("model.onnx"), bytes).expect("it can be written");
    let Ok(model) = load(&path("model.onnx")) else { return false };
    let keep = |folded: &ModelProto| save(folded, Storage::Keep, &path("kept/model.onnx"));
    let saved = fold_checked(
        &model,
        FoldOptions::default(),
        |folded| keep(&folded.model).map_err(Failed::from),
        |failed| match failed {
            Failed::Save(error) => error.overflow().cloned(),
            Failed::Fold(_) => None,
        },
    );
    let Ok((folded, ())) = saved else { return false };
    let storages = [("one/model.onnx", Storage::External("all.data".into())), ("inline/model.onnx", Storage::Inline)];
    for (name, storage) in storages {
        save(&folded.model, storage, &path(name)).expect("it was saved before");
    }
    let Ok(expected) = text(&folded.model, &path("folded.onnxtxt")) else { return true };
    for name in ["kept/model.onnx", "one/model.onnx", "inline/model.onnx"] {
        let again = load(&path(name)).expect("what was saved loads");
        assert_eq!(text(&again, &path("again.onnxtxt")).expect("as text, too"), expected, "{name} is different");
    }
    true
}

fn save(model: &ModelProto, storage: Storage, path: &Path) -> Result<(), SaveError> {
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
    save_with(model, path, &SaveOptions { storage, ..SaveOptions::default() }).map(drop)
}

/// All of it, weights included.
fn text(model: &ModelProto, path: &Path) -> Result<String, SaveError> {
    save(model, Storage::Inline, path)?;
    Ok(fs::read(path).expect("it was saved").escape_ascii().to_string())
}

/// Why a model could not be folded and saved.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Fold(#[from] FoldError),
    #[error(transparent)]
    Save(#[from] SaveError),
}
