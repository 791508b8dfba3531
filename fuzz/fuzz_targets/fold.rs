//! A model → load → fold → graph → fold again; both run. Only what can be folded is kept
//! in the corpus: what cannot be loaded is for the other targets.
#![no_main]

use bn_tool_fuzz::{damaged::properties, initialise};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(init: initialise(), |bytes: &[u8]| -> Corpus {
    if properties::folds(bytes) { Corpus::Keep } else { Corpus::Reject }
});
bn_tool_fuzz::mutators!();
