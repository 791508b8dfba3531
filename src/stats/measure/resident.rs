//! How much memory this process holds.

use std::fs;

/// Bytes in memory, if the system tells: what was freed but not given back counts, too.
pub fn resident() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse::<u64>().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_shows() {
        let before = resident().expect("Linux tells");
        let taken = vec![1u8; 64 << 20];
        assert!(resident().expect("Linux tells") > before + (32 << 20), "{}", taken.len());
    }
}
