//! The properties on edited fixtures, and on whatever fuzzing found.

use super::edit::Edit;
use super::seeds::{BINARIES, EXTERNALS, SUMS, TEXTS, files};
use super::{edited, external, properties};
use proptest::prelude::*;
use proptest::sample::Index;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

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
                "external" => drop(external::moves(&bytes)),
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
        properties::decodes(&edited(&BINARIES[model.index(BINARIES.len())], &BINARIES[donor.index(BINARIES.len())], &edits));
    }

    #[test]
    fn edited_text_parses(model: Index, donor: Index, edits in edits()) {
        properties::parses(&edited(&TEXTS[model.index(TEXTS.len())], &TEXTS[donor.index(TEXTS.len())], &edits));
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn edited_bytes_fold(model: Index, donor: Index, edits in edits()) {
        properties::folds(&edited(&BINARIES[model.index(BINARIES.len())], &BINARIES[donor.index(BINARIES.len())], &edits));
    }

    #[test]
    fn edited_text_folds(model: Index, donor: Index, edits in edits()) {
        properties::folds(&edited(&TEXTS[model.index(TEXTS.len())], &TEXTS[donor.index(TEXTS.len())], &edits));
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn edited_sums_merge(model: Index, donor: Index, edits in edits()) {
        properties::merges(&edited(&SUMS[model.index(SUMS.len())], &SUMS[donor.index(SUMS.len())], &edits));
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn edited_data_entries_move(model: Index, donor: Index, edits in edits()) {
        let (model, donor) = (&EXTERNALS[model.index(EXTERNALS.len())], &EXTERNALS[donor.index(EXTERNALS.len())]);
        external::moves(&edited(model, donor, &edits));
    }
}
