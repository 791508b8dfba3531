//! A model beside a data file → load → fold → save in three ways → load.
#![no_main]

use bn_tool_fuzz::{damaged::external, initialise};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(init: initialise(), |bytes: &[u8]| -> Corpus {
    if external::moves(bytes) { Corpus::Keep } else { Corpus::Reject }
});
bn_tool_fuzz::mutators!();
