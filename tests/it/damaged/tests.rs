//! The properties on edited fixtures, and on whatever fuzzing found.

use super::edit::Edit;
use super::{binary, properties, text};
use crate::tool::repository;
use bn_tool::onnx::load;
use bn_tool::onnx::wire::{Encoder, Message};
use proptest::prelude::*;
use proptest::sample::Index;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// All text fixtures.
static TEXTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let paths = files("fixtures/fold").chain(files("fixtures/broken"));
    paths.map(|path| fs::read(path).expect("it can be read")).collect()
});

/// Those that have a graph, as protobuf.
static BINARIES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let models = files("fixtures/fold").map(|path| load(&path).expect("it loads"));
    let encoded = models.map(|model| {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out);
        model.encode_fields(&mut encoder).and_then(|()| encoder.finish()).expect("memory can be written");
        out
    });
    encoded.collect()
});

fn files(folder: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(repository(folder)).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter()
}

/// What fuzzing found, each in its folder by the property that it broke.
#[test]
fn findings_stay_fixed() {
    for folder in files("fixtures/fuzz") {
        for path in files(&format!("fixtures/fuzz/{}", name(&folder))) {
            println!("{}", path.display());
            let bytes = fs::read(&path).expect("it can be read");
            match name(&folder) {
                "decode" => properties::decodes(&bytes),
                "text" => properties::parses(&bytes),
                "fold" => drop(properties::folds(&bytes)),
                other => panic!("there is no property for `{other}`"),
            }
        }
    }
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).expect("a name")
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = any::<(u8, u32, u32)>().prop_map(|(kind, at, with)| Edit { kind, at, with });
    prop::collection::vec(edit, 1..6)
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn edited_bytes_decode(model: Index, donor: Index, edits in edits()) {
        properties::decodes(&binary::edited(&BINARIES[model.index(BINARIES.len())], &BINARIES[donor.index(BINARIES.len())], &edits));
    }

    #[test]
    fn edited_text_parses(model: Index, donor: Index, edits in edits()) {
        properties::parses(&text::edited(&TEXTS[model.index(TEXTS.len())], &TEXTS[donor.index(TEXTS.len())], &edits));
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn edited_bytes_fold(model: Index, donor: Index, edits in edits()) {
        properties::folds(&binary::edited(&BINARIES[model.index(BINARIES.len())], &BINARIES[donor.index(BINARIES.len())], &edits));
    }

    #[test]
    fn edited_text_folds(model: Index, donor: Index, edits in edits()) {
        properties::folds(&text::edited(&TEXTS[model.index(TEXTS.len())], &TEXTS[donor.index(TEXTS.len())], &edits));
    }
}
