//! Names for data files. A file that is there already is never replaced: another model may read
//! it, and no two renames are one step, so that a killed run would leave a model with the data
//! of another one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// So many numbers are tried.
const NUMBERS: u32 = 10_000;

/// What a data file may be called, best first; relative to the folder of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// This, and nothing else.
    Exactly(PathBuf),
    /// What the model calls it, else the model's own name with `.data` if it has one data file,
    /// else a number.
    Location {
        /// What the model calls it.
        path: PathBuf,
        /// Whether the model has no other data file.
        only: bool,
    },
    /// The model's own name with `.data`, else a number.
    Data,
}

impl Wanted {
    /// Names to try for the data of a model that is saved as `model`.
    pub fn candidates(&self, model: &Path) -> Box<dyn Iterator<Item = PathBuf>> {
        let data = || PathBuf::from(format!("{}.data", lossy(model.file_name())));
        match self {
            Wanted::Exactly(path) => Box::new(std::iter::once(path.clone())),
            Wanted::Data => Box::new(numbered(data())),
            Wanted::Location { path, only: true } => Box::new(std::iter::once(path.clone()).chain(numbered(data()))),
            Wanted::Location { path, only: false } => Box::new(numbered(path.clone())),
        }
    }
}

/// The path, then `w-1.bin`, `w-2.bin` … for `w.bin`.
fn numbered(path: PathBuf) -> impl Iterator<Item = PathBuf> {
    let stem = lossy(path.file_stem());
    let stem = match stem.rsplit_once('-') {
        Some((stem, number)) if number.parse::<u32>().is_ok() => stem.to_owned(),
        _ => stem,
    };
    let extension = path.extension().map_or(String::new(), |extension| format!(".{}", lossy(Some(extension))));
    let number = {
        let path = path.clone();
        move |number| path.with_file_name(format!("{stem}-{number}{extension}"))
    };
    std::iter::once(path).chain((1..=NUMBERS).map(number))
}

fn lossy(name: Option<&OsStr>) -> String {
    name.unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(wanted: &Wanted) -> Vec<String> {
        let names = wanted.candidates(Path::new("out/folded.onnx")).take(3);
        names.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_taken_name_gets_the_models_or_a_number() {
        let location = |path: &str, only| Wanted::Location { path: path.into(), only };
        assert_eq!(first(&location("w/a.bin", false)), ["w/a.bin", "w/a-1.bin", "w/a-2.bin"]);
        assert_eq!(first(&location("a-7", false)), ["a-7", "a-1", "a-2"]);
        assert_eq!(first(&location("m.bin", true)), ["m.bin", "folded.onnx.data", "folded.onnx-1.data"]);
        assert_eq!(first(&Wanted::Data), ["folded.onnx.data", "folded.onnx-1.data", "folded.onnx-2.data"]);
        assert_eq!(first(&Wanted::Exactly("w".into())), ["w"]);
    }
}
