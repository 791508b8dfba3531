//! Edits, before it is known to what.

/// An edit. The numbers mean whatever there is to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// Which kind of edit.
    pub kind: u8,
    /// Where.
    pub at: u32,
    /// With what.
    pub with: u32,
}

/// Numbers around which things change.
pub const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    3,
    127,
    128,
    255,
    1 << 16,
    i32::MAX as u64,
    1 << 31,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
    100,
];

/// The chosen one of `choices`.
pub fn pick<T>(choices: &[T], number: u32) -> Option<&T> {
    choices.get(number as usize % choices.len().max(1))
}
