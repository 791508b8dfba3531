//! Files under temporary names, and the removal of all when the program is told to end.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempPath;

/// The temporary names in use.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn names() -> MutexGuard<'static, Vec<PathBuf>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of saves that are under way. Only for a program that is about to
/// end: these saves fail, and no other can start.
pub fn remove_temporary_files() {
    let names = names();
    for name in names.iter() {
        let _ = std::fs::remove_file(name);
    }
    std::mem::forget(names);
}

/// A name that is removed unless it is replaced by the final one.
pub struct Temporary {
    path: TempPath,
    _entry: Entry,
}

/// An entry of [`NAMES`].
struct Entry(PathBuf);

impl Temporary {
    /// A new file in `folder`; the umask applies to its mode bits.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn file(folder: &Path) -> io::Result<(File, Self)> {
        Self::make(folder, |name| OpenOptions::new().write(true).create_new(true).open(name))
    }

    /// Something that `make` gives a name in `folder`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make<T>(folder: &Path, make: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(T, Self)> {
        // Nobody may clean up between the making and the taking down.
        let mut names = names();
        let (made, path) =
            tempfile::Builder::new().prefix(".bn-tool-").suffix(".tmp").make_in(folder, make)?.into_parts();
        names.push(path.to_path_buf());
        let _entry = Entry(path.to_path_buf());
        Ok((made, Temporary { path, _entry }))
    }

    /// Gives it its final name, which may be that of another file.
    ///
    /// # Errors
    /// When it cannot be renamed; it is removed then.
    pub fn rename(self, target: &Path) -> io::Result<()> {
        self.path.persist(target).map_err(|error| error.error)
    }

    /// Gives it its final name, which nobody may have.
    ///
    /// # Errors
    /// When somebody has it, or it cannot be renamed; it is removed then.
    pub fn rename_new(self, target: &Path) -> io::Result<()> {
        self.path.persist_noclobber(target).map_err(|error| error.error)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        names().retain(|name| *name != self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_renamed_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let entries = || std::fs::read_dir(folder.path()).expect("it is there").count();
        let (_, abandoned) = Temporary::file(folder.path()).expect("made");
        let (_, renamed) = Temporary::file(folder.path()).expect("made");
        assert_eq!(entries(), 2);
        drop(abandoned);
        renamed.rename(&folder.path().join("model.onnx")).expect("renamed");
        assert!(folder.path().join("model.onnx").exists());
        assert_eq!(entries(), 1);
    }
}
