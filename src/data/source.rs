//! What data is for which input, as users write it.

use std::path::PathBuf;

/// A file or folder, and the input that it is for; without one, it is for the only input, or for
/// all inputs that its arrays are named like.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSource {
    /// The input.
    pub input: Option<String>,
    /// The file or folder. An array of an archive may be named as if it were a folder: `a.npz/x`.
    pub path: PathBuf,
}

impl DataSource {
    /// Reads `PATH` or `NAME=PATH`. A path that has an equals sign itself needs a name before it.
    pub fn parse(text: &str) -> DataSource {
        match text.split_once('=') {
            Some((input, path)) if !input.is_empty() => DataSource { input: Some(input.into()), path: path.into() },
            _ => DataSource { input: None, path: text.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_before_an_equals_sign() {
        let source = |input: Option<&str>, path: &str| DataSource { input: input.map(Into::into), path: path.into() };
        assert_eq!(DataSource::parse("x.npy"), source(None, "x.npy"));
        assert_eq!(DataSource::parse("x=a=b.npy"), source(Some("x"), "a=b.npy"));
        assert_eq!(DataSource::parse("=b.npy"), source(None, "=b.npy"));
    }
}
