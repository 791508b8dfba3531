//! What the entries of a tensor say, and which of it is believed.

use crate::onnx::access::text;
use crate::onnx::schema::StringStringEntryProto;
use bstr::{BStr, BString, ByteSlice};
use std::path::{Component, Path, PathBuf};

/// Where a tensor says that its elements are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// Relative to the model's folder, without `..`.
    pub path: PathBuf,
    /// The first byte.
    pub offset: u64,
    /// The number of bytes; to the end of the file if there is none.
    pub length: Option<u64>,
}

/// Why a location is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// There is no `location`.
    #[error("it has no `location`")]
    Missing,
    /// The location is not a plain relative path.
    #[error("its location `{0}` is not a relative path inside the model's folder")]
    Outside(BString),
    /// `offset` or `length` is not a number of bytes.
    #[error("its {key} `{value}` is not a number of bytes")]
    Number {
        /// `offset` or `length`.
        key: &'static str,
        /// What is there instead.
        value: BString,
    },
}

impl Location {
    /// Reads the entries of a tensor. Of keys that are there twice the last one counts.
    pub(super) fn read(entries: &[StringStringEntryProto]) -> Result<Location, LocationError> {
        let location = entry(entries, "location").ok_or(LocationError::Missing)?;
        Ok(Location {
            path: relative(location).ok_or_else(|| LocationError::Outside(location.into()))?,
            offset: number(entries, "offset")?.unwrap_or(0),
            length: number(entries, "length")?,
        })
    }
}

fn entry<'e>(entries: &'e [StringStringEntryProto], key: &str) -> Option<&'e BStr> {
    entries.iter().rev().find(|entry| text(&entry.key) == key).map(|entry| text(&entry.value))
}

fn number(entries: &[StringStringEntryProto], key: &'static str) -> Result<Option<u64>, LocationError> {
    let Some(value) = entry(entries, key) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok());
    number.map(Some).ok_or_else(|| LocationError::Number { key, value: value.into() })
}

/// A path that names a file below the folder that it is joined to.
fn relative(location: &BStr) -> Option<PathBuf> {
    let path = Path::new(location.to_str().ok()?);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let usable = inside && path.file_name().is_some() && !location.contains(&0);
    usable.then(|| path.to_path_buf())
}

/// The entries with this one set: where it is, or at the end.
pub(super) fn with_entry(
    mut entries: Vec<StringStringEntryProto>,
    key: &str,
    value: &str,
) -> Vec<StringStringEntryProto> {
    let (key, value) = (Some(key.into()), Some(value.into()));
    match entries.iter_mut().rev().find(|entry| entry.key == key) {
        Some(entry) => entry.value = value,
        None => entries.push(StringStringEntryProto { key, value, ..Default::default() }),
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> Vec<StringStringEntryProto> {
        pairs.iter().fold(Vec::new(), |entries, (key, value)| with_entry(entries, key, value))
    }

    #[test]
    fn offset_and_length_are_optional() {
        let location = Location::read(&entries(&[("location", "sub/w.bin")])).unwrap();
        assert_eq!(location, Location { path: "sub/w.bin".into(), offset: 0, length: None });
        let location = Location::read(&entries(&[("length", "8"), ("location", "w"), ("offset", "4096")])).unwrap();
        assert_eq!(location, Location { path: "w".into(), offset: 4096, length: Some(8) });
    }

    #[test]
    fn paths_that_leave_the_folder_are_not_believed() {
        for path in ["/etc/passwd", "../w", "a/../../w", "..", ".", "", "a/..", "w\0"] {
            let error = Location::read(&entries(&[("location", path)])).unwrap_err();
            assert_eq!(error, LocationError::Outside(path.into()), "{path}");
        }
        assert_eq!(Location::read(&[]).unwrap_err(), LocationError::Missing);
    }

    #[test]
    fn numbers_are_decimal_and_fit() {
        for value in ["-1", "+1", "0x10", "1e3", " 1", "18446744073709551616"] {
            let error = Location::read(&entries(&[("location", "w"), ("offset", value)])).unwrap_err();
            assert_eq!(error, LocationError::Number { key: "offset", value: value.into() });
        }
    }
}
