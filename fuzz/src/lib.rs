//! What the fuzz targets share: the properties and edits of the tests, and edits as libFuzzer's
//! mutators.

#[path = "../../tests/it/damaged/mod.rs"]
pub mod damaged;
#[allow(unused, reason = "the tests use all of it")]
#[path = "../../tests/it/normalise.rs"]
mod normalise;
#[allow(unused, reason = "the tests use all of it")]
#[path = "../../tests/it/reference/mod.rs"]
mod reference;
#[allow(unused, reason = "the tests use all of it")]
#[path = "../../tests/it/same.rs"]
mod same;

use damaged::{edit::Edit, edited};

/// A mutator: half of the time libFuzzer's own, which knows the dictionary.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    if seed.is_multiple_of(2) {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let new = edited(&data[..size], &data[..size], &edits(seed));
    write(&new, &mut data[..max_size])
}

/// A crossover: edits with the other input as donor.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    write(&edited(one, other, &edits(seed)), out)
}

fn write(new: &[u8], out: &mut [u8]) -> usize {
    let len = new.len().min(out.len());
    out[..len].copy_from_slice(&new[..len]);
    len
}

/// One to four edits that depend on `seed` only.
fn edits(seed: u32) -> Vec<Edit> {
    let mut state = u64::from(seed);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    next();
    (0..1 + next() % 4).map(|_| Edit { kind: (next() >> 8) as u8, at: next(), with: next() }).collect()
}

/// Prepares for the first input: a panic unwinds, and is one only if nobody catches it. It is
/// libFuzzer's last word that aborts.
pub fn initialise() {
    drop(std::panic::take_hook());
}

/// The mutators of a target.
#[macro_export]
macro_rules! mutators {
    () => {
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            bn_tool_fuzz::mutate(data, size, max_size, seed)
        });
        libfuzzer_sys::fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
            bn_tool_fuzz::cross(one, other, out, seed)
        });
    };
}
