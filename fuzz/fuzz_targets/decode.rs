//! Bytes → decode → encode → decode → encode.
#![no_main]

use bn_tool_fuzz::damaged::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| properties::decodes(bytes));
bn_tool_fuzz::mutators!();
