//! How much memory activations that wait may take.

use super::contain::limit;
use super::error::Failure;

/// Where nobody says how much is free.
const UNKNOWN: u64 = 4 << 30;

/// Half of what is free, in bytes.
pub fn half_of_what_is_free() -> Result<u64, Failure> {
    Ok(limit::of_memory()?.unwrap_or(UNKNOWN) / 2)
}

/// Reads a size such as `512M`, `4G`, `1.5GiB` or a number of bytes. All units are powers of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    let expected = || "expected a size such as 512M or 4G".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_uppercase();
    let shift = match unit.trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(expected()),
    };
    let number: f64 = digits.trim().parse().map_err(|_| expected())?;
    let bytes = number * (1u64 << shift) as f64;
    if number > 0.0 && bytes < 2f64.powi(62) { Ok(bytes as u64) } else { Err(expected()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("512M", 512 << 20), ("4g", 4 << 30), ("1.5GiB", 3 << 29), ("100", 100), ("2KB", 2048), ("1 T", 1 << 40)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "G", "-1G", "0", "1X", "1e30T", "nan"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
