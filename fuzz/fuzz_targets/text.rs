//! Text → parse → print → parse → print.
#![no_main]

use bn_tool_fuzz::damaged::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| properties::parses(bytes));
bn_tool_fuzz::mutators!();
